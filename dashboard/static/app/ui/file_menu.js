// A menu that saves what the page shows as a file, in one of several forms.

import { el, put } from "../dom.js";
import { save } from "./save.js";

/**
 * Return the menu `label`. `kinds`: `{name, suffix, type, make(found)}`; `read(tell)` reads what is saved and tells how
 * far it is; `note(found)` is shown once it is saved under `file`.
 */
export function fileMenu({ label, kinds, file, read, note, signal }) {
  const state = el("span", { class: "muted", role: "status" });
  const buttonOf = ({ name, suffix, type, make }) =>
    el(
      "button",
      {
        type: "button",
        async onclick() {
          try {
            const found = await read((text) => put(state, text));
            save(`${file}.${suffix}`, make(found), type);
            put(state, note(found));
          } catch (error) {
            if (!signal.aborted) put(state, `Not saved: ${error.message}`);
          }
        },
      },
      name,
    );
  return el(
    "details",
    { class: "menu-of" },
    el("summary", {}, label),
    el("div", { class: "menu" }, kinds.map(buttonOf), state),
  );
}
