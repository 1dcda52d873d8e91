// "Complete through": the numbers on the page include everything accepted before this moment.

import { el, put } from "./dom.js";
import { onFreshness } from "./api.js";
import { ago, clockTime, count } from "./format.js";
import { zone } from "./zone.js";

let oldest = null; // the least fresh of the answers on the page
let isNewRound = true;

/** From now on, new answers replace the former ones. */
export function beginRound() {
  isNewRound = true;
}

/** Return the badge, which is always visible and follows the answers. */
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
      `Every event accepted before ${clockTime(oldest.completeThrough)} (${zone()}) is in these numbers, exactly once.` +
      (oldest.lagRecords ? ` ${count(oldest.lagRecords)} records are waiting.` : "") +
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
