// Asks for confirmation.

import { el, put } from "../../dom.js";
import { closeButton, openDialog } from "../../ui/dialog.js";

/**
 * Ask, and return the values of `fields` if the reader agrees, else null. `text` is a list of paragraphs; `action` and
 * `refusal` are the names of the buttons. `fields` are named form controls, or labels around them. Afterwards the focus
 * returns to the button that opened the dialog, or to its successor with the same `data-action`.
 */
export function ask({ title, text, action, refusal = "Cancel", isDanger = false, fields = [], signal }) {
  const opener = document.activeElement;
  return new Promise((resolve) => {
    const heading = `dialog-${crypto.randomUUID()}`;
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", { id: heading }, title),
      text.filter(Boolean).map((paragraph) => el("p", {}, paragraph)),
      fields,
      el(
        "div",
        { class: "dialog-foot" },
        closeButton(refusal),
        el("button", { type: "submit", class: isDanger ? "danger" : "primary", value: "yes" }, action),
      ),
    );
    const leave = () => dialog.close();
    const onClose = (answer) => {
      signal.removeEventListener("abort", leave);
      focusAgain(opener);
      resolve(answer === "yes" && !signal.aborted ? Object.fromEntries(new FormData(form)) : null);
    };
    const dialog = openDialog(
      { class: "card ask-dialog", "aria-labelledby": heading, "data-testid": "confirm", isQuestion: true, onClose },
      form,
    );
    signal.addEventListener("abort", leave, { once: true });
  });
}

/** A warning for a dialog. */
export function warning(...content) {
  return put(el("span", { class: "warning" }), content);
}

function focusAgain(opener) {
  if (!opener || opener.isConnected) opener?.focus();
  else document.querySelector(`[data-action="${CSS.escape(opener.dataset.action ?? "")}"]`)?.focus();
}
