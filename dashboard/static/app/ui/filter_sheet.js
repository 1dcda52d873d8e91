// On a phone, one button opens all filters of a page in a sheet. On wider screens they are a row of the page.

import { el, put } from "../dom.js";
import { closeButton, openDialog } from "./dialog.js";
import { icon } from "./icons.js";

let open = null; // the open sheet: {fill(controls)}

/**
 * Return the button and the controls; `count` filters are chosen. A choice leads to a new address, whose page makes new
 * controls: an open sheet shows those instead of the former ones.
 */
export function filterSheet(count, ...controls) {
  const row = el("div", { class: "filter-controls" }, ...controls);
  const home = el("div", { class: "filter-home" }, row);
  const button = el(
    "button",
    { type: "button", class: "filters-open", "aria-haspopup": "dialog", onclick: () => openSheet(home, row) },
    icon("filter"),
    count ? `Filters (${count})` : "Filters",
  );
  open?.fill(home, row);
  return [button, home];
}

function openSheet(firstHome, firstRow) {
  let [home, row] = [firstHome, firstRow];
  const body = el("div", {}, row);
  const leave = () => dialog.close();
  const onClose = () => {
    open = null;
    removeEventListener("popstate", leave);
    put(home, row);
    document.querySelector(".filters-open")?.focus();
  };
  const dialog = openDialog(
    { class: "filter-sheet", "aria-label": "Filters", onClose },
    el("div", { class: "head-row" }, el("h2", {}, "Filters"), el("span", { class: "grow" }), closeButton("Done")),
    body,
  );
  addEventListener("popstate", leave);
  open = {
    fill(newHome, newRow) {
      const focused = body.contains(document.activeElement) ? document.activeElement.id : null;
      put(home, row);
      [home, row] = [newHome, newRow];
      put(body, row);
      if (focused) document.getElementById(focused)?.focus();
    },
  };
}
