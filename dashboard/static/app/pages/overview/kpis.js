// The headline numbers: cost first and large, with the course of the most important ones; the rest smaller. With a
// model chosen, only cost, tokens and sessions are known: the others count whole sessions.

import { el } from "../../dom.js";
import { cacheHitRate, compactCount, count, duration, exactMoney, inputOf, money, percent } from "../../format.js";
import { previousName } from "../../ranges.js";
import { kpi } from "../../ui/kpi.js";
import { BY_COST, BY_TOKENS, HAPPENED, listHref } from "../../url.js";
import { whyLine } from "./changes.js";

/** Return the rows of tiles for what the overview's `load` found. */
export function kpiRow(found, state) {
  const { summary, summaryBefore, costs, costsBefore, series } = found;
  const before = `compared with ${previousName(state.range)}`;
  const behind = (changes) => listHref(state, changes);
  const tile = (options) => kpi({ before, link: behind({}), ...options, series: series?.[options.name] ?? [] });
  if (!summary) return rowOf(modelTiles(costs.data, costsBefore.data, tile, behind));
  const [now, past] = [summary.data, summaryBefore.data];
  const pair = (field) => ({ value: now[field], previous: past[field] });
  const without = past.total_sessions === 0;
  const main = [
    costTile(tile, behind, now.total_cost_usd, past.total_cost_usd, whyLine(found)),
    tile({ name: "sessions", label: "Sessions started", ...pair("total_sessions"), show: count }),
    tokensTile(tile, behind, now.total_tokens, past.total_tokens),
    tile({ name: "users", label: "People", ...pair("unique_users"), show: count }),
  ];
  const more = [
    tile({
      name: "cache_hit_rate",
      label: "Cache hits",
      value: cacheHitRate(now),
      previous: cacheHitRate(past),
      show: percent,
      isGood: true,
      isShare: true,
      link: behind(BY_TOKENS),
      note: `${count(now.cache_read_tokens)} of ${count(inputOf(now))} input tokens were read from the prompt cache`,
    }),
    tile({
      name: "cost_per_session",
      label: "Cost per session",
      ...pair("avg_cost_usd_per_session"),
      previous: without ? null : past.avg_cost_usd_per_session,
      show: money,
      exact: exactMoney,
      isGood: false,
      link: behind(BY_COST),
    }),
    tile({
      name: "tool_error_rate",
      link: behind(HAPPENED),
      label: "Tool errors",
      ...pair("tool_error_rate"),
      show: percent,
      isGood: false,
      isShare: true,
      note: `${percent(now.tool_error_rate, 2)} of ${count(now.tool_calls)} tool uses`,
    }),
    tile({
      name: "failed",
      label: "Failed or timed out",
      ...pair("failed_sessions"),
      show: count,
      link: behind({ outcome: "failure,timeout" }),
    }),
    tile({
      name: "duration",
      label: "Average duration, ended",
      ...pair("avg_duration_seconds"),
      show: duration,
      link: behind({ status: "ended", sort: "-duration_seconds" }),
    }),
    tile({
      name: "lines",
      link: behind(HAPPENED),
      label: "Lines changed",
      value: now.lines_added + now.lines_removed,
      previous: past.lines_added + past.lines_removed,
      show: compactCount,
      exact: count,
      note: `${count(now.lines_added)} added, ${count(now.lines_removed)} removed`,
    }),
    tile({
      name: "commits",
      link: behind(HAPPENED),
      label: "Commits",
      ...pair("commits"),
      show: count,
      note: `${count(now.commits)} commits, ${count(now.pull_requests)} pull requests`,
    }),
  ];
  return [rowOf(main), rowOf(more, "small")];
}

function rowOf(tiles, size = "") {
  return el("div", { class: `kpis ${size}` }, tiles);
}

function costTile(tile, behind, value, previous, why = null) {
  const of = { value, previous, show: money, exact: exactMoney, isGood: false };
  return tile({ name: "cost", label: "Spent", ...of, link: behind(BY_COST), why });
}

function tokensTile(tile, behind, value, previous) {
  const link = behind(BY_TOKENS);
  return tile({ name: "tokens", label: "Tokens spent", value, previous, show: compactCount, exact: count, link });
}

function modelTiles(now, past, tile, behind) {
  const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0);
  return [
    costTile(tile, behind, now.total_cost_usd, past.total_cost_usd),
    tokensTile(tile, behind, sum(now.by_model, "tokens"), sum(past.by_model, "tokens")),
    tile({
      name: "sessions",
      label: "Sessions with this model",
      value: sum(now.by_model, "sessions"),
      previous: sum(past.by_model, "sessions"),
      show: count,
    }),
  ];
}
