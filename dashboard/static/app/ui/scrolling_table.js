// A table that may be wider than the page: it scrolls by itself, also by the keyboard.

import { el } from "../dom.js";

/** Return the table with its parts inside what scrolls. `caption` is for screen readers, `label` names the region. */
export function scrollingTable({ caption, label = caption, kind = null }, ...parts) {
  return el(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": label },
    el("table", { class: kind }, el("caption", { class: "visually-hidden" }, caption), parts),
  );
}
