// The answer at the top of the page.

import { announce, el, put } from "../../dom.js";
import { icon } from "../../ui/icons.js";
import { verdictOf } from "./verdict.js";

const ICONS = { yes: "check", complete: "check", partly: "alert", wait: "wait", no: "cross", unknown: "question" };

/** Return `{element, draw(known)}`. */
export function summary() {
  const sign = el("span", { class: "verdict-icon" }, icon("wait"));
  const sentence = el("p", { class: "verdict", "data-testid": "trust-verdict" }, "Loading …");
  const lights = el("ul", { class: "lights" });
  const checked = el("ul", { class: "muted checked", "data-testid": "trust-checked" });
  const element = el(
    "section",
    {
      class: "card trust-summary",
      "data-testid": "trust-summary",
      "data-state": "reading",
      "aria-label": "The answer",
    },
    sign,
    el("div", {}, sentence, lights, el("p", { class: "visually-hidden" }, "What was checked:"), checked),
  );
  function draw(known) {
    const found = verdictOf(known);
    if (element.dataset.state !== found.state) announce(found.sentence);
    element.dataset.state = found.state;
    put(sign, icon(ICONS[found.state]));
    put(sentence, found.sentence);
    put(lights, found.lights.map(light));
    put(
      checked,
      found.checked.map((text) => el("li", {}, text)),
    );
  }
  return { element, draw };
}

const MARKS = { good: "check", bad: "cross", open: "dash" };

function light({ key, name, state, text }) {
  return el(
    "li",
    { "data-light": key, "data-state": state },
    el("span", { class: "mark" }, icon(MARKS[state])),
    el("strong", {}, name),
    ` ${text}`,
  );
}
