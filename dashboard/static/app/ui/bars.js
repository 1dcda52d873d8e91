// Stacked bars as SVG: geometry only. Values below zero are stacked downwards.

import { svg } from "../dom.js";

const HEIGHT = 280;
const EDGE = { top: 10, right: 8, bottom: 26 };
const TICKS = 4; // about as many lines above zero
const CHAR_PX = 7; // of the widest digits in the chart's font
const LABEL_PX = 64; // between two labels below the bars
const GAP = 0.25; // of the width of a period

/**
 * Return `{element, indexAt(x), middleOf(index), mark(index)}` for a chart `width` px wide. `series`: `{values,
 * colour}`, where the colour is a class; `labels`: a short text for each period; `showTick(value)` formats the numbers
 * at the left. `mark` highlights a period, or none if it is null.
 */
export function stackedBars({ width, series, labels, showTick }) {
  const stacks = labels.map((_, at) => stackOf(series.map(({ values }) => values[at])));
  const ticks = ticksOf(
    Math.min(0, ...stacks.map(({ bottom }) => bottom)),
    Math.max(0, ...stacks.map(({ top }) => top)),
  );
  const texts = ticks.map(showTick);
  const left = Math.max(...texts.map((text) => text.length)) * CHAR_PX + 12;
  const band = Math.max(1, (width - left - EDGE.right) / labels.length);
  const [low, high] = [ticks[0], ticks.at(-1)];
  const x = (at) => left + at * band;
  const y = (value) => HEIGHT - EDGE.bottom - ((value - low) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const indexAt = (px) => Math.min(labels.length - 1, Math.max(0, Math.floor((px - left) / band)));

  const hover = svg("rect", { class: "hover", y: EDGE.top, width: band, height: HEIGHT - EDGE.top - EDGE.bottom });
  const every = Math.ceil(LABEL_PX / band);
  const element = svg(
    "svg",
    { width, height: HEIGHT, "aria-hidden": "true" },
    hover,
    ticks.map((value, at) => [
      svg("line", {
        class: value === 0 ? "zero" : "grid",
        x1: left,
        x2: width - EDGE.right,
        y1: y(value),
        y2: y(value),
      }),
      svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, texts[at]),
    ]),
    series.map(({ colour }, nth) => {
      const bars = stacks.map(({ parts }, at) =>
        rectangle(x(at) + (band * GAP) / 2, band * (1 - GAP), parts[nth].map(y)),
      );
      return svg("path", { class: colour, d: bars.join("") });
    }),
    labels.map(
      (label, at) =>
        at % every === 0 && svg("text", { x: x(at) + band / 2, y: HEIGHT - 8, "text-anchor": "middle" }, label),
    ),
  );
  return {
    element,
    indexAt,
    middleOf: (at) => x(at) + band / 2,
    mark(at) {
      hover.classList.toggle("on", at !== null);
      if (at !== null) hover.setAttribute("x", x(at));
    },
  };
}

// Where each value of a period begins and ends.
function stackOf(values) {
  let [top, bottom] = [0, 0];
  const parts = values.map((value) => {
    if (value < 0) return [bottom, (bottom += value)];
    return [top, (top += value)];
  });
  return { parts, top, bottom };
}

function rectangle(x, width, [from, to]) {
  return from === to
    ? ""
    : `M${x.toFixed(1)} ${from.toFixed(1)}h${width.toFixed(1)}V${to.toFixed(1)}h${-width.toFixed(1)}z`;
}

// Round numbers from `low` or below to `high` or above; zero is one of them.
function ticksOf(low, high) {
  const rough = (high - low || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((times) => times * power >= rough) * power;
  const [first, last] = [Math.floor(low / step), Math.max(1, Math.ceil(high / step))];
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}
