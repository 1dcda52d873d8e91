// What agents did in a range, what it cost, and why the cost changed.

import { get } from "../api.js";
import { may } from "../credentials.js";
import { el, put } from "../dom.js";
import { follow } from "../live.js";
import { dayParams, intervalOf } from "../ranges.js";
import { filterRow } from "../ui/filters.js";
import { whyNothing } from "../ui/nothing.js";
import { skeleton } from "../ui/states.js";
import { changesPanel } from "./overview/changes.js";
import { kpiRow } from "./overview/kpis.js";
import { costPanels, hoursPanel, outcomesPanel } from "./overview/panels.js";
import { overTime } from "./overview/over_time.js";
import { toolErrors } from "./overview/tool_errors.js";

export const title = "Overview";

/** Show the page: the controls, then panels that follow the API until the reader leaves. */
export async function show(main, view) {
  const { signal, ...state } = view;
  const kpis = el(
    "div",
    { class: "kpis" },
    Array.from({ length: 8 }, () => skeleton("7rem")),
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
  const content = el("div", { class: "panels" }, chart.element, changes, costs, tools.element, rest);
  put(main, el("h1", { class: "visually-hidden" }, "Overview"), filterRow(state, signal), kpis, content);
  let isDrawn = false;
  const drawNumbers = (numbers) => {
    if (!isDrawn && !signal.aborted && numbers.summary?.data.total_sessions) put(kpis, kpiRow(numbers, state));
  };

  await follow({
    root: content,
    signal,
    load: () => loadOverview(state, signal, drawNumbers),
    everyMs: () => 15_000,
    async draw(found) {
      isDrawn = true;
      const { summary, agents, costs: cost, team } = found;
      const isEmpty = cost.data.by_model.length === 0 && (summary?.data.total_sessions ?? 0) === 0;
      content.hidden = isEmpty;
      if (isEmpty) put(kpis, await whyNothing("/", signal));
      else {
        put(kpis, kpiRow(found, state));
        put(changes, changesPanel(found, state));
        put(costs, costPanels(cost.data, agents.data, state));
        put(rest, summary && [hoursPanel(team.data, state), outcomesPanel(team.data, state)]);
        chart.refresh(found);
        tools.refresh(agents.data);
      }
    },
  });
}

// The headline numbers go to `onNumbers` as soon as they arrive, before the rest.
async function loadOverview(state, signal, onNumbers) {
  const { model, ...filters } = state.filters;
  const now = { ...dayParams(state.range), ...filters };
  const before = { ...dayParams(state.range.previous), ...filters };
  const analytics = (path, params) => get(`/sessions/analytics/${path}`, params, { signal });
  const line = (metric) => analytics("timeseries", { ...now, model, metric, interval: intervalOf(state.range) });
  const lines = model ? ["cost", "tokens"] : ["cost", "tokens", "sessions", "users"];
  const loadNumbers = async () => {
    const [summary, summaryBefore, ...values] = await Promise.all([
      model ? null : analytics("summary", now),
      model ? null : analytics("summary", before),
      ...lines.map(line),
    ]);
    const series = Object.fromEntries(lines.map((metric, at) => [metric, values[at].data.map(({ value }) => value)]));
    const numbers = { summary, summaryBefore, series };
    onNumbers(numbers);
    return numbers;
  };
  const [numbers, costs, costsBefore, agents, agentsBefore, team] = await Promise.all([
    loadNumbers(),
    analytics("cost-breakdown", { ...now, model }),
    analytics("cost-breakdown", { ...before, model }),
    analytics("by-agent", now),
    analytics("by-agent", before),
    analytics("team-overview", now),
  ]);
  return { ...numbers, agents, agentsBefore, costs, costsBefore, team };
}
