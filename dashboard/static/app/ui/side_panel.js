// A panel beside a list, for one of its entries. It is no dialog: the list stays in view and in use.

import { el, put } from "../dom.js";

/**
 * Return `{element, isOpen, show(heading, content), focus(), close()}`. `onStep(by)` shows the next or previous entry;
 * J and K press the same buttons (`keys.js`). `onClose()` gives the focus back.
 */
export function sidePanel({ label, onStep, onClose, signal }) {
  const heading = el("h2", { tabindex: -1 });
  const content = el("div", { class: "panel-content" });
  const step = (text, by, key) =>
    el(
      "button",
      { type: "button", class: "small", "data-step": by, "aria-keyshortcuts": key, onclick: () => onStep(by) },
      text,
    );
  const element = el(
    "section",
    { class: "side-panel card", "aria-label": label, hidden: true, "data-testid": "side-panel" },
    el(
      "div",
      { class: "head-row" },
      step("Previous", -1, "K"),
      step("Next", 1, "J"),
      el("span", { class: "grow" }),
      el("button", { type: "button", class: "small", onclick: () => close() }, "Close"),
    ),
    heading,
    content,
  );

  function close() {
    if (element.hidden) return;
    element.hidden = true;
    put(content);
    onClose();
  }

  const escape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    close();
  };
  document.addEventListener("keydown", escape, { signal });
  return {
    element,
    close,
    get isOpen() {
      return !element.hidden;
    },
    show(text, ...nodes) {
      put(heading, text);
      put(content, ...nodes);
      element.hidden = false;
      element.scrollTop = 0;
    },
    focus: () => heading.focus({ preventScroll: true }),
  };
}
