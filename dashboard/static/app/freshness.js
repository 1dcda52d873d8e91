// "Complete through": everything that was accepted before this moment is in the numbers on the page.

import { el, put } from "./dom.js";
import { onFreshness } from "./api.js";
import { ago, clockTime, count } from "./format.js";

let oldest = null; // of the answers on the page, the one that knows least
let isNewRound = true;

/** The answers from now on replace those before. */
export function beginRound() {
  isNewRound = true;
}

/** Return the element that is always visible; it follows the answers. */
export function freshnessBadge() {
  const dot = el("span", { class: "dot", "aria-hidden": "true" });
  const text = el("span", {});
  const badge = el("a", { class: "freshness", href: "/trust", hidden: true, "data-testid": "freshness" }, dot, text);
  const draw = () => {
    if (!oldest) return;
    const age = (Date.now() - Date.parse(oldest.completeThrough)) / 1000;
    badge.hidden = false;
    badge.dataset.completeThrough = oldest.completeThrough;
    badge.dataset.state = age < 30 ? "fresh" : age < 300 ? "late" : "old";
    put(text, `Complete through ${ago(oldest.completeThrough)}`);
    badge.title =
      `Every event accepted before ${clockTime(oldest.completeThrough)} UTC is in these numbers, exactly once.` +
      (oldest.lagRecords ? ` ${count(oldest.lagRecords)} records wait.` : "") +
      " Click to check.";
  };
  onFreshness((seen) => {
    if (isNewRound || !oldest || seen.completeThrough < oldest.completeThrough) oldest = seen;
    isNewRound = false;
    draw();
  });
  setInterval(draw, 1_000);
  return badge;
}
