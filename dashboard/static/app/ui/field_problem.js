// The message below a field that says what is wrong with it.

import { el, put } from "../dom.js";

/** Return `{element, say(text)}` for a field with an id; `say` marks the field as invalid, or with null as valid. */
export function fieldProblem(field) {
  const element = el("p", { class: "field-error", role: "alert", id: `${field.id}-error` });
  field.setAttribute("aria-describedby", element.id);
  return {
    element,
    say(text) {
      put(element, text);
      field.ariaInvalid = text ? "true" : null; // an empty attribute would mean false
    },
  };
}
