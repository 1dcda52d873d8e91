// A field for a token, with the handler of its form.

import { el } from "../dom.js";
import { fieldProblem } from "./field_problem.js";

/**
 * Return `{field, problem, submit}` for a form. `keepToken(text)` stores the token, or returns why it can't; `onDone`
 * is called once it is stored.
 */
export function tokenField(id, keepToken, onDone) {
  const field = el("input", {
    id,
    name: id,
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  const problem = fieldProblem(field);
  const submit = (event) => {
    event.preventDefault();
    const refused = keepToken(field.value);
    problem.say(refused);
    if (!refused) onDone();
  };
  return { field, problem: problem.element, submit };
}
