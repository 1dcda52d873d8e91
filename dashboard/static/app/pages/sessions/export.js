// All sessions of a list as a file.

import { getAll } from "../../api.js";
import { count } from "../../format.js";
import { csvOf } from "../../ui/csv.js";
import { fileMenu } from "../../ui/file_menu.js";
import { costSpent, modelsOf, tokensSpent } from "./rows.js";

const ROWS_MAX = 10_000;
const SAME = [
  ...["id", "title", "user_id", "agent_name", "project_id", "repo", "branch", "trigger", "status", "outcome"],
  ...["started_at", "last_event_at", "ended_at", "duration_seconds"],
];
const COUNTS = ["prompts", "tool_calls", "tool_errors", "subagents", "events"];
const COLUMNS = [
  ...SAME.map((key) => ({ key, value: (session) => session[key] })),
  { key: "models", value: (session) => modelsOf(session).join(" ") },
  ...COUNTS.map((key) => ({ key, value: ({ counts }) => counts[key] })),
  { key: "tokens", value: tokensSpent },
  { key: "cost_usd", value: costSpent },
];
const KINDS = [
  { name: "CSV", suffix: "csv", type: "text/csv", make: ({ rows }) => csvOf(COLUMNS, rows) },
  {
    name: "JSON",
    suffix: "json",
    type: "application/json",
    make: ({ rows }) => `${JSON.stringify(rows, null, 2)}\n`,
  },
];

/** Return the menu that saves the sessions of a list's query, all pages of it. */
export function exportMenu(path, query, signal) {
  return fileMenu({
    label: "Export",
    kinds: KINDS,
    file: "sessions",
    signal,
    read(tell) {
      tell("Reading …");
      return getAll(path, query, { signal, isFresh: true }, ROWS_MAX);
    },
    note: ({ rows, total }) =>
      rows.length < total
        ? `Saved the first ${count(rows.length)} of ${count(total)}.`
        : `Saved ${count(rows.length)} ${rows.length === 1 ? "session" : "sessions"}.`,
  });
}
