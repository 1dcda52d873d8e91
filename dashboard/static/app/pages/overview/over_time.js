// Cost, tokens or sessions over time, stacked by model or agent: one series for each of the largest, one for the rest.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { compactCount, count, money, nano } from "../../format.js";
import { dayParams, intervalOf } from "../../ranges.js";
import { navigate } from "../../router.js";
import { barChart } from "../../ui/chart.js";
import { changed, href, oneDay } from "../../url.js";

const METRICS = { cost: ["Cost", money], tokens: ["Tokens", compactCount], sessions: ["Sessions", count] };
const STACKS = { model: "By model", agent_name: "By agent", none: "Total" };
const GROUPS_MAX = 6;

/** Return `{element, refresh(found)}`; `refresh` reads the series of the largest groups in `found`, and draws them. */
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

  async function refresh({ costs, agents }) {
    const names = (stack === "model" ? costs.data.by_model : stack === "agent_name" ? agents.data : [])
      .filter((row) => row[stack])
      .toSorted((a, b) => size(b, metric) - size(a, metric))
      .slice(0, GROUPS_MAX)
      .map((row) => row[stack]);
    try {
      const reading = readSeries(state, metric, stack, names, signal);
      chart.prepare();
      const { periods, series } = await reading;
      if (signal.aborted) return;
      const onClick =
        intervalOf(state.range) === "week"
          ? null
          : (period) =>
              navigate(
                href("/sessions", state, {
                  ...oneDay(period.slice(0, 10)),
                  sort: metric === "sessions" ? null : metric === "cost" ? "-cost_usd" : "-tokens",
                }),
              );
      await chart.draw({ periods, series, show, money: metric === "cost", onClick });
    } catch (error) {
      if (!signal.aborted && !error.isTemporary) put(chart.element, el("p", { class: "muted" }, error.message));
    }
  }
  return { element, refresh };
}

function size(row, metric) {
  return metric === "cost" ? row.cost_usd : row[metric];
}

async function readSeries(state, metric, stack, names, signal) {
  const { model, ...filters } = state.filters;
  const params = { ...dayParams(state.range), ...filters, interval: intervalOf(state.range), metric };
  if (metric !== "sessions") params.model = model;
  const one = (more) =>
    get("/sessions/analytics/timeseries", { ...params, ...more }, { signal }).then(({ data }) => data);
  const [total, ...parts] = await Promise.all([one({}), ...names.map((name) => one({ [stack]: name }))]);
  const periods = total.map((row) => row.period_start);
  const series = parts.map((part, at) => ({ name: names[at], values: part.map(({ value }) => value) }));
  const rest = total.map(({ value }, at) =>
    minus(
      value,
      series.map(({ values }) => values[at]),
      metric,
    ),
  );
  const isAll = stack === "none" || series.length === 0;
  if (isAll) return { periods, series: [{ name: "All", values: total.map(({ value }) => value) }] };
  return { periods, series: rest.some(Boolean) ? [...series, { name: "Others", values: rest, isRest: true }] : series };
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
