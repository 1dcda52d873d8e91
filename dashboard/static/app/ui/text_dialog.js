// A dialog with a long text to read or copy. At first it lays out only the beginning of a very long one.

import { announce, el, put } from "../dom.js";
import { bytes } from "../format.js";
import { copyText } from "./clipboard.js";

const CHARACTERS_AT_ONCE = 50_000;

/** Show a text; `facts` are nodes above it. Closing the dialog removes it. */
export function showText(heading, text, facts = null) {
  const shown = el("pre", { tabindex: 0, "data-testid": "dialog-text" });
  const more = el("button", { type: "button", class: "small" }, `Show all ${bytes(text.length)}`);
  const show = (length) => {
    put(shown, text.slice(0, length));
    more.hidden = length >= text.length;
  };
  more.addEventListener("click", () => show(text.length));
  show(CHARACTERS_AT_ONCE);
  const copy = el(
    "button",
    {
      type: "button",
      async onclick() {
        put(copy, (await copyText(text)) ? "Copied" : "Not copied");
        announce(copy.textContent);
      },
    },
    "Copy",
  );
  const dialog = el(
    "dialog",
    { class: "text-dialog", "aria-label": heading },
    el(
      "div",
      { class: "head-row" },
      el("h2", {}, heading),
      el("span", { class: "grow" }),
      copy,
      el("button", { type: "button", onclick: () => dialog.close() }, "Close"),
    ),
    facts,
    shown,
    more,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}
