// Why the cost changed since the period before: how much is due to more sessions, how much to dearer ones, and whose.

import { el } from "../../dom.js";
import { count, counted, exactMoney, money, named, nano } from "../../format.js";
import { previousName } from "../../ranges.js";
import { scrollingTable } from "../../ui/scrolling_table.js";
import { href } from "../../url.js";

const SHOWN = 3;
const MUCH = 0.3; // the share of one session that is worth a sentence
const DIMENSIONS = [
  ["agent_name", "Agents", "no agent"],
  ["model", "Models", "no model"],
  ["project_id", "Projects", "no project"],
  ["user_id", "People", "no user"],
];

/** Return the panel, or null if the cost did not change or nothing was spent before. */
export function changesPanel({ summary, summaryBefore, agents, agentsBefore, costs, costsBefore }, state) {
  const difference = usdDifference(costs.data.total_cost_usd, costsBefore.data.total_cost_usd);
  if (difference === 0 || costsBefore.data.total_cost_usd === 0) return null;
  const lists = {
    agent_name: [agents.data, agentsBefore.data],
    model: [costs.data.by_model, costsBefore.data.by_model],
    project_id: [costs.data.by_project, costsBefore.data.by_project],
    user_id: [costs.data.by_user, costsBefore.data.by_user],
  };
  const shown = DIMENSIONS.filter(([key]) => !(state.filters.model && key === "agent_name"))
    .map(([key, label, without]) => [key, label, without, movers(key, ...lists[key])])
    .filter(([, , , rows]) => rows.length > 1);
  return el(
    "section",
    { class: "card why", "data-testid": "changes", "data-value": difference },
    el(
      "h2",
      {},
      `Why ${money(Math.abs(difference))} ${difference > 0 ? "more" : "less"} than ${previousName(state.range)}`,
    ),
    summary && el("p", {}, explanation(summary.data, summaryBefore.data, difference)),
    state.range.includesToday &&
      el("p", { class: "muted" }, "Today is not over, so this period is not complete; the one before is."),
    el(
      "div",
      { class: "panels" },
      shown.map(([key, label, without, rows]) =>
        el(
          "div",
          {},
          el("h3", {}, label),
          scrollingTable(
            { caption: `${label} whose cost changed most` },
            el(
              "thead",
              {},
              el(
                "tr",
                {},
                ["", "Change", "Before", "Now"].map((name, at) =>
                  at ? el("th", { scope: "col", class: "number" }, name) : el("td", {}),
                ),
              ),
            ),
            el(
              "tbody",
              {},
              rows.slice(0, SHOWN).map((row) => mover(key, row, without, state)),
              others(rows.slice(SHOWN)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Return why the cost changed, in a line; null if nothing can be compared. `dearest` is read after the numbers. */
export function whyLine({ summary, summaryBefore, dearest }) {
  const [now, past] = [summary.data, summaryBefore.data];
  const difference = usdDifference(now.total_cost_usd, past.total_cost_usd);
  const change = difference !== 0 && past.total_cost_usd !== 0 ? explanation(now, past, difference) : null;
  const [first] = dearest?.data ?? [];
  const isMuch = first && now.total_sessions > 1 && first.spent.cost_usd >= MUCH * now.total_cost_usd;
  const one = isMuch && `${money(first.spent.cost_usd)} of it in one session, by ${named(first.user_id, "no user")}.`;
  return [change, one].filter(Boolean).join(" ") || null;
}

// How much is due to the number of sessions, and how much to what a session cost.
function explanation(now, past, difference) {
  const [n, m] = [now.total_sessions, past.total_sessions];
  if (!n || !m) return null;
  const bySessions = ((n - m) * past.total_cost_usd) / m;
  const byPrice = difference - bySessions;
  const part = (usd, text) => `${usd >= 0 ? "+" : ""}${money(usd)} ${text}`;
  const sessions =
    n === m
      ? "the number of sessions is the same"
      : part(
          bySessions,
          `from ${count(Math.abs(n - m))} ${n > m ? "more" : "fewer"} session${Math.abs(n - m) === 1 ? "" : "s"}`,
        );
  const [average, averageBefore] = [money(now.avg_cost_usd_per_session), money(past.avg_cost_usd_per_session)];
  const price = part(
    byPrice,
    average === averageBefore
      ? `from the cost per session, which stayed at about ${average}`
      : `because a session cost ${average} on average instead of ${averageBefore}`,
  );
  return `${sessions.charAt(0).toUpperCase()}${sessions.slice(1)}; ${price}.`;
}

function movers(key, now, past) {
  const rows = new Map();
  for (const row of past) rows.set(row[key], { name: row[key], now: 0, past: row.cost_usd });
  for (const row of now) rows.set(row[key], { name: row[key], now: row.cost_usd, past: rows.get(row[key])?.past ?? 0 });
  return [...rows.values()]
    .map((row) => ({ ...row, change: usdDifference(row.now, row.past) }))
    .filter(({ change }) => change !== 0)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
}

// Exact to the nano-dollar.
function usdDifference(now, past) {
  return (nano(now) - nano(past)) / 1e9;
}

function mover(key, row, without, state) {
  const label = named(row.name, without);
  return line(row, row.name ? el("a", { href: href("/", state, { [key]: row.name }) }, label) : label, key);
}

// With the rest, the changes add up to that of the whole.
function others(rows) {
  if (rows.length === 0) return null;
  const sum = (field) => rows.reduce((total, row) => total + nano(row[field]), 0) / 1e9;
  return line({ now: sum("now"), past: sum("past"), change: sum("change") }, counted(rows.length, "other"), null);
}

function line({ now, past, change }, name, key) {
  return el(
    "tr",
    { "data-mover": key },
    el("th", { scope: "row" }, name),
    el(
      "td",
      { class: `number ${change > 0 ? "bad" : "good"}`, "data-value": change, title: exactMoney(change) },
      `${change > 0 ? "+" : ""}${money(change)}`,
    ),
    el("td", { class: "number muted", title: exactMoney(past) }, money(past)),
    el("td", { class: "number", title: exactMoney(now) }, money(now)),
  );
}
