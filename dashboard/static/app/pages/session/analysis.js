// What the analysis after the end found, and digests of the session.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { clockTime, count, duration, moment, percent } from "../../format.js";
import { table } from "../../ui/table.js";

const TIME_PARTS = {
  model_ms: "Model",
  tools_ms: "Tools, until their results arrived",
  waiting_for_user_ms: "Waiting for the user",
  idle_ms: "Idle",
};

/** Return the view; analysis and digests are made in the background, so they are read again with each new state. */
export function makeView(body, { session, signal }) {
  return {
    async refresh() {
      const [{ data: analysis }, { data: compactions }] = await Promise.all([
        get(`/sessions/${session.id}/analysis`, {}, { signal }),
        get(`/sessions/${session.id}/compactions`, { per_page: 20 }, { signal }),
      ]);
      put(
        body,
        el(
          "div",
          { class: "panels" },
          analysis.status === "done" ? findings(analysis.findings) : notYet(analysis.status),
          digests(compactions),
        ),
      );
    },
  };
}

function panel(heading, ...content) {
  return el("section", { class: "card" }, el("h2", {}, heading), content);
}

function notYet(status) {
  return panel(
    "Analysis",
    el(
      "p",
      { class: "muted" },
      status === "queued"
        ? "The session has ended; the analysis comes within seconds."
        : "The analysis comes when the session has ended.",
    ),
  );
}

function findings(found) {
  return [
    panel("Where the time went", timeSplit(found.time_split)),
    panel(
      "Tools that failed",
      table({
        name: "tool-error-rates",
        caption: "Error rates of tools",
        rows: found.tool_error_rates,
        sort: "-errors",
        columns: [
          { key: "tool_name", name: "Tool", value: (row) => row.tool_name },
          { key: "calls", name: "Uses", align: "number", value: (row) => row.calls, show: (row) => count(row.calls) },
          {
            key: "errors",
            name: "Failed",
            align: "number",
            bar: true,
            value: (row) => row.errors,
            show: (row) => count(row.errors),
          },
          {
            key: "error_rate",
            name: "Rate",
            align: "number",
            value: (row) => row.error_rate,
            show: (row) => percent(row.error_rate),
          },
        ],
      }),
    ),
    panel(
      "Files edited",
      pairs("files-edited", "Files by number of edits", found.files_edited, "path", "File", "edits", "Edits"),
    ),
    panel(
      "Commands run again and again",
      table({
        name: "repeated-commands",
        caption: "Repeated commands",
        rows: found.repeated_commands,
        columns: commands("Runs"),
      }),
    ),
    panel(
      "Tests run",
      table({
        name: "tests-run",
        caption: "Commands that ran tests",
        rows: found.tests_run,
        empty: "No test was run.",
        columns: [
          ...commands("Runs"),
          {
            key: "last_failed",
            name: "Last run",
            value: (row) => row.last_failed,
            show: (row) => (row.last_failed ? "failed" : "passed"),
          },
        ],
      }),
    ),
    panel(
      "Longest gaps",
      table({
        name: "longest-gaps",
        caption: "Longest gaps between events",
        rows: found.longest_gaps,
        columns: [
          { key: "started_at", name: "From", value: (row) => row.started_at, show: (row) => clockTime(row.started_at) },
          {
            key: "duration_ms",
            name: "For",
            align: "number",
            value: (row) => row.duration_ms,
            show: (row) => duration(row.duration_ms / 1000),
          },
          { key: "after", name: "After", value: (row) => row.after },
          { key: "before", name: "Before", value: (row) => row.before },
        ],
      }),
    ),
  ];
}

function commands(runs) {
  return [
    { key: "command", name: "Command", value: (row) => row.command, show: (row) => el("code", {}, row.command) },
    { key: "runs", name: runs, align: "number", value: (row) => row.runs, show: (row) => count(row.runs) },
    {
      key: "failures",
      name: "Failed",
      align: "number",
      value: (row) => row.failures,
      show: (row) => count(row.failures),
    },
  ];
}

function pairs(name, caption, rows, key, keyName, number, numberName) {
  return table({
    name,
    caption,
    rows,
    empty: "No file was edited.",
    columns: [
      { key, name: keyName, value: (row) => row[key], show: (row) => el("code", {}, row[key]) },
      {
        key: number,
        name: numberName,
        align: "number",
        bar: true,
        value: (row) => row[number],
        show: (row) => count(row[number]),
      },
    ],
  });
}

function timeSplit(split) {
  const rows = Object.entries(TIME_PARTS).map(([key, name]) => ({ name, ms: split[key] }));
  return table({
    name: "time-split",
    caption: "Time by kind of work",
    rows,
    columns: [
      { key: "name", name: "Kind", value: (row) => row.name },
      {
        key: "ms",
        name: "Time",
        align: "number",
        bar: true,
        value: (row) => row.ms,
        show: (row) => duration(row.ms / 1000),
      },
      {
        key: "share",
        name: "Share",
        align: "number",
        value: (row) => row.ms / split.total_ms,
        show: (row) => percent(split.total_ms ? row.ms / split.total_ms : null, 0),
      },
    ],
  });
}

function digests(compactions) {
  return el(
    "section",
    { class: "card wide" },
    el("h2", {}, "Digests"),
    compactions.length === 0 &&
      el(
        "p",
        { class: "muted" },
        "None yet. “Copy as context” makes one: prompts, files, failed commands, open tasks and the last answer.",
      ),
    compactions.map(({ requested_at: at, status, covered_events: covered, digest }, index) =>
      el(
        "details",
        { open: index === 0 },
        el("summary", {}, `${moment(at)} UTC · ${status === "done" ? `covers ${count(covered)} events` : status}`),
        digest && el("pre", { tabindex: 0 }, digest),
      ),
    ),
  );
}
