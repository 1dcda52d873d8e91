// A text of which only the beginning is laid out, until its reader, or a search, wants the rest.

import { el, put } from "../dom.js";
import { bytes } from "../format.js";

const rest = new WeakMap(); // the element of a text -> {text, isIn, showAll}

/** Return an element with the first `characters` of `text`, and a button that shows the rest. */
export function longText(tag, attributes, text, characters) {
  const element = el(tag, attributes, text.slice(0, characters));
  if (text.length <= characters) return element;
  const showAll = () => {
    put(element, text);
    more.remove();
    rest.delete(whole);
  };
  const more = el("button", { type: "button", class: "small", onclick: showAll }, `Show all ${bytes(text.length)}`);
  const whole = el("div", { class: "long-text" }, element, more);
  rest.set(whole, { hidden: text.slice(characters - 1_000), showAll });
  return whole;
}

/** Show the whole of each text in `root` that matches beyond what is laid out. */
export function showMatching(root, pattern) {
  for (const element of [root, ...root.querySelectorAll(".long-text")]) {
    const found = rest.get(element);
    if (found && pattern.test(found.hidden)) found.showAll();
  }
}
