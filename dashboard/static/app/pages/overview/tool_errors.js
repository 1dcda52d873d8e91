// Which agent fails most, and on which tool: a matrix of the agents and tools with the most errors.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, named, percent } from "../../format.js";
import { dayParams } from "../../ranges.js";
import { scrollingTable } from "../../ui/scrolling_table.js";
import { whenSeen } from "../../ui/seen.js";
import { skeleton } from "../../ui/states.js";
import { href } from "../../url.js";

const AGENTS_MAX = 6;
const TOOLS_MAX = 8;

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

  async function draw() {
    if (!isSeen || !agents) return;
    const names = agents
      .filter((agent) => agent.agent_name && agent.tool_error_rate !== null)
      .toSorted((a, b) => b.tool_error_rate - a.tool_error_rate)
      .slice(0, AGENTS_MAX)
      .map((agent) => agent.agent_name);
    try {
      const { model, ...filters } = state.filters;
      const params = { ...dayParams(state.range), ...filters };
      const one = (more) =>
        get("/sessions/analytics/by-tool", { ...params, ...more }, { signal }).then(({ data }) => data);
      const [all, ...each] = await Promise.all([one({}), ...names.map((name) => one({ agent_name: name }))]);
      if (!signal.aborted) put(body, matrix(all, names, each, state));
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

function matrix(all, names, each, state) {
  const failing = all.filter((row) => row.errors > 0);
  if (failing.length === 0) return el("p", { class: "muted" }, "No tool failed.");
  const tools = failing.slice(0, TOOLS_MAX);
  const rows = names.map((name, at) => ({
    name,
    cells: tools.map(({ tool_name: tool }) => each[at].find((row) => row.tool_name === tool)),
  }));
  const top = Math.max(...rows.flatMap(({ cells }) => cells.map((cell) => cell?.tool_error_rate ?? 0)), 0.0001);
  return [
    el("p", { "data-testid": "fails-most" }, sentence(rows, tools)),
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
            el("th", { scope: "row" }, el("a", { href: href("/sessions", state, { agent_name: name }) }, name)),
            cells.map((cell) => rate(cell, top)),
          ),
        ),
        el(
          "tr",
          {},
          el("th", { scope: "row" }, "all"),
          tools.map((row) => rate(row, top)),
        ),
      ),
    ),
  ];
}

function sentence(rows, tools) {
  if (rows.length === 0)
    return `Most errors: ${tools[0].tool_name}, ${percent(tools[0].tool_error_rate)} of ${count(tools[0].calls)} uses.`;
  const { name, cells } = rows[0];
  const worst = cells.filter(Boolean).toSorted((a, b) => b.errors - a.errors)[0];
  if (!worst?.errors) return null;
  return [
    el("strong", {}, name),
    ` fails most, and most often on ${named(worst.tool_name, "a tool without a name")}: `,
    `${count(worst.errors)} of ${count(worst.calls)} uses (${percent(worst.tool_error_rate)}).`,
  ];
}

function rate(cell, top) {
  const share = cell?.tool_error_rate ?? null;
  return el(
    "td",
    {
      style: { "--heat": share ? share / top : 0 },
      "data-value": share ?? "",
      title: cell ? `${count(cell.errors)} of ${count(cell.calls)} uses failed` : "not used",
    },
    share === null ? "–" : percent(share),
  );
}
