// A table that may be wider than its place. Then each row becomes a block that names its values, so no number is cut.

import { el } from "../dom.js";

/** Return the table in a region. `caption` is for screen readers, `label` names the region. */
export function scrollingTable({ caption, label = caption, kind = null }, ...parts) {
  const table = el("table", { class: kind }, el("caption", { class: "visually-hidden" }, caption), parts);
  const place = el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": label }, table);
  fitWhenResized(place, table);
  return place;
}

// Choosing the form changes the height, so it waits for the next frame: the observer must not see its own effect.
function fitWhenResized(place, table) {
  let width = -1;
  let frame = 0;
  const observer = new ResizeObserver(() => {
    if (place.clientWidth === width && place.scrollWidth <= width) return;
    width = place.clientWidth;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => fit(place, table));
  });
  observer.observe(place);
  observer.observe(table);
}

function fit(place, table) {
  table.classList.remove("cards");
  if (place.scrollWidth <= place.clientWidth) return;
  nameCells(table);
  table.classList.add("cards");
}

function nameCells({ tHead, tBodies }) {
  const names = [...(tHead?.rows[0]?.cells ?? [])].map((head) => head.textContent);
  for (const { cells } of [...tBodies].flatMap((body) => [...body.rows]))
    if (cells.length === names.length) [...cells].forEach((cell, at) => (cell.dataset.name ??= names[at]));
}
