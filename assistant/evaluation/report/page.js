"use strict";
const rows = [...document.querySelectorAll("#questions > details")];
const search = document.getElementById("search");
const selects = [...document.querySelectorAll(".filters select")];
const chips = [...document.querySelectorAll(".filters button")];
const shown = document.getElementById("shown");
const words = new Map();

function matches(row, wanted) {
  if (!wanted) return true;
  if (!words.has(row)) words.set(row, row.textContent.toLowerCase());
  return words.get(row).includes(wanted);
}

function show() {
  const wanted = search.value.trim().toLowerCase();
  const pressed = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.value);
  const counts = new Map();
  let visible = 0;
  for (const row of rows) {
    const fits = selects.every((select) => !select.value || row.dataset[select.name] === select.value)
      && matches(row, wanted);
    if (fits) counts.set(row.dataset.verdict, (counts.get(row.dataset.verdict) || 0) + 1);
    row.hidden = !fits || (pressed.length > 0 && !pressed.includes(row.dataset.verdict));
    if (!row.hidden) visible += 1;
  }
  for (const chip of chips) chip.querySelector("small").textContent = counts.get(chip.value) || 0;
  shown.textContent = `${visible} of ${rows.length} shown`;
}

search.addEventListener("input", show);
for (const select of selects) select.addEventListener("change", show);
for (const chip of chips) {
  chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    show();
  });
}
show();
