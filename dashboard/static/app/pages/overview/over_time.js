// Cost, tokens or sessions over time, stacked by model or agent: one series for each of the largest, one for the rest.

import { get } from "../../api.js";
import { el } from "../../dom.js";
import { compactCount, count, dayText, moment, money, nano } from "../../format.js";
import { dayParams, intervalOf } from "../../ranges.js";
import { navigate } from "../../router.js";
import { barChart } from "../../ui/chart.js";
import { BY_COST, BY_TOKENS, changed, listHref, oneDay } from "../../url.js";
import { dayOf, shown } from "../../zone.js";

const METRICS = { cost: ["Cost", money], tokens: ["Tokens", compactCount], sessions: ["Sessions", count] };
const STACKS = { model: "By model", agent_name: "By agent", none: "Total" };
const LISTS = { cost: BY_COST, tokens: BY_TOKENS };
const MINUTES = "2026-01-20T10:30".length;

/** Return `{element, metric, read}`; `read()` returns the API's answer, after drawing it if it is new. */
export function overTime(state, signal) {
  const metric = Object.hasOwn(METRICS, state.params.get("metric")) ? state.params.get("metric") : "cost";
  const wanted = Object.hasOwn(STACKS, state.params.get("by")) ? state.params.get("by") : "model";
  const stack = metric === "sessions" && wanted === "model" ? "agent_name" : wanted;
  const [label, show] = METRICS[metric];
  const chart = barChart(`${label} over time`, signal);
  const stacks = Object.entries(STACKS).filter(([key]) => !(metric === "sessions" && key === "model"));
  const element = el(
    "section",
    { class: "card wide", "data-panel": "over-time" },
    el(
      "div",
      { class: "head-row" },
      el("h2", {}, `${label} over time`),
      el("span", { class: "grow" }),
      choice(
        "Measure",
        "metric",
        metric,
        Object.entries(METRICS).map(([key, [name]]) => [key, name]),
      ),
      choice("Stack", "by", stack, stacks),
    ),
    chart.element,
  );

  let isDrawn = false;
  async function read() {
    const answer = await get("/sessions/analytics/timeseries", paramsOf(state, metric, stack), { signal });
    if (!signal.aborted && (answer.isNew || !isDrawn)) draw(answer.data);
    isDrawn = true;
    return answer;
  }

  function draw(data) {
    const interval = intervalOf(state.range);
    const isLeading = interval !== "week" && Boolean(listHref(state));
    const periods = data.map(({ period_start: start }) => start);
    chart.draw({
      periods,
      labels: periods.map((period) => (interval === "hour" ? moment(period) : dayText(dayOf(period)))),
      names: periods.map((period) => axisName(period, interval)),
      series: seriesOf(data, metric),
      show,
      isMoney: metric === "cost",
      onClick: isLeading && ((period) => navigate(listHref(state, { ...oneDay(dayOf(period)), ...LISTS[metric] }))),
    });
  }
  return { element, metric, read };
}

// Times within a day, else days.
function axisName(period, interval) {
  const time = shown(period).slice(11, MINUTES);
  return interval === "hour" && time !== "00:00" ? time : dayText(dayOf(period));
}

function paramsOf(state, metric, stack) {
  const { model, ...filters } = { ...state.filters, ...state.own };
  const params = { ...dayParams(state.range), ...filters, interval: intervalOf(state.range), metric };
  return { ...params, model: metric === "sessions" ? null : model, by: stack === "none" ? null : stack };
}

function seriesOf(data, metric) {
  const total = data.map(({ value }) => value);
  const parts = partsOf(data);
  if (parts.length === 0) return [{ name: "All", values: total }];
  const rest = total.map((value, at) =>
    minus(
      value,
      parts.map(({ values }) => values[at]),
      metric,
    ),
  );
  return rest.some(Boolean) ? [...parts, { name: "Others", values: rest, isRest: true }] : parts;
}

// The parts of all periods by name, the largest first.
function partsOf(data) {
  const values = new Map();
  data.forEach(({ parts = [] }, at) => {
    for (const { name, value } of parts) {
      if (!values.has(name)) values.set(name, Array(data.length).fill(0));
      values.get(name)[at] = value;
    }
  });
  const sum = (numbers) => numbers.reduce((total, value) => total + value, 0);
  return [...values.entries()]
    .map(([name, numbers]) => ({ name, values: numbers }))
    .toSorted((a, b) => sum(b.values) - sum(a.values));
}

// The part that no shown group has. Sums of nano-dollars are exact.
function minus(total, parts, metric) {
  if (metric !== "cost") return total - parts.reduce((sum, value) => sum + value, 0);
  return (nano(total) - parts.reduce((sum, value) => sum + nano(value), 0)) / 1e9;
}

function choice(label, name, chosen, options) {
  return el(
    "span",
    { class: "switch", role: "group", "aria-label": label },
    options.map(([key, text]) =>
      el("a", { href: changed({ [name]: key }), "aria-current": key === chosen ? "true" : null }, text),
    ),
  );
}
