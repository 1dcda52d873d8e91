// The answer at the top of the page.

import { announce, el, put } from "../../dom.js";
import { verdictOf } from "./verdict.js";

const ICONS = { yes: "✓", complete: "✓", partly: "!", wait: "…", no: "✗", unknown: "?" };

/** Return `{element, draw(known)}`. */
export function summary() {
  const icon = el("span", { class: "verdict-icon", "aria-hidden": "true" }, "…");
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
    icon,
    el("div", {}, sentence, lights, el("p", { class: "visually-hidden" }, "What was checked:"), checked),
  );
  function draw(known) {
    const found = verdictOf(known);
    if (element.dataset.state !== found.state) announce(found.sentence);
    element.dataset.state = found.state;
    put(icon, ICONS[found.state]);
    put(sentence, found.sentence);
    put(lights, found.lights.map(light));
    put(
      checked,
      found.checked.map((text) => el("li", {}, text)),
    );
  }
  return { element, draw };
}

const MARKS = { good: "✓", bad: "✗", open: "–" };

function light({ key, name, state, text }) {
  return el(
    "li",
    { "data-light": key, "data-state": state },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
    el("strong", {}, name),
    ` ${text}`,
  );
}
