// Who, where, what, how long, the cost, and where that number comes from.

import { el } from "../../dom.js";
import {
  cacheHitRate,
  compactCount,
  count,
  duration,
  exactMoney,
  inputOf,
  money,
  moment,
  percent,
} from "../../format.js";
import { outcomeTag } from "../../ui/outcome.js";
import { zone } from "../../zone.js";
import { modelsOf, titleOf, tokensOf } from "../sessions/rows.js";

const SOURCES = {
  reported: "as the client reported it",
  measured: "the sum of the requests to the model",
  priced: "tokens times the price list",
  unknown: "no price is known",
};

/** Return the head of a session's page, including the buttons `actions`. */
export function headline(session, actions) {
  return el(
    "section",
    { class: "card headline" },
    el(
      "div",
      { class: "head-row" },
      el("h1", {}, titleOf(session)),
      outcomeTag(session),
      session.sensitive && el("span", { class: "tag warn" }, "sensitive"),
      el("span", { class: "grow" }),
      el("span", { class: "actions" }, actions),
    ),
    session.summary && session.summary !== session.title && el("p", { class: "summary" }, session.summary),
    el("p", { class: "muted facts" }, where(session)),
    el("dl", { class: "numbers" }, numbers(session)),
  );
}

/** The source of a session's cost, in words. */
export function costSource({ models, usage }) {
  const sources = [...new Set(models.map((model) => model.cost_source))];
  if (sources.length === 0) return "nothing was reported or measured";
  const parts = sources.map((source) => SOURCES[source]);
  if (usage.incomplete) parts.push("some of it may be missing: the client was killed, or has yet to report the rest");
  if (usage.reported && usage.measured) parts.push(`measured separately: ${money(usage.measured.cost_usd)}`);
  return parts.join("; ");
}

function where(session) {
  const list = (key, value) =>
    value && el("a", { href: `/sessions?range=90d&${new URLSearchParams([[key, value]])}` }, value);
  const client = [session.client, session.client_version].filter(Boolean).join(" ");
  const parts = [
    list("user_id", session.user_id),
    list("repo", session.repo),
    session.branch,
    session.component,
    list("project_id", session.project_id),
    list("agent_name", session.agent_name),
    ...modelsOf(session).map((model) => list("model", model)),
    client,
    session.trigger,
    `${moment(session.started_at)} ${zone()}`,
    ["id ", el("code", {}, session.id)],
    session.parent_id && [`${session.relation} of `, el("a", { href: `/sessions/${session.parent_id}` }, "its parent")],
    el("a", { href: `/sessions?range=90d&thread_id=${session.thread_id}` }, "related sessions"),
    session.run_id && el("a", { href: `/sessions?range=90d&run_id=${session.run_id}` }, "sessions of its run"),
  ];
  return parts.filter(Boolean).flatMap((part, at) => (at ? [" · ", part] : [part]));
}

function whereSpent({ id }) {
  return el("a", { href: `/sessions/${id}?view=usage`, "data-keep-scroll": "" }, "by turn and tool");
}

function numbers(session) {
  const { counts, work, model_metrics: sums } = session;
  const item = (key, label, raw, shown, note) =>
    el(
      "div",
      { title: note ?? null },
      el("dt", {}, label),
      el("dd", { "data-number": key, "data-value": raw ?? "" }, shown),
    );
  return [
    item(
      "cost_usd",
      "Cost",
      sums.cost_usd,
      [
        money(sums.cost_usd),
        el(
          "small",
          { class: "muted source" },
          costSource(session),
          session.usage.measured && [" · ", whereSpent(session)],
        ),
      ],
      exactMoney(sums.cost_usd),
    ),
    item(
      "duration_seconds",
      "Duration",
      session.duration_seconds,
      duration(session.duration_seconds),
      work.active_seconds ? `active ${duration(work.active_seconds)}` : null,
    ),
    item("tokens", "Tokens", tokensOf(session), compactCount(tokensOf(session)), count(tokensOf(session))),
    item(
      "cache_hit_rate",
      "Cache hits",
      cacheHitRate(sums),
      percent(cacheHitRate(sums)),
      `${count(sums.cache_read_tokens)} of ${count(inputOf(sums))} input tokens were read from the prompt cache`,
    ),
    item("prompts", "Prompts", counts.prompts, count(counts.prompts)),
    item("tool_calls", "Tool uses", counts.tool_calls, [
      count(counts.tool_calls),
      counts.tool_errors > 0 && el("small", { class: "bad" }, ` ${count(counts.tool_errors)} failed`),
    ]),
    item("subagents", "Subagents", counts.subagents, count(counts.subagents)),
    item(
      "lines",
      "Lines",
      work.lines_added + work.lines_removed,
      work.lines_added + work.lines_removed ? `+${count(work.lines_added)} −${count(work.lines_removed)}` : "–",
    ),
    item("commits", "Commits", work.commits, work.commits || "–"),
    item("events", "Events", counts.events, count(counts.events)),
  ];
}
