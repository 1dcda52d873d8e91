// A choice of one value among those of a list: a select, or from 20 values on a field that completes what is typed.

import { el, put } from "../dom.js";
import { fieldProblem } from "./field_problem.js";

const TYPED_FROM = 20;
const ALL_KNOWN_MAX = 999; // a list of the API may be longer than what it returns, which is 1,000

/**
 * Return `{element, offer(values)}`: the control `id` for `what`, such as "Agent", with the present `value` or null.
 * `onChoose(value)` gets the choice, null for all. Until values are offered, only the present one can be chosen.
 */
export function choice({ id, name, what, value, onChoose }) {
  const element = el("span", { class: "field" });
  const label = el("label", { for: id, class: "visually-hidden" }, what);
  const attributes = { id, name, class: value ? "chosen" : null };
  const draw = (values) => {
    const isFocused = document.activeElement?.id === id && element.contains(document.activeElement);
    const all = !value || values.includes(value) ? values : [value, ...values];
    const make = all.length < TYPED_FROM ? selectOf : fieldOf;
    put(element, label, make(attributes, { what, value, onChoose }, all));
    if (isFocused) document.getElementById(id).focus();
  };
  draw([]);
  return { element, offer: draw };
}

function selectOf(attributes, { what, value, onChoose }, values) {
  const select = el(
    "select",
    { ...attributes, onchange: () => onChoose(select.value || null) },
    el("option", { value: "" }, `${what}: all`),
    values.map((each) => el("option", { value: each }, each)),
  );
  select.value = value ?? "";
  return select;
}

function fieldOf(attributes, { what, value, onChoose }, values) {
  let present = value ?? "";
  const field = el("input", {
    ...attributes,
    list: `${attributes.id}-values`,
    value: present,
    placeholder: `${what}: all`,
    autocomplete: "off",
    onchange: () => choose(),
    oninput: ({ inputType }) => {
      if (inputType !== "insertReplacementText") problem.say(null);
      else choose(); // Firefox: a value of the list was picked
    },
  });
  const problem = fieldProblem(field);
  const choose = () => {
    const text = field.value.trim();
    const isKnown = !text || values.includes(text) || values.length > ALL_KNOWN_MAX;
    problem.say(isKnown ? null : `No ${what.toLowerCase()} is named “${text}”.`);
    if (!isKnown || text === present) return;
    present = text; // Firefox says it twice
    onChoose(text || null);
  };
  const list = el(
    "datalist",
    { id: `${attributes.id}-values` },
    values.map((each) => el("option", { value: each })),
  );
  return [field, list, problem.element];
}
