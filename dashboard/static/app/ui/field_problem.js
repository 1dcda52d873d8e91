// What is wrong with a field, below it.

import { el, put } from "../dom.js";

/** Return `{element, say(text)}` for a field with an id; `say` marks the field as wrong, null as right. */
export function fieldProblem(field) {
  const element = el("p", { class: "field-error", role: "alert", id: `${field.id}-error` });
  field.setAttribute("aria-describedby", element.id);
  return {
    element,
    say(text) {
      put(element, text);
      field.ariaInvalid = text ? "true" : null; // an empty attribute would mean that it is right
    },
  };
}
