// A line without axes beside a number. The chart below has the values, so the line is hidden from screen readers.

import { svg } from "../dom.js";

const WIDTH = 120;
const HEIGHT = 28;

/** Return the line through these values, from left to right; null for fewer than two. */
export function sparkline(values) {
  if (values.length < 2) return null;
  const top = Math.max(...values, 0) || 1;
  const step = WIDTH / (values.length - 1);
  const points = values.map(
    (value, at) => `${(at * step).toFixed(1)},${(HEIGHT - 2 - (value / top) * (HEIGHT - 4)).toFixed(1)}`,
  );
  return svg(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { points: `0,${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}` }),
    svg("polyline", { points: points.join(" ") }),
  );
}
