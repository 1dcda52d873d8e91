// One number of the period, with its change and a line of its course. It links to the sessions behind it.

import { el } from "../dom.js";
import { change, changeInPoints } from "../format.js";
import { sparkline } from "./sparkline.js";

/**
 * Return a tile. `value` and `previous` are raw numbers or null; `show` formats a number, `exact` formats the title.
 * `isGood` says whether more is good (true), bad (false) or neither (null). `series` are the values of the line;
 * `before` names the period before, and `why` is a sentence on the change.
 */
export function kpi({
  name,
  label,
  value,
  previous,
  show,
  exact = show,
  isGood = null,
  isShare = false,
  series = [],
  link,
  before,
  note,
  why = null,
}) {
  const moved = isShare ? changeInPoints(value, previous) : change(value, previous);
  const rose = value > previous;
  const mood = moved === null || moved === "no change" || isGood === null ? "" : rose === isGood ? "good" : "bad";
  return el(
    link ? "a" : "div",
    { class: "kpi card", href: link, "data-kpi": name, "data-value": value ?? "", title: note ?? exact(value) },
    el("span", { class: "kpi-label" }, label),
    el("span", { class: "kpi-value" }, show(value)),
    el("span", { class: "kpi-change", title: before }, changeText(moved, mood, show(previous))),
    why && el("span", { class: "kpi-why" }, why),
    series.length > 0 && sparkline(series),
  );
}

function changeText(moved, mood, was) {
  if (moved === null) return null;
  if (moved === "new" || moved === "no change")
    return el("span", { class: "muted" }, moved === "new" ? "none before" : "as before");
  return [el("span", { class: mood }, moved), el("span", { class: "muted" }, ` from ${was}`)];
}
