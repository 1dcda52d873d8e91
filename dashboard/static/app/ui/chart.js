// Stacked bars over time, with a legend, what is behind each bar, and the same numbers as a table.

import { el, put } from "../dom.js";
import { compactCount, money, nano, percent } from "../format.js";
import { stackedBars } from "./bars.js";
import { table } from "./table.js";

const COLOURS = 6; // of names; `series-rest` is the colour of the rest

/**
 * Return `{element, draw}`. In `draw({periods, labels, names, series, show, isMoney, onClick})`, `periods` are RFC 3339
 * times, `labels` the same in the reader's time zone, `names` short ones for the axis, and each series is `{name,
 * values, isRest}`; `show` formats a value, and `onClick(period)` handles a click.
 */
export function barChart(label, signal) {
  const place = el("div", { class: "chart", role: "img", "aria-label": label });
  const legend = el("ul", { class: "legend muted" });
  const numbers = el("details", { class: "chart-numbers" }, el("summary", {}, "The same as a table"));
  const element = el("figure", { class: "chart-figure", "data-testid": "chart" }, legend, place, numbers);
  let latest = null;

  const redraw = () => {
    if (!latest || !place.clientWidth) return;
    put(place, ...drawn(latest, place.clientWidth));
    element.dataset.drawn = "yes";
  };
  const observer = new ResizeObserver(redraw);
  observer.observe(place);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  return {
    element,
    draw(given) {
      latest = { ...given, series: coloured(given.series) };
      put(numbers, numbers.querySelector("summary"), numbersOf(given, label));
      put(legend, latest.series.length > 1 && latest.series.map((one) => el("li", {}, swatch(one), " ", one.name)));
      redraw();
    },
  };
}

function drawn({ periods, labels, names, series, show, isMoney, onClick }, width) {
  const showTick = isMoney
    ? (value) => (Math.abs(value) < 1_000 ? money(value) : `$${compactCount(value)}`)
    : compactCount;
  const bars = stackedBars({ width, series, labels: names, showTick });
  const tip = el("div", { class: "tip", hidden: true });
  const leave = () => {
    tip.hidden = true;
    bars.mark(null);
  };
  const at = (event) => bars.indexAt(event.offsetX);
  const layer = el("div", {
    class: onClick ? "layer clickable" : "layer",
    onpointermove(event) {
      const index = at(event);
      bars.mark(index);
      put(tip, ...tipOf(labels[index], series, index, { show, isMoney, isClickable: Boolean(onClick) }));
      tip.hidden = false;
      const isRight = bars.middleOf(index) > width / 2; // beside the bar, on the side with more room
      tip.classList.toggle("to-left", isRight);
      tip.style.setProperty("left", `${bars.middleOf(index)}px`);
    },
    onpointerleave: leave,
    onclick: onClick && ((event) => onClick(periods[at(event)])),
  });
  return [bars.element, layer, tip];
}

// The sum first, then each part with its share, the largest first.
function tipOf(label, series, at, { show, isMoney, isClickable }) {
  const sum = isMoney
    ? series.reduce((total, { values }) => total + nano(values[at]), 0) / 1e9
    : series.reduce((total, { values }) => total + values[at], 0);
  const parts = series.filter(({ values }) => values[at] !== 0).toSorted((a, b) => b.values[at] - a.values[at]);
  return [
    el("p", { class: "tip-head" }, el("span", {}, label), el("strong", {}, show(sum))),
    series.length > 1 &&
      el(
        "table",
        {},
        parts.map((one) =>
          el(
            "tr",
            {},
            el("td", {}, swatch(one), " ", one.name),
            el("td", {}, show(one.values[at])),
            el("td", {}, sum > 0 ? percent(one.values[at] / sum, 0) : ""),
          ),
        ),
      ),
    isClickable && el("p", { class: "muted" }, "Click: the sessions of the day"),
  ];
}

function swatch({ colour }) {
  return el("span", { class: `swatch ${colour}`, "aria-hidden": "true" });
}

// A name has the same colour in every chart, unless another name in this chart has taken it.
function coloured(series) {
  const taken = new Set();
  const colours = new Map();
  for (const { name, isRest } of series.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isRest) continue;
    let slot = [...name].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 1_000_003, 7) % COLOURS;
    while (taken.has(slot) && taken.size < COLOURS) slot = (slot + 1) % COLOURS;
    taken.add(slot);
    colours.set(name, `series-${slot + 1}`);
  }
  return series.map((one) => ({ ...one, colour: one.isRest ? "series-rest" : colours.get(one.name) }));
}

function numbersOf({ periods, labels, series, show }, caption) {
  const rows = periods
    .map((period, at) => ({ period, label: labels[at], values: series.map(({ values }) => values[at]) }))
    .toReversed();
  const columns = [
    {
      key: "period_start",
      name: "Period",
      value: ({ period }) => period,
      show: ({ label }) => label,
    },
    ...series.map(({ name }, at) => ({
      key: name,
      name,
      align: "number",
      value: ({ values }) => values[at],
      show: ({ values }) => show(values[at]),
    })),
  ];
  return table({ name: "chart", caption, columns, rows, rowsShown: 31, csv: "over-time" });
}
