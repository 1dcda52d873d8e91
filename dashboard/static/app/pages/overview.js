// What agents did in a range, what it cost, and why the cost changed.

import { get } from "../api.js";
import { may } from "../credentials.js";
import { el, put } from "../dom.js";
import { follow } from "../live.js";
import { allowOld } from "../memory.js";
import { dayParams, intervalOf, timeParams } from "../ranges.js";
import { filterRow } from "../ui/filters.js";
import { whyNothing } from "../ui/nothing.js";
import { skeleton } from "../ui/states.js";
import { changesPanel } from "./overview/changes.js";
import { dearestPanel } from "./overview/dearest.js";
import { kpiRow } from "./overview/kpis.js";
import { liveStrip } from "./overview/live_now.js";
import { costPanels, hoursPanel, outcomesPanel } from "./overview/panels.js";
import { overTime } from "./overview/over_time.js";
import { toolErrors } from "./overview/tool_errors.js";

export const title = "Overview";

const DEAREST = { sort: "-cost_usd", per_page: 5 };

/** Show the page: the controls, then panels that follow the API until the reader leaves. */
export async function show(main, view) {
  const { signal, ...state } = view;
  allowOld(signal);
  const kpis = el(
    "div",
    {},
    el(
      "div",
      { class: "kpis" },
      Array.from({ length: 8 }, () => skeleton("7rem")),
    ),
  );
  const changes = el("div", { class: "wide" }, skeleton("6rem"));
  const chart = overTime(state, signal);
  const costs = el(
    "div",
    { class: "panels wide" },
    Array.from({ length: may("readAll") ? 4 : 3 }, () => skeleton("16rem")),
  );
  const tools = toolErrors(state, signal);
  tools.element.hidden = Boolean(state.filters.model); // tool counts are per session, which may use several models
  const rest = el("div", { class: "panels wide" }, skeleton("14rem"), skeleton("14rem"));
  const live = el("div", {});
  const content = el("div", { class: "panels" }, chart.element, changes, costs, tools.element, rest);
  const { promise: numbersShown, resolve: showedNumbers } = Promise.withResolvers();
  const filters = filterRow(state, signal, { after: numbersShown });
  put(main, el("h1", { class: "visually-hidden" }, "Overview"), filters, kpis, live, content);
  let isDrawn = false;
  const early = {
    numbers(found) {
      if (!isDrawn && found.summary?.data.total_sessions) put(kpis, kpiRow(found, state));
      showedNumbers();
    },
    live: (found) => put(live, liveStrip(found)),
  };

  await follow({
    root: content,
    signal,
    load: () => loadOverview(state, signal, chart, early),
    everyMs: () => 15_000,
    async draw(found) {
      isDrawn = true;
      const { summary, agents, costs: cost, team, dearest } = found;
      const isEmpty = cost.data.by_model.length === 0 && (summary?.data.total_sessions ?? 0) === 0;
      content.hidden = isEmpty;
      if (isEmpty) put(kpis, await whyNothing("/", signal));
      else {
        put(kpis, kpiRow(found, state));
        put(changes, changesPanel(found, state));
        put(costs, dearestPanel(dearest, state), costPanels(cost.data, agents.data, state));
        put(rest, summary && [hoursPanel(team.data, state), outcomesPanel(team.data, state)]);
        tools.refresh(agents.data);
      }
    },
  });
}

// The headline numbers are shown as soon as they arrive, then with their lines. Everything else is asked for
// after them: a service that computes all of it at once answers each question late.
async function loadOverview(state, signal, chart, early) {
  const { model, ...chosen } = state.filters;
  const filters = { ...chosen, ...state.own };
  const now = { ...dayParams(state.range), ...filters };
  const before = { ...dayParams(state.range.previous), ...filters };
  const analytics = (path, params) => get(`/sessions/analytics/${path}`, params, { signal });
  const shownWith = async (promise, show) => {
    const found = await promise;
    if (!signal.aborted) show(found);
    return found;
  };
  const [summary, summaryBefore] = model
    ? [null, null]
    : await Promise.all([analytics("summary", now), analytics("summary", before)]);
  const sums = await shownWith({ summary, summaryBefore }, early.numbers);
  const charted = chart.read();
  const line = (metric) =>
    metric === chart.metric
      ? charted
      : analytics("timeseries", { ...now, model, metric, interval: intervalOf(state.range) });
  const lines = model ? ["cost", "tokens"] : ["cost", "tokens", "sessions", "users"];
  const loadLines = async () => {
    const values = await Promise.all(lines.map(line));
    return { ...sums, series: Object.fromEntries(lines.map((metric, at) => [metric, valuesOf(values[at])])) };
  };
  const [numbers, live, costs, costsBefore, agents, agentsBefore, team, dearest] = await Promise.all([
    shownWith(loadLines(), early.numbers),
    shownWith(get("/sessions/live", {}, { signal }), early.live),
    analytics("cost-breakdown", { ...now, model }),
    analytics("cost-breakdown", { ...before, model }),
    analytics("by-agent", now),
    analytics("by-agent", before),
    analytics("team-overview", now),
    get("/sessions", { ...timeParams(state.range, "spent"), ...filters, model, ...DEAREST }, { signal }),
    charted,
  ]);
  return { ...numbers, live, agents, agentsBefore, costs, costsBefore, team, dearest };
}

function valuesOf({ data }) {
  return data.map(({ value }) => value);
}
