// Which agent fails most on which tool, and why: a matrix of the agents with the highest rates and the tools with most
// errors, and the most frequent error texts, of all or of one cell.

import { get } from "../../api.js";
import { may } from "../../credentials.js";
import { el, put } from "../../dom.js";
import { count, named, percent } from "../../format.js";
import { dayParams } from "../../ranges.js";
import { momentColumn, numberColumn } from "../../ui/columns.js";
import { scrollingTable } from "../../ui/scrolling_table.js";
import { whenSeen } from "../../ui/seen.js";
import { skeleton } from "../../ui/states.js";
import { table } from "../../ui/table.js";
import { HAPPENED, listHref } from "../../url.js";

const AGENTS_MAX = 6;
const TOOLS_MAX = 8;
const USES_MIN = 20;
const ERROR_MAX = 100; // characters in the sentence

/** Return `{element, refresh(agents)}`; the data is read when the panel comes into view. */
export function toolErrors(state, signal) {
  const body = el("div", {}, skeleton("14rem"));
  const element = el(
    "section",
    { class: "card wide", "data-panel": "tool-errors" },
    el("h2", {}, "Where tools fail"),
    body,
  );
  let agents = null;
  let isSeen = false;
  let chosen = null; // the cell whose errors are shown

  async function draw() {
    if (!isSeen || !agents) return;
    const names = agents
      .filter((agent) => agent.agent_name && agent.tool_error_rate !== null)
      .toSorted((a, b) => b.tool_error_rate - a.tool_error_rate)
      .slice(0, AGENTS_MAX)
      .map((agent) => agent.agent_name);
    try {
      const { model, ...filters } = { ...state.filters, ...state.own };
      const params = { ...dayParams(state.range), ...filters };
      const one = (more) =>
        get("/sessions/analytics/by-tool", { ...params, ...more }, { signal }).then(({ data }) => data);
      const [why, all, ...each] = await Promise.all([
        get("/sessions/analytics/tool-errors", params, { signal }),
        one({}),
        ...names.map((name) => one({ agent_name: name })),
      ]);
      if (signal.aborted) return;
      const errors = el("div", { "data-testid": "errors", tabindex: -1 });
      const show = (cell) => {
        chosen = cell;
        put(
          errors,
          frequentErrors(why.data, chosen, () => show(null)),
        );
      };
      const onCell = (cell) => {
        show(cell);
        errors.focus();
      };
      put(body, matrix({ all, names, each, errors: why.data }, state, onCell), errors);
      if (all.some((row) => row.errors > 0)) show(chosen);
    } catch (error) {
      if (!signal.aborted && !error.isTemporary) put(body, el("p", { class: "muted" }, error.message));
    }
  }
  whenSeen(element, signal, () => {
    isSeen = true;
    draw();
  });
  return {
    element,
    refresh(found) {
      agents = found;
      return draw();
    },
  };
}

function matrix({ all, names, each, errors }, state, onCell) {
  const failing = all.filter((row) => row.errors > 0);
  if (failing.length === 0) return el("p", { class: "muted" }, "No tool failed.");
  const tools = failing.slice(0, TOOLS_MAX);
  const rows = names.map((name, at) => ({
    name,
    cells: tools.map(({ tool_name: tool }) => each[at].find((row) => row.tool_name === tool)),
  }));
  const top = Math.max(...rows.flatMap(({ cells }) => cells.map((cell) => cell?.tool_error_rate ?? 0)), 0.0001);
  return [
    el("p", { "data-testid": "fails-most" }, sentence(rows, all, errors)),
    el("p", { class: "muted" }, "A cell leads to its errors. Tools that never failed have no column."),
    scrollingTable(
      {
        kind: "matrix",
        label: "Error rates by agent and tool",
        caption: "Share of uses that failed, by agent and tool",
      },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "Agent"),
          tools.map((row) => el("th", { scope: "col" }, row.tool_name)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map(({ name, cells }) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, agentLink(state, name)),
            cells.map((cell) => rate(cell, top, () => onCell({ agent: name, tool: cell.tool_name }))),
          ),
        ),
        el(
          "tr",
          {},
          el("th", { scope: "row" }, "all"),
          tools.map((row) => rate(row, top, () => onCell({ tool: row.tool_name }))),
        ),
      ),
    ),
  ];
}

function agentLink(state, name) {
  const link = listHref(state, { ...HAPPENED, agent_name: name });
  return link ? el("a", { href: link }, name) : name;
}

// The highest rate of those that a few uses more would not change much.
function sentence(rows, all, errors) {
  const cells = rows.flatMap(({ name, cells: each }) => each.filter(Boolean).map((cell) => ({ name, ...cell })));
  const worst = [...cells, ...(cells.length ? [] : all)]
    .filter(({ calls, errors }) => calls >= USES_MIN && errors > 0)
    .toSorted((a, b) => b.tool_error_rate - a.tool_error_rate)[0];
  if (!worst) return `No tool that was used ${USES_MIN} times or more failed.`;
  return [
    worst.name ? [el("strong", {}, worst.name), " fails most on "] : "Most often fails ",
    el("strong", {}, named(worst.tool_name, "a tool without a name")),
    `: ${count(worst.errors)} of ${count(worst.calls)} uses (${percent(worst.tool_error_rate)}).`,
    mostOften(errors.find((row) => isOf(row, { agent: worst.name, tool: worst.tool_name }))),
  ];
}

function mostOften(row) {
  return row?.error ? ` Most often: “${row.error.slice(0, ERROR_MAX)}”.` : null;
}

function isOf(row, { agent, tool }) {
  return row.tool_name === tool && (!agent || row.agent_name === agent);
}

function rate(cell, top, onClick) {
  const share = cell?.tool_error_rate ?? null;
  const text = share !== null && [percent(share), el("small", {}, ` ${count(cell.errors)}/${count(cell.calls)}`)];
  return el(
    "td",
    {
      style: { "--heat": share ? share / top : 0 },
      "data-value": share ?? "",
      title: cell ? `${count(cell.errors)} of ${count(cell.calls)} uses failed` : "not used",
    },
    cell?.errors ? el("button", { type: "button", class: "plain", onclick: onClick }, text) : text || "–",
  );
}

function frequentErrors(errors, chosen, showAll) {
  const rows = errors.filter((row) => !chosen || isOf(row, chosen));
  const last = (row) =>
    row.last_session_id &&
    `/sessions/${row.last_session_id}?${new URLSearchParams({ view: "events", event_type: "PostToolUseFailure", tool_name: row.tool_name })}`;
  return [
    el(
      "h3",
      {},
      may("readAll") ? "Most frequent errors" : "Most frequent errors of your sessions",
      chosen && [` of ${named(chosen.tool, "a tool without a name")}`, chosen.agent && ` by ${chosen.agent}`],
      " ",
      chosen && el("button", { type: "button", class: "small", onclick: showAll }, "All tools"),
    ),
    table({
      name: "errors",
      caption: "Failed uses by error text",
      rows,
      sort: "-count",
      csv: "tool-errors",
      columns: [
        numberColumn("count", "Failed", count, { bar: true }),
        {
          key: "error",
          name: "Error",
          value: (row) => row.error,
          show: (row) => (row.error === null ? el("em", {}, "without a known text") : el("code", {}, row.error)),
        },
        { key: "tool_name", name: "Tool", value: (row) => row.tool_name, show: (row) => named(row.tool_name, "–") },
        { key: "agent_name", name: "Agent", value: (row) => row.agent_name, show: (row) => named(row.agent_name, "–") },
        momentColumn("last_at", "Last", { link: last }),
      ],
    }),
  ];
}
