// The findings of the analysis that follows a session's end, and the session's digests.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { clockTime, count, milliseconds, moment, percent } from "../../format.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";

const TIME_PARTS = {
  model_ms: "Model",
  tools_ms: "Tools, until their results arrived",
  waiting_for_user_ms: "Waiting for the user",
  idle_ms: "Idle",
};

/** Return the view; each refresh reads analysis and digests again, since they are made in the background. */
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
        ? "The session has ended. Its analysis will be ready within seconds."
        : "The session is analysed once it has ended.",
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
          numberColumn("calls", "Uses"),
          numberColumn("errors", "Failed", count, { bar: true }),
          numberColumn("error_rate", "Rate", percent),
        ],
      }),
    ),
    panel(
      "Files edited",
      table({
        name: "files-edited",
        caption: "Files by number of edits",
        rows: found.files_edited,
        empty: "No file was edited.",
        columns: [
          { key: "path", name: "File", value: (row) => row.path, show: (row) => el("code", {}, row.path) },
          numberColumn("edits", "Edits", count, { bar: true }),
        ],
      }),
    ),
    panel(
      "Commands run repeatedly",
      table({
        name: "repeated-commands",
        caption: "Repeated commands",
        rows: found.repeated_commands,
        columns: commands(),
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
          ...commands(),
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
          numberColumn("duration_ms", "For", milliseconds),
          { key: "after", name: "After", value: (row) => row.after },
          { key: "before", name: "Before", value: (row) => row.before },
        ],
      }),
    ),
  ];
}

function commands() {
  return [
    { key: "command", name: "Command", value: (row) => row.command, show: (row) => el("code", {}, row.command) },
    numberColumn("runs", "Runs"),
    numberColumn("failures", "Failed"),
  ];
}

function timeSplit(split) {
  const rows = Object.entries(TIME_PARTS).map(([key, name]) => ({ name, ms: split[key] }));
  return table({
    name: "time-split",
    caption: "Time by kind of work",
    rows,
    columns: [
      { key: "name", name: "Kind", value: (row) => row.name },
      numberColumn("ms", "Time", milliseconds, { bar: true }),
      numberColumn("share", "Share", (share) => percent(share, 0), {
        value: (row) => (split.total_ms ? row.ms / split.total_ms : null),
      }),
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
        "None yet. “Copy as context” makes one from prompts, files, failed commands, open tasks and the last answer.",
      ),
    compactions.map(({ requested_at: at, status, covered_events: covered, digest }, index) =>
      el(
        "details",
        { open: index === 0 },
        el("summary", {}, `${moment(at)} · ${status === "done" ? `covers ${count(covered)} events` : status}`),
        digest && el("pre", { tabindex: 0 }, digest),
      ),
    ),
  );
}
