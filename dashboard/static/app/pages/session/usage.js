// Tokens and cost by model, turn, tool and subagent, and a comparison of reported with measured usage.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, milliseconds, named, percent } from "../../format.js";
import { costColumn, momentColumn, numberColumn, tokensColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { costSource } from "./headline.js";
import { pricesPanel } from "./prices.js";

const TOKENS = [
  ["input_tokens", "Input"],
  ["output_tokens", "Output"],
  ["cache_read_tokens", "Cache read"],
  ["cache_creation_tokens", "Cache write"],
  ["cache_creation_1h_tokens", "of which 1 h"],
];

const SPECIAL = {
  main: "main agent",
  no_turn: "before the first prompt",
  no_tool: "answers without a tool",
  unexplained: "not explained by requests",
};

/** Return the view; each refresh reads again where the tokens and the money went. */
export function makeView(body, { signal }) {
  const numbers = el("div", { class: "panels" });
  put(body, numbers, pricesPanel(signal));
  return {
    async refresh(session) {
      const [turns, tools, agents] = await Promise.all(
        ["turn", "tool", "agent"].map((by) => get(`/sessions/${session.id}/spend`, { by }, { signal })),
      );
      if (signal.aborted) return;
      const [source, isKnown] = [el("p", {}, `The cost is ${costSource(session)}.`), session.agents.length > 0];
      put(
        numbers,
        panel("wide", "Cost by model", source, models("usage-models", session.models)),
        session.usage.reported &&
          session.usage.measured &&
          panel("wide", "Reported and measured", comparison(session.usage)),
        isKnown
          ? [
              panel("wide", "Cost by turn", unexplained(turns.data), spend("turns", "Turn", turns.data)),
              panel("", "Cost by tool", spend("tools", "Tool", tools.data)),
              panel("", "Cost by subagent", spend("agents", "Subagent", agents.data)),
            ]
          : panel("wide", "Cost by turn, tool and subagent", notKnown()),
        panel("wide", "Tool uses", toolUses(session.tools)),
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

function notKnown() {
  return el(
    "p",
    {},
    "The requests to models behind this session's cost are not known. Agents send them as telemetry: ",
    el("code", {}, "crewkit-hook connect"),
    " turns it on.",
  );
}

// Why less than everything is known, if so.
function unexplained(parts) {
  if (!parts.some(({ key }) => key === "unexplained")) return null;
  const text = "Not all is explained: some requests were not seen, or the client reports another cost for them.";
  return el("p", { class: "muted" }, text);
}

function spend(name, heading, parts) {
  return table({
    name: `spend-${name}`,
    caption: `Tokens and cost by ${heading.toLowerCase()}`,
    rows: parts,
    sort: name === "turns" ? null : "-cost_usd",
    csv: `session-${name}`,
    rowsShown: 20,
    empty: "Nothing was spent.",
    columns: [
      { key: "key", name: heading, value: (part) => nameOf(part, name) },
      name === "turns" && momentColumn("started_at", "Began"),
      tokensColumn(),
      costColumn(),
    ].filter(Boolean),
  });
}

function nameOf({ key, label }, name) {
  return label ?? SPECIAL[key] ?? (name === "turns" ? "a prompt without its text" : key);
}

function toolUses(rows) {
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
