// The Papers tab: links to papers and topics become requests, and the map of the collection is drawn.
{
  const PALETTE = { // twelve hues that tell apart on white and on black
    light: ["#3b6fb6", "#c2571a", "#2f855a", "#a8325e", "#7153b5", "#8a6d1f", "#15808d", "#b0413e", "#5b7f1c", "#9b4d9e", "#4f6472", "#b8770e"],
    dark: ["#7fb0f0", "#f0965c", "#6cc79a", "#ee86ab", "#b39ff0", "#d8bc66", "#5cc9d6", "#f08a86", "#a9cf63", "#dd93e0", "#a3b8c6", "#f0b95a"],
  };
  const find = (id, within = "") => document.querySelector(`#${id} ${within}`);
  const field = (id) => document.querySelector(`#${id} textarea, #${id} input`);
  let followed = 0; // counts, so that the same link can be followed twice

  const follow = (link) => {
    const channel = field("papers-followed");
    if (!channel) return;
    channel.value = `${link}?${++followed}`;
    channel.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const open = (paper) => follow(`paper/${paper}/0/0`);

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#paper/"], a[href^="#topic/"]');
    if (event.target.closest?.('a[href^="#topic/"], #papers-pager button')) { // another list: from its beginning
      const list = find("papers-results"), { top } = list.getBoundingClientRect();
      if (top < 0 || top > window.innerHeight) list.scrollIntoView();
    }
    if (!link) return;
    event.preventDefault();
    follow(link.getAttribute("href").slice(1));
  });

  // -- the map

  class PapersMap {
    constructor(frame) {
      this.frame = frame;
      frame.innerHTML = "";
      this.canvas = document.createElement("canvas");
      this.canvas.tabIndex = 0;
      this.canvas.setAttribute("role", "application");
      this.canvas.setAttribute("aria-label",
        "Map of the collection. Arrows move it, plus and minus zoom, 0 shows all. The list of papers has the same papers.");
      this.tip = document.createElement("div");
      this.tip.className = "map-tip";
      this.tip.hidden = true;
      this.tip.dir = "auto";
      const buttons = document.createElement("div");
      buttons.className = "map-buttons";
      for (const [sign, label, act] of [
        ["+", "Zoom in", () => this.zoom(1.5)], ["−", "Zoom out", () => this.zoom(1 / 1.5)], ["⤢", "Show all", () => this.all()],
      ]) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = sign;
        button.title = label;
        button.setAttribute("aria-label", label);
        button.addEventListener("click", act);
        buttons.append(button);
      }
      frame.append(this.canvas, buttons, this.tip);
      this.context = this.canvas.getContext("2d");
      this.view = { x: 0.5, y: 0.5, scale: 1 }; // middle of the view on the map; 1 shows all
      this.lit = new Set();
      this.current = null;
      this.pointers = new Map();
      this.listen();
      new ResizeObserver(() => this.draw()).observe(this.canvas);
      this.canvas.placeOf = (paper) => this.placeOf(paper);
    }

    show(map) {
      this.map = map;
      this.places = new Map(map.ids.map((paper, place) => [paper, place]));
      this.draw();
    }

    light(papers) {
      this.lit = new Set(papers);
      this.draw();
    }

    mark(paper) {
      this.current = paper;
      this.draw();
    }

    size() {
      const box = this.canvas.getBoundingClientRect();
      const { width, height } = box, { scale } = this.view; // across and down: pixels of the whole map
      return { width, height, across: (width - 24) * scale, down: (height - 24) * scale };
    }

    screen(x, y, size) {
      return [size.width / 2 + (x - this.view.x) * size.across, size.height / 2 + (y - this.view.y) * size.down];
    }

    placeOf(paper) { // on the window, for whoever wants to point at it
      const place = this.places.get(paper);
      if (place === undefined) return null;
      const box = this.canvas.getBoundingClientRect();
      const [x, y] = this.screen(this.map.x[place], this.map.y[place], this.size());
      return [box.left + x, box.top + y];
    }

    draw() {
      if (this.waiting) return;
      this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.paint(); });
    }

    paint() {
      const size = this.size(), ratio = window.devicePixelRatio || 1, pen = this.context;
      if (!this.map || !size.width) return;
      this.canvas.width = Math.round(size.width * ratio);
      this.canvas.height = Math.round(size.height * ratio);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      const dark = document.body.classList.contains("dark"), hues = dark ? PALETTE.dark : PALETTE.light;
      const style = getComputedStyle(this.canvas);
      const { ids, x, y, topic } = this.map;
      const radius = Math.max(1.4, Math.min(4.5, 90 / Math.sqrt(ids.length))) * Math.min(2.2, Math.sqrt(this.view.scale));
      const dim = this.lit.size > 0;
      const rings = [];
      for (let place = 0; place < ids.length; place++) {
        const [left, top] = this.screen(x[place], y[place], size);
        if (left < -9 || top < -9 || left > size.width + 9 || top > size.height + 9) continue;
        if (this.lit.has(ids[place]) || ids[place] === this.current) { rings.push([place, left, top]); continue; }
        pen.globalAlpha = dim ? 0.3 : 0.75;
        pen.fillStyle = hues[topic[place] % hues.length];
        pen.beginPath();
        pen.arc(left, top, radius, 0, 7);
        pen.fill();
      }
      pen.globalAlpha = 1;
      this.names(pen, size, style);
      for (const [place, left, top] of rings) {
        pen.fillStyle = hues[topic[place] % hues.length];
        pen.strokeStyle = style.color;
        pen.lineWidth = ids[place] === this.current ? 3 : 1.75;
        pen.beginPath();
        pen.arc(left, top, Math.max(6.5, radius * 1.5), 0, 7);
        pen.fill();
        pen.stroke();
      }
      this.canvas.dataset.papers = String(ids.length);
      this.canvas.dataset.lit = String(ids.filter((paper) => this.lit.has(paper)).length);
    }

    names(pen, size, style) {
      pen.font = `600 12px ${style.fontFamily}`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.lineJoin = "round";
      const taken = [];
      this.map.topics.forEach((topic, number) => { // the largest first: where names would overlap, the smaller waits
        const words = topic.name.split(" · "), [middle, top] = this.screen(topic.x, topic.y, size);
        if (middle < 0 || top < 0 || middle > size.width || top > size.height) return;
        let name, left;
        for (const most of size.width < 480 ? [1] : [2, 1]) { // words
          name = words.slice(0, most).join(" · ");
          const half = pen.measureText(name).width / 2 + 4;
          left = Math.max(half, Math.min(size.width - half - 40, middle)); // the buttons are at the right
          const free = taken.every(([x, y, other]) => Math.abs(x - left) >= half + other || Math.abs(y - top) >= 17);
          if (free) { taken.push([left, top, half]); break; }
          name = "";
        }
        if (!name) return;
        pen.lineWidth = 4;
        pen.strokeStyle = style.backgroundColor;
        pen.globalAlpha = 0.9;
        pen.strokeText(name, left, top);
        pen.globalAlpha = 1;
        pen.fillStyle = style.color;
        pen.fillText(name, left, top);
      });
    }

    nearest(event) {
      if (!this.map) return -1;
      const box = this.canvas.getBoundingClientRect(), size = this.size();
      let best = -1, least = 12 ** 2; // pixels
      for (let place = 0; place < this.map.ids.length; place++) {
        const [left, top] = this.screen(this.map.x[place], this.map.y[place], size);
        const far = (left - event.clientX + box.left) ** 2 + (top - event.clientY + box.top) ** 2;
        // A lit paper is drawn above the others.
        const shown = this.lit.has(this.map.ids[place]) ? far / 2 : far;
        if (shown < least) { best = place; least = shown; }
      }
      return best;
    }

    hover(event) {
      const place = this.nearest(event);
      this.canvas.style.cursor = place < 0 ? "grab" : "pointer";
      this.tip.hidden = place < 0;
      if (place < 0) return;
      const box = this.frame.getBoundingClientRect();
      this.tip.textContent = this.map.titles[place];
      const left = event.clientX - box.left, top = event.clientY - box.top;
      this.tip.style.left = `${Math.max(0, Math.min(left + 12, box.width - this.tip.offsetWidth - 4))}px`;
      this.tip.style.top = `${top + 18 + this.tip.offsetHeight > box.height ? top - this.tip.offsetHeight - 10 : top + 18}px`;
    }

    zoom(factor, event) {
      const scale = Math.max(1, Math.min(60, this.view.scale * factor));
      if (event) { // what is under the pointer stays there
        const box = this.canvas.getBoundingClientRect(), size = this.size(), kept = 1 - this.view.scale / scale;
        const left = event.clientX - box.left - size.width / 2, top = event.clientY - box.top - size.height / 2;
        this.view.x += left / size.across * kept;
        this.view.y += top / size.down * kept;
      }
      this.view.scale = scale;
      this.tip.hidden = true;
      this.move(0, 0);
    }

    move(left, top) {
      const size = this.size();
      this.view.x = Math.max(0, Math.min(1, this.view.x - left / size.across));
      this.view.y = Math.max(0, Math.min(1, this.view.y - top / size.down));
      this.draw();
    }

    all() {
      this.view = { x: 0.5, y: 0.5, scale: 1 };
      this.draw();
    }

    listen() {
      const canvas = this.canvas;
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        canvas.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, event);
        this.travelled = 0;
      });
      canvas.addEventListener("pointermove", (event) => {
        const before = this.pointers.get(event.pointerId);
        if (!before) { this.hover(event); return; }
        const others = [...this.pointers.values()].filter((other) => other.pointerId !== event.pointerId);
        this.pointers.set(event.pointerId, event);
        if (others.length) { // two fingers
          const gap = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
          if (gap(before) > 0) this.zoom(gap(event) / gap(before), others[0]);
          this.travelled = 99;
          return;
        }
        const left = event.clientX - before.clientX, top = event.clientY - before.clientY;
        this.travelled += Math.abs(left) + Math.abs(top);
        this.tip.hidden = true;
        this.move(left, top);
      });
      canvas.addEventListener("pointerup", (event) => {
        const pressed = this.pointers.delete(event.pointerId);
        if (!pressed || this.travelled > 6) return;
        const place = this.nearest(event);
        if (place >= 0) { this.tip.hidden = true; open(this.map.ids[place]); }
      });
      canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
      canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
      canvas.addEventListener("wheel", (event) => {
        // Until it is chosen, by a click or with Ctrl, the page scrolls past it.
        if (!event.ctrlKey && document.activeElement !== canvas) return;
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 300), event);
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => {
        const act = {
          "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), "0": () => this.all(),
          ArrowLeft: () => this.move(40, 0), ArrowRight: () => this.move(-40, 0),
          ArrowUp: () => this.move(0, 40), ArrowDown: () => this.move(0, -40),
        }[event.key];
        if (act) { event.preventDefault(); act(); }
      });
    }
  }

  let map = null, shown = "", lit = "", viewed = "", theme = "";

  // Gradio writes into the page whenever it likes; what has changed is looked for each time.
  const look = () => {
    const frame = find("map-frame", ".map-frame"), data = field("map-data");
    if (frame && (!map || map.frame !== frame)) { map = new PapersMap(frame); shown = lit = ""; }
    if (map && data && data.value && data.value !== shown) {
      shown = data.value;
      map.show(JSON.parse(shown));
    }
    const cited = [...document.querySelectorAll("#map-cited a")].map((link) => link.getAttribute("href").split("/")[1]);
    if (map && cited.join() !== lit) { lit = cited.join(); map.light(cited); }
    const title = find("paper-view", ".paper");
    const paper = title ? find("paper-view", ".paper-own")?.getAttribute("href").split("/")[1] ?? "" : "";
    const state = title ? title.innerHTML : "";
    if (state !== viewed) {
      viewed = state;
      map?.mark(paper);
      for (const link of document.querySelectorAll("#papers-results a")) {
        if (link.getAttribute("href").split("/")[1] === paper) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
      const view = find("paper-view"), bottom = frame ? frame.getBoundingClientRect().bottom : 0;
      if (state && window.innerWidth <= 800) view.scrollIntoView({ block: "start" });
      else if (state) find("papers-side").scrollTop += view.getBoundingClientRect().top - bottom; // the map stays above it
    }
    const now = document.body.className;
    if (map && now !== theme) { theme = now; map.draw(); }
  };
  let looking = 0;
  const soon = () => { looking ||= requestAnimationFrame(() => { looking = 0; look(); }); };
  new MutationObserver(soon).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["class", "style"],
  });
}
