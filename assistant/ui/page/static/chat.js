// The Ask tab. The server sends HTML that it has escaped; what is clicked is found by its `data-do`.
const chat = {
  turns: () => document.querySelector("#conversation .turns"),
  panel: () => document.querySelector("#paper .panel"),
  phone: () => matchMedia("(max-width: 900px)").matches,

  whoAmI() {
    chat.conversation = page.kept("sessionStorage", "abstracts-conversation");
    return { owner: page.owner(), conversation: chat.conversation };
  },

  // -- from the server

  // A message says how many turns to keep and what follows them. Each is whole, so that one may be passed over.
  converse(element, trigger, server, props, watch) {
    Object.assign(chat, { trigger, server });
    const show = () => {
      const turns = chat.turns(), message = props.value;
      if (!turns || !message || message.html === undefined) return;
      const known = turns.querySelectorAll(":scope > article").length;
      if (known < message.keep) return trigger("act", { do: "redraw" });
      const asked = message.keep > 0 || message.html.includes('class="turn"');
      for (const child of [...turns.children].slice(asked ? message.keep : 0)) {
        if (child.tagName !== "ARTICLE" || !asked || Number(child.dataset.turn) > message.keep) child.remove();
      }
      turns.insertAdjacentHTML("beforeend", message.html);
      if ("conversation" in message) page.kept("sessionStorage", "abstracts-conversation", message.conversation);
      chat.enrich(turns);
      if (asked && turns.children.length > chat.seen) chat.bringUp();
      chat.seen = asked ? turns.children.length : 0;
    };
    watch("value", show);
    show();
    chat.listen();
  },

  receive(watch, props) {
    watch("value", () => {
      const { say, file } = props.value || {};
      if (say) page.say(say);
      if (file) page.save(file.name, file.text);
    });
  },

  // The newest question is brought to the top, so that a long answer is read from its beginning.
  bringUp() {
    requestAnimationFrame(() => chat.turns().lastElementChild.scrollIntoView({ block: "start" }));
  },

  // A comment can be added once a thumb is pressed; what was said before stands in it.
  enrich(turns) {
    for (const place of turns.querySelectorAll(".comment:empty")) {
      if (!place.closest("article").querySelector(".thumbs [aria-pressed=true]")) continue;
      place.append(chat.field("A word on why (optional)", place.dataset.comment));
    }
  },

  field(label, value) {
    const input = document.createElement("input");
    Object.assign(input, { type: "text", placeholder: label, value, maxLength: 1000 });
    input.setAttribute("aria-label", label);
    input.addEventListener("keydown", event => { if (event.key === "Enter") input.blur(); });
    input.addEventListener("change", () => chat.rate(input.closest("article")));
    return input;
  },

  // -- what the user does

  listen() {
    if (chat.listening) return;
    chat.listening = true;
    document.addEventListener("click", event => {
      const button = event.target.closest("[data-do]");
      const deed = button && button.closest("#ask") && chat.deeds[button.dataset.do];
      if (deed) deed(button, button.closest("article"));
    });
    document.addEventListener("keydown", event => {
      if (event.key === "Escape") chat.escape();
      const button = event.target.closest && event.target.closest("#paper .panel");
      if (button && event.target.tagName !== "INPUT") {
        if (event.key === "ArrowRight") chat.step(1);
        if (event.key === "ArrowLeft") chat.step(-1);
      }
    });
    for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, event => chat.hint(event.target));
    for (const kind of ["mouseout", "focusout", "scroll"]) {
      document.addEventListener(kind, () => chat.hint(null), { passive: true });
    }
  },

  deeds: {
    ask: button => chat.trigger("ask", { question: button.dataset.question }),
    retry: (_, turn) => chat.again(turn, chat.question(turn)),
    edit: (_, turn) => chat.edit(turn),
    paper: button => chat.open(button),
    step: button => chat.step(Number(button.dataset.by)),
    close: () => chat.closePanel(),
    about: button => chat.about(button.dataset.title),
    copy: button => page.copy(button.dataset.copy),
    "copy-answer": (_, turn) => page.copy(`${chat.question(turn)}\n\n${chat.words(turn)}`),
    export: (button, turn) => chat.trigger("act", {
      do: "export", form: button.dataset.form, turn: turn ? Number(turn.dataset.turn) : null,
    }),
    sort: button => chat.sort(button),
    rows: button => {
      for (const row of button.closest(".said").querySelectorAll("tr[hidden]")) row.hidden = false;
      button.remove();
    },
    rate: (button, turn) => {
      for (const one of turn.querySelectorAll("[data-do=rate]")) one.setAttribute("aria-pressed", one === button);
      chat.rate(turn);
      chat.enrich(chat.turns());
      const word = turn.querySelector(".comment input");
      word.focus({ preventScroll: true });
      word.scrollIntoView({ block: "nearest" });
    },
    new: () => chat.begin(),
    unsaved: box => {
      const lost = !box.checked && chat.turns().querySelector(":scope > article");
      if (lost && !confirm("This begins a new conversation; the one here is not kept.")) box.checked = true;
      else chat.begin();
    },
    menu: () => chat.menu(),
    resume: button => {
      chat.menu(false);
      chat.seen = Infinity; // shown from its beginning, not from its last question
      scrollTo(0, 0);
      chat.trigger("act", { do: "resume", id: button.dataset.id });
    },
    rename: button => {
      const title = prompt("Name of this conversation", button.dataset.title);
      if (title && title.trim()) chat.trigger("act", { do: "rename", id: button.dataset.id, title });
    },
    delete: button => {
      if (confirm(`Delete “${button.dataset.title}” for good?`)) chat.trigger("act", { do: "delete", id: button.dataset.id });
    },
  },

  menu(open) {
    const shown = document.querySelector("#ask").classList.toggle("menu", open);
    document.querySelector(".menu-button").setAttribute("aria-expanded", shown);
  },

  begin() {
    const box = document.querySelector("#history [data-do=unsaved]");
    chat.menu(false);
    chat.closePanel();
    chat.trigger("act", { do: "new", unsaved: box.checked });
    document.querySelector("#question textarea").focus();
  },

  history(element, trigger) {
    let waiting;
    element.addEventListener("input", event => {
      if (!event.target.matches(".find")) return;
      clearTimeout(waiting);
      waiting = setTimeout(() => trigger("act", { do: "search", words: event.target.value }), 200);
    });
  },

  question: turn => turn.querySelector("h2").textContent,

  words(turn) {
    const copy = turn.querySelector(".said").cloneNode(true);
    for (const mark of copy.querySelectorAll("button.mark")) mark.replaceWith(`[${mark.textContent}]`);
    for (const other of copy.querySelectorAll("button:not(.opener):not(.sort), .sr, details")) other.remove();
    const cells = [...copy.querySelectorAll("td, th")];
    for (const cell of cells) cell.append("\t");
    for (const block of copy.querySelectorAll("p, li, tr, h3")) block.append("\n");
    return copy.textContent.replace(/[ \t]+\n/g, "\n").trim();
  },

  // Asked in the place of a turn, a question takes those after it away, from what is saved too; false: better not.
  again(turn, question) {
    const number = Number(turn.dataset.turn), after = chat.turns().querySelectorAll(":scope > article").length - number;
    const those = after === 1 ? "the question" : `the ${after} questions`;
    if (after > 0 && !confirm(`This removes ${those} after it.`)) return false;
    chat.trigger("ask", { question, instead: number });
    return true;
  },

  edit(turn) {
    const head = turn.querySelector(".asked"), form = document.createElement("form");
    const area = document.createElement("textarea"), go = document.createElement("button");
    const leave = document.createElement("button");
    Object.assign(area, { value: chat.question(turn), rows: 2, maxLength: 10000 });
    area.setAttribute("aria-label", "Edit the question");
    Object.assign(go, { type: "submit", textContent: "Ask again", className: "plain" });
    Object.assign(leave, { type: "button", textContent: "Leave as it was", className: "plain" });
    form.className = "editing";
    form.append(area, go, leave);
    const back = () => { form.remove(); head.hidden = false; };
    form.addEventListener("submit", event => {
      event.preventDefault();
      if (!area.value.trim() || chat.again(turn, area.value)) back();
    });
    leave.addEventListener("click", back);
    area.addEventListener("keydown", event => {
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
      if (event.key === "Escape") { event.stopPropagation(); back(); }
    });
    head.hidden = true;
    head.after(form);
    area.focus();
  },

  rate(turn) {
    const pressed = turn.querySelector(".thumbs [aria-pressed=true]"), word = turn.querySelector(".comment input");
    chat.trigger("act", {
      do: "rate", turn: Number(turn.dataset.turn), useful: pressed.dataset.useful === "1", comment: word ? word.value : "",
    });
  },

  about(title) {
    const box = document.querySelector("#question textarea");
    if (!box.offsetParent) document.querySelector("#tabs button[role=tab]").click(); // asked from another tab
    box.value = `what does “${title}” say about `;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    if (chat.phone()) chat.closePanel();
    box.focus();
  },

  // -- tables

  sort(button) {
    const head = button.closest("th"), body = head.closest("table").tBodies[0], column = Number(button.dataset.column);
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[column].textContent.trim();
    const order = button.dataset.as === "number"
      ? (a, b) => Number(value(a)) - Number(value(b))
      : (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true, sensitivity: "base" });
    const rows = [...body.rows], hidden = rows.filter(row => row.hidden).length;
    rows.sort(order);
    if (down) rows.reverse();
    rows.forEach((row, number) => { row.hidden = number >= rows.length - hidden; });
    body.append(...rows);
  },

  // -- the paper beside the answer

  hint(target) {
    const mark = target && target.closest && target.closest("button.mark, button.opener");
    let tip = document.getElementById("hint");
    if (!mark) {
      if (tip) tip.hidden = true;
      return;
    }
    if (!tip) {
      tip = document.createElement("div");
      tip.id = "hint";
      tip.setAttribute("role", "tooltip");
      document.body.append(tip);
    }
    tip.textContent = mark.dataset.quote;
    tip.hidden = false;
    const at = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - own.width - 8))}px`;
    tip.style.top = `${at.bottom + own.height + 12 > innerHeight ? Math.max(8, at.top - own.height - 6) : at.bottom + 6}px`;
    mark.setAttribute("aria-describedby", "hint");
  },

  async open(button) {
    const panel = chat.panel(), turn = button.closest("article");
    chat.hint(null);
    for (const other of document.querySelectorAll("#conversation .open")) other.classList.remove("open");
    button.classList.add("open");
    chat.opened = button;
    const around = chat.around(button), at = around.indexOf(button);
    panel.querySelector(".where").textContent = around.length > 1 ? `${at + 1} of ${around.length}` : "";
    panel.hidden = false;
    document.querySelector("#ask").classList.add("reading");
    const { paper, start, end, quote } = button.dataset;
    const asked = start === undefined ? { paper, quote } : { paper, start, end };
    const answer = await chat.server.paper({ ...asked, question: chat.question(turn) });
    if (chat.opened !== button) return; // another was clicked meanwhile
    const place = panel.querySelector(".paper");
    place.innerHTML = answer.html;
    const mark = place.querySelector("mark");
    place.scrollTop = 0; // where the title is, unless the quote is too far below it
    const shown = Math.min(place.clientHeight, innerHeight - place.getBoundingClientRect().top);
    if (mark && mark.offsetTop + mark.offsetHeight > shown) place.scrollTop = mark.offsetTop - shown / 4;
    place.focus({ preventScroll: true });
  },

  // The marks of one answer, each once, in order; of papers that came near, those of the list.
  around(button) {
    const kind = button.matches(".mark") ? "button.mark" : "button.opener";
    const all = [...button.closest("article").querySelectorAll(kind)].filter(one => !one.closest("tr[hidden]"));
    const key = one => one.dataset.mark || one.dataset.paper + one.dataset.quote;
    const first = all.filter((one, at) => all.findIndex(other => key(other) === key(one)) === at);
    return first.map(one => (key(one) === key(button) ? button : one));
  },

  step(by) {
    const around = chat.opened && chat.opened.isConnected ? chat.around(chat.opened) : [];
    const next = around[around.indexOf(chat.opened) + by];
    if (next) chat.open(next);
  },

  closePanel() {
    const panel = chat.panel();
    if (!panel || panel.hidden) return;
    panel.hidden = true;
    document.querySelector("#ask").classList.remove("reading");
    if (chat.opened) {
      chat.opened.classList.remove("open");
      if (chat.opened.isConnected) chat.opened.focus();
    }
    chat.opened = null;
  },

  escape() {
    chat.hint(null);
    chat.closePanel();
    chat.menu(false);
  },

  seen: 0,
};
