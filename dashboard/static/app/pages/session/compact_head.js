// On a phone, the title and the cost of a session stay in view when its headline is scrolled away.

import { el, put } from "../../dom.js";
import { money } from "../../format.js";
import { titleOf } from "../sessions/rows.js";

/** Return `{element, draw(session)}` for the headline in `place`. Screen readers have the headline itself. */
export function compactHead(place, signal) {
  const bar = el("div", { class: "compact-bar" });
  const element = el("div", { class: "compact-head", "aria-hidden": "true", hidden: true }, bar);
  const observer = new IntersectionObserver((entries) => {
    element.hidden = entries.at(-1).isIntersecting;
  });
  observer.observe(place);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  return {
    element,
    draw(session) {
      put(
        bar,
        el("strong", {}, titleOf(session)),
        el("span", { class: "number" }, money(session.model_metrics.cost_usd)),
      );
    },
  };
}
