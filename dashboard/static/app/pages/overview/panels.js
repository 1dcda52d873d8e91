// Tables of where the money went, the busiest hours, and how sessions ended.

import { may } from "../../credentials.js";
import { el } from "../../dom.js";
import { count, named, percent } from "../../format.js";
import { addDays, weekday } from "../../ranges.js";
import { costColumn, numberColumn, tokensColumn } from "../../ui/columns.js";
import { heatmap } from "../../ui/heatmap.js";
import { table } from "../../ui/table.js";
import { BY_COST, href, listHref } from "../../url.js";
import { midnight, timeOf, zone } from "../../zone.js";

const WEEK = 7;
const LAST_HOUR = 23;
const atHour = (day, hour) => timeOf(`${day}T${String(hour).padStart(2, "0")}:00:00`);
const wholePercent = (share) => percent(share, 0);

function panel(name, heading, ...content) {
  return el("section", { class: "card", "data-panel": name }, el("h2", {}, heading), content);
}

/** Return the panels of cost by model, agent, project and, if the role allows it, person. */
export function costPanels({ by_model: models, by_project: projects, by_user: users }, agents, state) {
  const behind =
    (key, changes = {}) =>
    (row) =>
      row[key] && listHref(state, { [key]: row[key], ...changes });
  const common = (key, first, without) => [
    {
      key,
      name: first,
      value: (row) => row[key],
      show: (row) => named(row[key], without),
      link: (row) => row[key] && href("/", state, { [key]: row[key] }),
      title: (row) => row[key] && `Only ${row[key]}`,
    },
    costColumn({ link: behind(key, BY_COST) }),
    numberColumn("cost_share", "Share", wholePercent),
    tokensColumn(),
    numberColumn("sessions", "Sessions", count, { link: behind(key) }),
  ];
  const costs = (name, heading, rows, columns, note = null) =>
    panel(
      name,
      heading,
      table({ name, caption: heading, columns, rows, sort: "-cost_usd", csv: name, rowsShown: 10 }),
      note && el("p", { class: "muted" }, note),
    );
  const severalModels = models.length > 1 ? "A session that uses several models counts for each of them." : null;
  const ofAgents = [
    ...common("agent_name", "Agent", "no agent"),
    numberColumn("tool_error_rate", "Tool errors", percent),
  ];
  return [
    costs("by-model", "Cost by model", models, common("model", "Model", "unknown model"), severalModels),
    !state.filters.model && costs("by-agent", "Cost by agent", agents, ofAgents),
    costs("by-project", "Cost by project", projects, common("project_id", "Project", "no project")),
    may("readAll") && costs("by-user", "Cost by person", users, common("user_id", "Person", "no user")),
  ];
}

/** Return the panel of sessions by weekday and hour; if the range is at most a week, cells link to their sessions. */
export function hoursPanel({ busiest_hours: hours }, state) {
  const { start, days } = state.range;
  const linkOf = (day, hour) => {
    if (days > WEEK) return null;
    const after = (day - weekday(start) + WEEK) % WEEK;
    if (after >= days) return null;
    const today = addDays(start, after);
    const from = hour ? atHour(today, hour) : midnight(today);
    const to = hour < LAST_HOUR ? atHour(today, hour + 1) : midnight(addDays(today, 1));
    const [first, last] = [from, to].map((ms) => new Date(ms).toISOString());
    return listHref(state, { from: first, to: last });
  };
  return panel("busiest-hours", `Busiest hours (${zone()})`, heatmap(hours, linkOf));
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
          show: (row) => (row.outcome === "none" ? "active, or not reported" : row.outcome),
          link: (row) => listHref(state, { outcome: row.outcome }),
        },
        numberColumn("sessions", "Sessions", count, { bar: true, value: (row) => row.number }),
        numberColumn("share", "Share", wholePercent, { value: (row) => (sessions ? row.number / sessions : null) }),
      ],
    }),
  );
}
