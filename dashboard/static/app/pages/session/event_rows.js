// The rows of a list of events. They keep no inputs and outputs: the panel reads those of the row that is opened.

import { argumentOf, callsOf, isOfUse, keyOf, makeStory } from "./story.js";

const LINE_MAX = 300;
const TEXTS = [
  "prompt",
  "last_assistant_message",
  "message",
  "error",
  "reason",
  "delta",
  "task_subject",
  "compact_summary",
  "file_path",
  "source",
  "name",
  "model",
];

/** Return a function that returns a row for each of the events that it is given. */
export function eachEvent() {
  return (events) => events.map((event) => rowOf(event, event.event_id));
}

/**
 * Return a function that returns the new rows for the next events of a session: one for each use of a tool, where its
 * first event is, and one for each other event. The `use` of a row changes with later events.
 */
export function joinedRows() {
  const story = makeStory();
  const rows = new Map(); // key of a use -> its row
  return (events) => events.flatMap(rowsFor);

  function rowsFor(event) {
    story.take([event]);
    const calls = event.event_type === "PostToolBatch" ? callsOf(event) : [];
    if (isOfUse(event)) return useRow(event, keyOf(event));
    if (calls.length > 0) return calls.flatMap((call) => useRow({ ...event, data: call }, call.tool_use_id));
    return [rowOf(event, event.event_id)];
  }

  function useRow(event, key) {
    const use = story.useOf(key);
    const known = rows.get(key);
    const row = known ?? { ...rowOf(event, key), tool_name: use.tool, size: 0, use };
    row.line ||= argumentOf(use.input);
    row.size += sizeOf(event);
    use.input = use.output = null;
    rows.set(key, row);
    return known ? [] : [row];
  }
}

function rowOf(event, key) {
  const { event_type, tool_name, agent_id, timestamp, data } = event;
  return { key, event_type, tool_name, agent_id, timestamp, line: oneLine(data), size: sizeOf(event), use: null };
}

function sizeOf({ data }) {
  return JSON.stringify(data).length;
}

function oneLine(data) {
  const text =
    argumentOf(data.tool_input) || TEXTS.map((name) => data[name]).find((value) => typeof value === "string" && value);
  return typeof text === "string" ? text.slice(0, LINE_MAX).replaceAll(/\s+/g, " ") : "";
}
