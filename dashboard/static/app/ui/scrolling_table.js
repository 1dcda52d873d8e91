// A table that may be wider than the page: it scrolls on its own, and the keyboard can scroll it.

import { el } from "../dom.js";

/** Return the table in a scrolling region. `caption` is for screen readers, `label` names the region. */
export function scrollingTable({ caption, label = caption, kind = null }, ...parts) {
  return el(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": label },
    el("table", { class: kind }, el("caption", { class: "visually-hidden" }, caption), parts),
  );
}
