// Tables of where the money went, the busiest hours, and how sessions ended.

import { may } from "../../credentials.js";
import { el } from "../../dom.js";
import { compactCount, count, exactMoney, money, named, percent } from "../../format.js";
import { addDays, weekday } from "../../ranges.js";
import { heatmap } from "../../ui/heatmap.js";
import { table } from "../../ui/table.js";
import { href } from "../../url.js";

const WEEK = 7;

function panel(name, heading, ...content) {
  return el("section", { class: "card", "data-panel": name }, el("h2", {}, heading), content);
}

/** Return the panels of cost by model, agent, project and, for those who may, by person. */
export function costPanels({ by_model: models, by_project: projects, by_user: users }, agents, state) {
  const common = (key, first, without) => [
    {
      key,
      name: first,
      value: (row) => row[key],
      show: (row) => named(row[key], without),
      link: (row) => row[key] && href("/", state, { [key]: row[key] }),
      title: (row) => row[key] && `Only ${row[key]}`,
    },
    {
      key: "cost_usd",
      name: "Cost",
      align: "number",
      bar: true,
      value: (row) => row.cost_usd,
      show: (row) => money(row.cost_usd),
      title: (row) => exactMoney(row.cost_usd),
      link: (row) => row[key] && href("/sessions", state, { [key]: row[key], sort: "-cost_usd" }),
    },
    {
      key: "cost_share",
      name: "Share",
      align: "number",
      value: (row) => row.cost_share,
      show: (row) => percent(row.cost_share, 0),
    },
    {
      key: "tokens",
      name: "Tokens",
      align: "number",
      value: (row) => row.tokens,
      show: (row) => compactCount(row.tokens),
      title: (row) => count(row.tokens),
    },
    {
      key: "sessions",
      name: "Sessions",
      align: "number",
      value: (row) => row.sessions,
      show: (row) => count(row.sessions),
      link: (row) => row[key] && href("/sessions", state, { [key]: row[key] }),
    },
  ];
  const costs = (name, heading, rows, columns) =>
    panel(name, heading, table({ name, caption: heading, columns, rows, sort: "-cost_usd", csv: name, rowsShown: 8 }));
  const ofAgents = [
    ...common("agent_name", "Agent", "no agent"),
    {
      key: "tool_error_rate",
      name: "Tool errors",
      align: "number",
      value: (row) => row.tool_error_rate,
      show: (row) => percent(row.tool_error_rate),
    },
  ];
  return [
    costs("by-model", "Cost by model", models, common("model", "Model", "unknown model")),
    !state.filters.model && costs("by-agent", "Cost by agent", agents, ofAgents),
    costs("by-project", "Cost by project", projects, common("project_id", "Project", "no project")),
    may("readAll") && costs("by-user", "Cost by person", users, common("user_id", "Person", "nobody")),
  ];
}

/** Return the panel of sessions by weekday and hour; in a range of a week or less a cell leads to its sessions. */
export function hoursPanel({ busiest_hours: hours }, state) {
  const { start, days } = state.range;
  const linkOf = (day, hour) => {
    if (days > WEEK) return null;
    const after = (day - weekday(start) + WEEK) % WEEK;
    if (after >= days) return null;
    const from = `${addDays(start, after)}T${String(hour).padStart(2, "0")}`;
    return href("/sessions", state, { from: `${from}:00:00Z`, to: `${from}:59:59.999Z` });
  };
  return panel("busiest-hours", "Busiest hours (UTC)", heatmap(hours, linkOf));
}

/** Return the panel of how sessions ended. */
export function outcomesPanel({ current: { outcomes, sessions } }, state) {
  const rows = Object.entries(outcomes).map(([outcome, number]) => ({ outcome, number }));
  return panel(
    "outcomes",
    "How sessions ended",
    table({
      name: "outcomes",
      caption: "Sessions by outcome",
      rows,
      columns: [
        {
          key: "outcome",
          name: "Outcome",
          value: (row) => row.outcome,
          show: (row) => (row.outcome === "none" ? "active, or not said" : row.outcome),
          link: (row) => row.outcome !== "none" && href("/sessions", state, { outcome: row.outcome }),
        },
        {
          key: "sessions",
          name: "Sessions",
          align: "number",
          bar: true,
          value: (row) => row.number,
          show: (row) => count(row.number),
        },
        {
          key: "share",
          name: "Share",
          align: "number",
          value: (row) => (sessions ? row.number / sessions : null),
          show: (row) => percent(sessions ? row.number / sessions : null, 0),
        },
      ],
    }),
  );
}
