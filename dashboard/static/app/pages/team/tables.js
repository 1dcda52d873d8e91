// The tables of people, agents and projects. Each number links to the sessions behind it.

import { el } from "../../dom.js";
import { compactCount, count, duration, exactMoney, money, named, percent } from "../../format.js";
import { momentColumn, numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { BY_COST, BY_TOKENS, HAPPENED, href } from "../../url.js";

/** Return the table of people; their shares of the cost come from the cost breakdown. */
export function peoplePanel({ people: { rows }, costs }, state) {
  const shares = new Map(costs.data.by_user.map((row) => [row.user_id, row.cost_share]));
  const { name, number } = columnsOf("user_id", state);
  return panel("by-user", "People", rows, [
    name("Person", "no user"),
    ...common(number),
    shareOf(number, (row) => shares.get(row.user_id) ?? null),
    number("avg_duration_seconds", "Avg. duration", duration, { list: { sort: "-duration_seconds" } }),
    momentColumn("last_active_at", "Last active", {
      link: linkOf("user_id", state, { ...HAPPENED, sort: "-last_event_at" }),
    }),
    {
      key: "top_agent",
      name: "Most used agent",
      value: (row) => row.top_agent,
      show: (row) => named(row.top_agent, "–"),
      link: (row) =>
        row.user_id && row.top_agent && href("/sessions", state, { user_id: row.user_id, agent_name: row.top_agent }),
    },
    ...work(number),
  ]);
}

/** Return the table of agents. */
export function agentsPanel({ agents }, state) {
  const { name, number } = columnsOf("agent_name", state);
  return panel("by-agent", "Agents", agents.data, [
    name("Agent", "no agent"),
    ...common(number),
    shareOf(number, (row) => row.cost_share),
    number("avg_duration_seconds", "Avg. duration", duration, { list: { sort: "-duration_seconds" } }),
    number("users", "People", count),
    number("tool_error_rate", "Tool errors", percent, { list: HAPPENED }),
    ...work(number),
  ]);
}

/** Return the table of projects. */
export function projectsPanel({ costs }, state) {
  const { name, number } = columnsOf("project_id", state);
  return panel(
    "by-project",
    "Projects",
    costs.data.by_project,
    [name("Project", "no project"), ...common(number), shareOf(number, (row) => row.cost_share)],
    false,
  );
}

function panel(name, heading, rows, columns, isWide = true) {
  return el(
    "section",
    { class: isWide ? "card wide" : "card", "data-panel": name },
    el("h2", {}, heading),
    table({
      name: `team-${name}`,
      caption: `${heading}: sessions, cost and work`,
      columns,
      rows,
      sort: "-cost_usd",
      csv: name,
      rowsShown: 15,
    }),
  );
}

// The API can't filter by an absent name, so such rows have no link.
function linkOf(key, state, changes = {}) {
  return (row) => row[key] && href("/sessions", state, { [key]: row[key], ...changes });
}

function columnsOf(key, state) {
  return {
    name: (label, without) => ({
      key,
      name: label,
      value: (row) => row[key],
      show: (row) => named(row[key], without),
      link: (row) => row[key] && href("/team", state, { [key]: row[key] }),
      title: (row) => row[key] && `Only ${row[key]}`,
    }),
    number: (field, label, show, { list, ...more } = {}) =>
      numberColumn(field, label, show, { link: linkOf(key, state, list), ...more }),
  };
}

function common(number) {
  return [
    number("cost_usd", "Cost", money, { list: BY_COST, exact: exactMoney, bar: true }),
    number("sessions", "Sessions", count),
    number("tokens", "Tokens", compactCount, { list: BY_TOKENS, exact: count }),
  ];
}

function shareOf(number, value) {
  return number("cost_share", "Share of cost", (share) => percent(share, 0), { value, list: BY_COST });
}

function work(number) {
  return [
    number("lines_added", "Lines added", compactCount, { exact: count, list: HAPPENED }),
    number("lines_removed", "Lines removed", compactCount, { exact: count, list: HAPPENED }),
    number("commits", "Commits", count, { list: HAPPENED }),
    number("pull_requests", "Pull requests", count, { list: HAPPENED }),
    number("active_seconds", "Active time", (seconds) => (seconds ? duration(seconds) : "0 s"), { list: HAPPENED }),
  ];
}
