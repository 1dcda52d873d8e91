// A choice between a few ways to show the same.

import { el } from "../dom.js";

/** Return the buttons of `options`, `{key: text}`; a click calls `choose(key)` and presses the button. */
export function switchOf(label, chosen, options, choose) {
  const buttons = Object.entries(options).map(([key, text]) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(key === chosen),
        onclick({ currentTarget }) {
          for (const one of buttons) one.setAttribute("aria-pressed", String(one === currentTarget));
          choose(key);
        },
      },
      text,
    ),
  );
  return el("span", { class: "switch", role: "group", "aria-label": label }, buttons);
}
