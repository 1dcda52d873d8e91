// Who works with which agents, on what, and what it used. The page names people, so it is for managers and above.

import { get, getAll } from "../api.js";
import { credential, may } from "../credentials.js";
import { el, put } from "../dom.js";
import { count } from "../format.js";
import { follow } from "../live.js";
import { allowOld } from "../memory.js";
import { dayParams, intervalOf } from "../ranges.js";
import { filterRow } from "../ui/filters.js";
import { whyNothing } from "../ui/nothing.js";
import { skeleton } from "../ui/states.js";
import { FILTERS } from "../url.js";
import { teamKpis } from "./team/kpis.js";
import { outcomesPanel } from "./team/outcomes.js";
import { agentsPanel, peoplePanel, projectsPanel } from "./team/tables.js";

export const title = "Team";

const PEOPLE_MAX = 10_000;
const PEOPLE_MANY = 500; // above this a round reads many pages, so the pauses are longer
const LINES = ["users", "sessions", "cost", "tokens"];

/** Show the page. For other roles, say who may see it, and request nothing. */
export async function show(main, view) {
  const { signal, ...whole } = view;
  allowOld(signal);
  const held = credential(); // without a token, the first read asks for one
  if (held && !may("byUser")) {
    put(main, notForThisRole(held.claims.role));
    return;
  }
  const { model, ...filters } = whole.filters; // numbers by person are for whole sessions, not for one model
  const state = { ...whole, filters };
  const kpis = el(
    "div",
    { class: "kpis" },
    Array.from({ length: 5 }, () => skeleton("7rem")),
  );
  const content = el("div", {}, skeleton("30rem"));
  put(
    main,
    el("h1", { class: "visually-hidden" }, "Team"),
    filterRow(state, signal, { names: Object.keys(FILTERS).filter((name) => name !== "model") }),
    kpis,
    content,
  );
  let people = 0;

  await follow({
    root: content,
    signal,
    everyMs: () => (people > PEOPLE_MANY ? 60_000 : 15_000),
    load: () => loadTeam(state, signal),
    async draw(found) {
      people = found.people.total;
      if (found.team.data.current.sessions === 0 && found.people.total === 0) {
        put(kpis);
        put(content, await whyNothing("/team", signal));
        return;
      }
      put(kpis, teamKpis(found, state));
      put(
        content,
        tooMany(found.people),
        el(
          "div",
          { class: "panels team" },
          peoplePanel(found, state),
          agentsPanel(found, state),
          projectsPanel(found, state),
          outcomesPanel(found.team.data, state),
        ),
      );
    },
  });
}

async function loadTeam(state, signal) {
  const params = { ...dayParams(state.range), ...state.filters };
  const analytics = (path, more = {}) => get(`/sessions/analytics/${path}`, { ...params, ...more }, { signal });
  const [team, agents, costs, people, ...lines] = await Promise.all([
    analytics("team-overview"),
    analytics("by-agent"),
    analytics("cost-breakdown"),
    getAll("/sessions/analytics/by-user", params, { signal }, PEOPLE_MAX),
    ...LINES.map((metric) => analytics("timeseries", { metric, interval: intervalOf(state.range) })),
  ]);
  const series = Object.fromEntries(LINES.map((metric, at) => [metric, lines[at].data.map(({ value }) => value)]));
  return { team, agents, costs, people, series };
}

function notForThisRole(role) {
  return el(
    "section",
    { class: "card teach", "data-testid": "not-allowed" },
    el("h1", {}, "Team"),
    el("p", {}, `This page names people. Managers, admins and owners may see it; your role is ${role}.`),
    el("p", {}, el("a", { href: "/" }, "To the overview, with the numbers that you can see")),
  );
}

function tooMany({ rows, total }) {
  return (
    rows.length < total &&
    el(
      "p",
      { class: "notice" },
      `The table of people has only the ${count(rows.length)} with the highest cost, out of ${count(total)}.`,
    )
  );
}
