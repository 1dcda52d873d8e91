// One row per session: what, where and by whom, how it ended, and what it used.

import { el } from "../../dom.js";
import { compactCount, count, duration, exactMoney, money, named } from "../../format.js";
import { outcomeTag } from "../../ui/outcome.js";
import { scrollingTable } from "../../ui/scrolling_table.js";
import { when } from "../../ui/when.js";
import { changed } from "../../url.js";

const HITS = 3; // in events of a session
const SORTED = new Set(["started_at", "duration_seconds", "tokens", "cost_usd"]);
const NUMBERS = [
  ["Prompts", (session) => count(session.counts.prompts), (session) => session.counts.prompts, "prompts"],
  ["Tools", (session) => toolUses(session.counts), (session) => session.counts.tool_calls, "tool_calls"],
  ["Tokens", (session) => compactCount(tokensSpent(session)), tokensSpent, "tokens"],
  ["Cost", (session) => money(costSpent(session)), costSpent, "cost_usd"],
];

/**
 * Return the table of these sessions in the given order; `sort` is the API's name for that order, `q` was searched.
 */
export function sessionTable(sessions, sort, q) {
  return scrollingTable(
    { kind: "session-list", caption: "Sessions" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, "Session"),
        el("th", { scope: "col" }, "Outcome"),
        head("Started", "started_at", sort),
        head("Duration", "duration_seconds", sort),
        NUMBERS.map(([name, , , key]) => head(name, key, sort, "number")),
      ),
    ),
    el(
      "tbody",
      {},
      sessions.map((session) => row(session, q)),
    ),
  );
}

// Columns that the API can sort by are links.
function head(name, key, sort, align = null) {
  const order =
    (sort ?? "-started_at").replace(/^-/, "") === key
      ? (sort ?? "-").startsWith("-")
        ? "descending"
        : "ascending"
      : null;
  const next = key === "started_at" && order === "descending" ? key : `-${key}`;
  return el(
    "th",
    { scope: "col", class: align, "aria-sort": order },
    SORTED.has(key) ? el("a", { class: "sort", href: changed({ sort: next }) }, name) : name,
  );
}

function row(session, q) {
  const place = [session.repo, session.branch, session.agent_name, ...modelsOf(session), session.user_id]
    .filter(Boolean)
    .join(" · ");
  return el(
    "tr",
    { class: "session-row", "data-session": session.id },
    el(
      "th",
      { scope: "row" },
      el("a", { class: "session-title", href: `/sessions/${session.id}` }, titleOf(session)),
      el("div", { class: "line2" }, place),
      highlights(session, q),
    ),
    el("td", {}, outcomeTag(session)),
    el("td", {}, when(session.started_at)),
    el("td", {}, duration(session.duration_seconds)),
    NUMBERS.map(([name, show, value, key]) =>
      el(
        "td",
        {
          class: "number",
          "data-name": name,
          "data-key": key,
          "data-value": value(session),
          title: key === "cost_usd" ? exactMoney(value(session)) : count(value(session)),
        },
        show(session),
      ),
    ),
  );
}

/** The title to show for a session. */
export function titleOf(session) {
  if (session.sensitive) return "Sensitive session (no content is kept)";
  return named(session.title, null) ?? named(session.summary?.slice(0, 100), "Untitled session");
}

/** The models that a session used, the most expensive first; without any usage, the one that it began with. */
export function modelsOf({ model, models }) {
  const used = models
    .toSorted((a, b) => b.cost_usd - a.cost_usd)
    .map((use) => use.model)
    .filter(Boolean);
  return used.length ? used : [model].filter(Boolean);
}

/** All tokens of a session: input, output, cache reads and cache writes. */
export function tokensOf({ model_metrics: sums }) {
  return sums.input_tokens + sums.output_tokens + sums.cache_read_tokens + sums.cache_creation_tokens;
}

// Of the list's range, if it is a list of what was spent in it; else of the whole session.
export function tokensSpent(session) {
  return session.spent?.tokens ?? tokensOf(session);
}

export function costSpent({ spent, model_metrics: sums }) {
  return spent?.cost_usd ?? sums.cost_usd;
}

function toolUses({ tool_calls: calls, tool_errors: errors }) {
  return errors ? [count(calls), el("span", { class: "bad" }, ` (${count(errors)} failed)`)] : count(calls);
}

// Texts of the session, and up to three of its events, each of which leads to its turn.
function highlights({ id, highlights: found = [] }, q) {
  const ofEvents = found.filter(({ event_id: event }) => event);
  return [
    found
      .filter(({ event_id: event }) => !event)
      .slice(0, 2)
      .map((one) => el("div", { class: "line2" }, excerpt(one))),
    ofEvents.slice(0, HITS).map((one) => {
      const place = new URLSearchParams({ event: one.event_id, q });
      return el("div", { class: "line2" }, el("a", { class: "hit", href: `/sessions/${id}?${place}` }, excerpt(one)));
    }),
  ];
}

// The API encloses found words in « and ».
function excerpt({ field, text }) {
  return [`${field}: `, text.split(/«([^»]*)»/).map((part, at) => (at % 2 ? el("mark", {}, part) : part))];
}
