// Tokens and cost by model, subagent and tool, and a comparison of reported with measured usage.

import { el, put } from "../../dom.js";
import { count, milliseconds, named, percent } from "../../format.js";
import { costColumn, numberColumn, tokensColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { costSource } from "./headline.js";

const TOKENS = [
  ["input_tokens", "Input"],
  ["output_tokens", "Output"],
  ["cache_read_tokens", "Cache read"],
  ["cache_creation_tokens", "Cache write"],
  ["cache_creation_1h_tokens", "of which 1 h"],
];

/** Return the view; all its data is in the session. */
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
  return TOKENS.map(([key, name]) => tokensColumn(key, name));
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
      costColumn(),
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
      "The report counts. The two differ if a report is still to come, or if some requests were not seen.",
    ),
    table({
      name: "usage-compared",
      caption: "Reported and measured usage",
      rows,
      columns: [{ key: "source", name: "", value: (row) => row.source }, ...tokenColumns(), costColumn()],
    }),
  ];
}

function tools(rows) {
  return table({
    name: "usage-tools",
    caption: "Tool uses",
    rows,
    sort: "-calls",
    csv: "session-tools",
    rowsShown: 20,
    empty: "No tool was used.",
    columns: [
      { key: "tool_name", name: "Tool", value: (row) => row.tool_name },
      numberColumn("calls", "Uses", count, { bar: true }),
      numberColumn("errors", "Failed"),
      numberColumn("error_rate", "Rate", percent, { value: (row) => row.errors / row.calls }),
      numberColumn("total_duration_ms", "Run time, as reported", milliseconds),
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
    empty: "There was no subagent, or its requests were not seen: agents send them as telemetry.",
    columns: [
      {
        key: "agent_type",
        name: "Subagent",
        value: (row) => row.agent_type,
        show: (row) => named(row.agent_type, "main agent"),
      },
      numberColumn("requests", "Requests"),
      tokensColumn(),
      costColumn(),
    ],
  });
}
