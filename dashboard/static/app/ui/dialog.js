// Modal dialogs. The browser's own element keeps the focus inside, closes on Escape, and gives the focus back.

import { el } from "../dom.js";

/**
 * Open a dialog with this content, and return it. `attributes` name it (`aria-label` or `aria-labelledby`) and give it
 * a class. It is removed when it closes; then `onClose(returnValue)` is called. A press outside closes it, unless
 * `isQuestion`.
 */
export function openDialog({ onClose = () => {}, isQuestion = false, ...attributes }, ...content) {
  const dialog = el("dialog", attributes, ...content);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose(dialog.returnValue);
  });
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog && !isQuestion && isOutside(dialog, event)) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A button that closes the dialog around it. */
export function closeButton(text = "Close") {
  return el("button", { type: "button", onclick: ({ target }) => target.closest("dialog").close() }, text);
}

// The backdrop is a part of the dialog, and so is its padding.
function isOutside(dialog, { clientX: x, clientY: y }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return x < left || x > right || y < top || y > bottom;
}
