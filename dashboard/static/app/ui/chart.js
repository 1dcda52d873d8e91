// Bars over time, drawn by Plotly. The library is large, so it is loaded only when the first chart comes into view.

import { el, put } from "../dom.js";
import { whenSeen } from "./seen.js";
import { table } from "./table.js";

const LIBRARY = new URL("../../vendor/plotly.min.js", import.meta.url);
const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6", "--series-rest"];
const OWN_COLOURS = COLOURS.length - 1;
let library = null;

function plotly() {
  library ??= new Promise((resolve, reject) => {
    const script = el("script", { src: LIBRARY.href });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      library = null;
      reject(new Error("the chart library did not load"));
    });
    document.head.append(script);
  });
  return library;
}

/**
 * Return `{element, prepare, draw}`. `prepare()` loads the library if the chart is in view. In `draw({periods, series,
 * show, onClick})`, `periods` are RFC 3339 times and each series is `{name, values, isRest}`; `show` formats a value,
 * and `onClick(period)` handles a click. A table below the chart has the same values.
 */
export function barChart(label, signal) {
  const place = el("div", { class: "chart", role: "img", "aria-label": label });
  const numbers = el("details", { class: "chart-numbers" }, el("summary", {}, "The same as a table"));
  const element = el("figure", { class: "chart-figure", "data-testid": "chart" }, place, numbers);
  let latest = null;
  let isSeen = false;

  const redraw = async () => {
    if (!isSeen || !latest) return;
    try {
      const Plotly = await plotly();
      if (signal.aborted) return;
      await Plotly.react(place, traces(latest), layout(latest), { displayModeBar: false, responsive: true });
      place.removeAllListeners?.("plotly_click");
      if (latest.onClick)
        place.on("plotly_click", ({ points }) => latest.onClick(latest.periods[points[0].pointIndex]));
      element.dataset.drawn = "yes";
    } catch (reason) {
      put(place, el("p", { class: "muted" }, `No chart: ${reason.message}. The table below has the numbers.`));
      numbers.open = true;
    }
  };
  whenSeen(place, signal, () => {
    isSeen = true;
    redraw();
  });
  addEventListener("themechange", redraw, { signal });
  signal.addEventListener("abort", () => window.Plotly?.purge(place), { once: true });
  return {
    element,
    prepare() {
      if (isSeen) plotly().catch(() => {}); // drawing shows the error
    },
    draw(given) {
      latest = given;
      put(numbers, numbers.querySelector("summary"), numbersOf(given, label));
      return redraw();
    },
  };
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A name has the same colour in every chart, unless another name in this chart has taken it.
function coloursOf(series) {
  const taken = new Set();
  const colours = new Map();
  for (const { name, isRest } of series.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isRest) continue;
    let slot = [...name].reduce((sum, char) => (sum * 31 + char.codePointAt(0)) % 1_000_003, 7) % OWN_COLOURS;
    while (taken.has(slot) && taken.size < OWN_COLOURS) slot = (slot + 1) % OWN_COLOURS;
    taken.add(slot);
    colours.set(name, COLOURS[slot]);
  }
  return colours;
}

function traces({ periods, series, show }) {
  const colours = coloursOf(series);
  return series.map(({ name, values, isRest }) => ({
    type: "bar",
    name: escape(name),
    x: periods.map((period) => period.replace("Z", "")),
    y: values,
    marker: { color: colour(isRest ? COLOURS.at(-1) : colours.get(name)) },
    text: values.map((value) => `${escape(name)}: ${show(value)}`),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  }));
}

// Plotly interprets a few tags in texts; escaped names are shown as they are.
function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function layout({ series, money }) {
  const [ink, grid] = [colour("--ink-muted"), colour("--line")];
  return {
    barmode: "stack",
    bargap: 0.25,
    height: 280,
    autosize: true,
    margin: { l: 56, r: 8, t: 8, b: 32 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 12, color: ink },
    showlegend: series.length > 1,
    legend: { orientation: "h", y: 1.15, x: 0 },
    xaxis: { type: "date", gridcolor: grid, fixedrange: true },
    hovermode: "x unified",
    yaxis: {
      gridcolor: grid,
      zerolinecolor: grid,
      rangemode: "tozero",
      fixedrange: true,
      tickprefix: money ? "$" : "",
    },
    hoverlabel: { bgcolor: colour("--surface"), font: { color: colour("--ink") } },
  };
}

function numbersOf({ periods, series, show }, label) {
  const rows = periods.map((period, at) => ({ period, values: series.map(({ values }) => values[at]) })).toReversed();
  const columns = [
    {
      key: "period_start",
      name: "Period",
      value: ({ period }) => period,
      show: ({ period }) => period.slice(0, 16).replace("T", " ").replace(" 00:00", ""),
    },
    ...series.map(({ name }, at) => ({
      key: name,
      name,
      align: "number",
      value: ({ values }) => values[at],
      show: ({ values }) => show(values[at]),
    })),
  ];
  return table({ name: "chart", caption: label, columns, rows, rowsShown: 31, csv: "over-time" });
}
