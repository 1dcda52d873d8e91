// Tokens and cost by model, by subagent and by tool, and how reports compare with what was measured.

import { el, put } from "../../dom.js";
import { compactCount, count, duration, exactMoney, money, named, percent } from "../../format.js";
import { table } from "../../ui/table.js";
import { costSource } from "./headline.js";

const TOKENS = [
  ["input_tokens", "Input"],
  ["output_tokens", "Output"],
  ["cache_read_tokens", "Cache read"],
  ["cache_creation_tokens", "Cache write"],
  ["cache_creation_1h_tokens", "of it for 1 h"],
];

/** Return the view; all of it is in the session. */
export function makeView(body) {
  return {
    refresh(session) {
      put(
        body,
        el(
          "div",
          { class: "panels" },
          panel(
            "wide",
            "Cost by model",
            el("p", {}, `The cost is ${costSource(session)}.`),
            models("usage-models", session.models),
          ),
          session.usage.reported &&
            session.usage.measured &&
            panel("wide", "Reported and measured", comparison(session.usage)),
          panel("", "By tool", tools(session.tools)),
          panel("", "By subagent", agents(session.agents)),
        ),
      );
    },
  };
}

function panel(kind, heading, ...content) {
  return el("section", { class: `card ${kind}` }, el("h2", {}, heading), content);
}

function tokenColumns() {
  return TOKENS.map(([key, name]) => ({
    key,
    name,
    align: "number",
    value: (row) => row[key],
    show: (row) => compactCount(row[key]),
    title: (row) => count(row[key]),
  }));
}

function cost() {
  return {
    key: "cost_usd",
    name: "Cost",
    align: "number",
    bar: true,
    value: (row) => row.cost_usd,
    show: (row) => money(row.cost_usd),
    title: (row) => exactMoney(row.cost_usd),
  };
}

function models(name, rows) {
  return table({
    name,
    caption: "Tokens and cost by model",
    rows,
    sort: "-cost_usd",
    csv: name,
    empty: "No usage is known yet.",
    columns: [
      { key: "model", name: "Model", value: (row) => row.model, show: (row) => named(row.model, "unknown model") },
      ...tokenColumns(),
      cost(),
      { key: "cost_source", name: "Source", value: (row) => row.cost_source },
    ],
  });
}

function comparison({ reported, measured }) {
  const rows = [
    ["reported by the client", reported],
    ["measured request by request", measured],
  ].map(([source, sums]) => ({ source, ...sums }));
  return [
    el(
      "p",
      { class: "muted" },
      "The report counts. A difference is a report that is still to come, or requests that were not seen.",
    ),
    table({
      name: "usage-compared",
      caption: "Reported and measured usage",
      rows,
      columns: [{ key: "source", name: "", value: (row) => row.source }, ...tokenColumns(), cost()],
    }),
  ];
}

function tools(rows) {
  return table({
    name: "usage-tools",
    caption: "Uses of tools",
    rows,
    sort: "-calls",
    csv: "session-tools",
    rowsShown: 20,
    empty: "No tool was used.",
    columns: [
      { key: "tool_name", name: "Tool", value: (row) => row.tool_name },
      {
        key: "calls",
        name: "Uses",
        align: "number",
        bar: true,
        value: (row) => row.calls,
        show: (row) => count(row.calls),
      },
      { key: "errors", name: "Failed", align: "number", value: (row) => row.errors, show: (row) => count(row.errors) },
      {
        key: "error_rate",
        name: "Rate",
        align: "number",
        value: (row) => row.errors / row.calls,
        show: (row) => percent(row.errors / row.calls),
      },
      {
        key: "total_duration_ms",
        name: "Run time, as reported",
        align: "number",
        value: (row) => row.total_duration_ms,
        show: (row) => duration(row.total_duration_ms / 1000),
      },
    ],
  });
}

function agents(rows) {
  return table({
    name: "usage-agents",
    caption: "Requests by subagent",
    rows,
    sort: "-cost_usd",
    csv: "session-agents",
    rowsShown: 20,
    empty: "No subagent, or its requests were not seen: agents send them as telemetry.",
    columns: [
      {
        key: "agent_type",
        name: "Subagent",
        value: (row) => row.agent_type,
        show: (row) => named(row.agent_type, "main agent"),
      },
      {
        key: "requests",
        name: "Requests",
        align: "number",
        value: (row) => row.requests,
        show: (row) => count(row.requests),
      },
      {
        key: "tokens",
        name: "Tokens",
        align: "number",
        value: (row) => row.tokens,
        show: (row) => compactCount(row.tokens),
      },
      cost(),
    ],
  });
}
