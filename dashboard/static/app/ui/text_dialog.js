// A dialog with a long text to read or copy.

import { el } from "../dom.js";
import { copyButton } from "./clipboard.js";
import { closeButton, openDialog } from "./dialog.js";
import { longText } from "./long_text.js";

const CHARACTERS_AT_ONCE = 50_000;

/** Show a text. Closing the dialog removes it. */
export function showText(heading, text) {
  openDialog(
    { class: "text-dialog", "aria-label": heading },
    el(
      "div",
      { class: "head-row" },
      el("h2", {}, heading),
      el("span", { class: "grow" }),
      copyButton(text),
      closeButton(),
    ),
    longText("pre", { tabindex: 0, "data-testid": "dialog-text" }, text, CHARACTERS_AT_ONCE),
  );
}
