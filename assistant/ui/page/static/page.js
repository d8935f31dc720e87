// What all tabs share: light or dark, and this browser's own random name.
const page = {
  // Storage is missing in some private windows; then nothing is remembered, and nothing breaks.
  kept(store, name, value) {
    try {
      if (value === undefined) return window[store].getItem(name);
      if (value === null) window[store].removeItem(name);
      else window[store].setItem(name, value);
    } catch {
      return null;
    }
    return null;
  },

  // Whoever has it sees its conversations, so it is not to be guessed.
  owner() {
    let name = page.kept("localStorage", "abstracts-owner");
    if (!/^[0-9a-f]{32}$/.test(name || "")) {
      name = [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join("");
      page.kept("localStorage", "abstracts-owner", name);
    }
    return name;
  },

  say(words) {
    let box = document.getElementById("told");
    if (!box) {
      box = document.createElement("div");
      box.id = "told";
      box.setAttribute("role", "status");
      document.body.append(box);
    }
    box.textContent = words;
    box.classList.add("shown");
    clearTimeout(page.saying);
    page.saying = setTimeout(() => box.classList.remove("shown"), 2500 + 40 * words.length);
  },

  async copy(words) {
    try {
      await navigator.clipboard.writeText(words);
    } catch { // no permission, or a page that came by plain http
      const area = document.createElement("textarea");
      area.value = words;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    page.say("Copied.");
  },

  save(name, words) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([words], { type: "text/plain;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },
};
