// The row of headline numbers. With a model chosen, only cost, tokens and sessions are known: the others count whole
// sessions.

import { compactCount, count, duration, exactMoney, money, percent } from "../../format.js";
import { previousName } from "../../ranges.js";
import { kpi } from "../../ui/kpi.js";
import { href } from "../../url.js";

/** Return the tiles for what the overview's `load` found. */
export function kpiRow({ summary, summaryBefore, costs, costsBefore, series }, state) {
  const before = `compared with ${previousName(state.range)}`;
  const behind = (changes) => href("/sessions", state, changes);
  const tile = (options) => kpi({ before, link: behind({}), ...options, series: series?.[options.name] ?? [] });
  if (!summary) return modelTiles(costs.data, costsBefore.data, tile, behind);
  const [now, past] = [summary.data, summaryBefore.data];
  const pair = (field) => ({ value: now[field], previous: past[field] });
  const without = past.total_sessions === 0;
  return [
    costTile(tile, behind, now.total_cost_usd, past.total_cost_usd),
    tile({ name: "sessions", label: "Sessions", ...pair("total_sessions"), show: count }),
    tokensTile(tile, behind, now.total_tokens, past.total_tokens),
    tile({ name: "users", label: "People", ...pair("unique_users"), show: count }),
    tile({
      name: "cost_per_session",
      label: "Cost per session",
      ...pair("avg_cost_usd_per_session"),
      previous: without ? null : past.avg_cost_usd_per_session,
      show: money,
      exact: exactMoney,
      isGood: false,
      link: behind({ sort: "-cost_usd" }),
    }),
    tile({
      name: "tool_error_rate",
      label: "Tool errors",
      ...pair("tool_error_rate"),
      show: percent,
      isGood: false,
      isShare: true,
      note: `${percent(now.tool_error_rate, 2)} of ${count(now.tool_calls)} tool uses`,
    }),
    tile({
      name: "failed",
      label: "Failed sessions",
      ...pair("failed_sessions"),
      show: count,
      link: behind({ outcome: "failure" }),
      note: "Ended with failure or timeout",
    }),
    tile({
      name: "duration",
      label: "Average duration",
      ...pair("avg_duration_seconds"),
      show: duration,
      link: behind({ sort: "-duration_seconds" }),
      note: "Of ended sessions",
    }),
    tile({
      name: "lines",
      label: "Lines changed",
      value: now.lines_added + now.lines_removed,
      previous: past.lines_added + past.lines_removed,
      show: compactCount,
      exact: count,
      note: `${count(now.lines_added)} added, ${count(now.lines_removed)} removed`,
    }),
    tile({
      name: "commits",
      label: "Commits",
      ...pair("commits"),
      show: count,
      note: `${count(now.commits)} commits, ${count(now.pull_requests)} pull requests`,
    }),
  ];
}

function costTile(tile, behind, value, previous) {
  const link = behind({ sort: "-cost_usd" });
  return tile({ name: "cost", label: "Cost", value, previous, show: money, exact: exactMoney, isGood: false, link });
}

function tokensTile(tile, behind, value, previous) {
  const link = behind({ sort: "-tokens" });
  return tile({ name: "tokens", label: "Tokens", value, previous, show: compactCount, exact: count, link });
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
