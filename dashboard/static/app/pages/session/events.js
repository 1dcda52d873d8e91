// The hook events of a session with their payloads, in log order, loaded page by page as the reader scrolls.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { bytes, clockTime, count } from "../../format.js";
import { navigate } from "../../router.js";
import { EVENT_FILTERS, changed, removing } from "../../url.js";
import { showText } from "../../ui/text_dialog.js";
import { virtualList } from "../../ui/virtual_list.js";

const PER_PAGE = 200;
const ROW_PX = 34;
const KEPT_BYTES_MAX = 32_768; // larger payloads are dropped once their row is made, and read again when opened
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

/** Return the view; `refresh` reads events that came after the last page. */
export function makeView(body, { session, params, signal }) {
  const path = `/sessions/${session.id}/events`;
  const chosen = Object.fromEntries(EVENT_FILTERS.map((name) => [name, params.get(name)]));
  const state = el("p", { class: "muted", role: "status", "data-testid": "events-state" });
  const list = virtualList({
    label: "Events",
    name: "events",
    height: ROW_PX,
    row: rowOf,
    onOpen: (item) =>
      open(item, path, signal).catch((error) => {
        if (!signal.aborted) put(state, error.message);
      }),
    loadMore,
  });
  let cursor = null;
  let isEnd = false;
  let atEnd = 0; // events read so far of the last page, if that page was not full
  let known = session;
  let loading = null;

  function loadMore() {
    if (isEnd) return false;
    loading ??= load()
      .then(() => true, onFailure)
      .finally(() => {
        loading = null;
      });
    return loading;
  }

  function onFailure(error) {
    if (signal.aborted) return false;
    put(
      state,
      `${error.message} `,
      el("button", { type: "button", class: "small", onclick: () => loadMore() }, "Try again"),
    );
    return false;
  }

  async function load() {
    const { data, meta } = await get(path, { ...chosen, per_page: PER_PAGE, cursor }, { signal });
    const fresh = data.slice(atEnd);
    isEnd = meta.next_cursor === null;
    atEnd = isEnd ? data.length : 0;
    cursor = meta.next_cursor ?? cursor;
    list.append(fresh.map(itemOf), isEnd);
    tell();
  }

  function tell() {
    const filtered = EVENT_FILTERS.some((name) => chosen[name]);
    const all = filtered ? (isEnd ? "" : " so far") : ` of ${count(known.counts.events)}`;
    put(
      state,
      list.length === 0
        ? "No events."
        : `${count(list.length)}${all} ${filtered ? "matching events" : "events read"}. Scroll for more; Enter or a click shows the payload.`,
    );
    state.dataset.value = list.length;
  }

  put(body, el("section", { class: "card" }, filterRow(chosen, session), state, list.element));
  return {
    async refresh(latest) {
      const isFirst = list.length === 0;
      known = latest;
      if (isEnd || isFirst) {
        isEnd = false; // the last page may have grown
        await loadMore();
      } else tell();
    },
  };
}

function itemOf(event) {
  const text = JSON.stringify(event.data);
  return {
    ...event,
    size: text.length,
    line: oneLine(event.data),
    data: text.length > KEPT_BYTES_MAX ? undefined : event.data,
  };
}

function oneLine(data) {
  const input = data.tool_input;
  const text =
    input?.command ??
    input?.file_path ??
    input?.pattern ??
    input?.description ??
    TEXTS.map((name) => data[name]).find((value) => typeof value === "string" && value);
  return typeof text === "string" ? text.slice(0, 300).replaceAll(/\s+/g, " ") : "";
}

function rowOf(event) {
  return [
    el("span", { class: "mono muted" }, clockTime(event.timestamp)),
    el("span", { class: `event-type ${/Fail|Error|Denied/.test(event.event_type) ? "bad" : ""}` }, event.event_type),
    el(
      "span",
      { class: "event-tool" },
      [event.tool_name, event.agent_id && `@${event.agent_id.slice(0, 12)}`].filter(Boolean).join(" "),
    ),
    el("span", { class: "event-line" }, event.line),
    el("span", { class: "muted number" }, bytes(event.size)),
  ];
}

async function open(event, path, signal) {
  const data = event.data ?? (await readAgain(event, path, signal));
  const facts = el(
    "p",
    { class: "muted" },
    `${event.timestamp} · received ${event.received_at} · position ${event.position} · event ${event.event_id}` +
      (event.seq === null ? "" : ` · seq ${event.seq}`),
  );
  showText([event.event_type, event.tool_name].filter(Boolean).join(" · "), JSON.stringify(data, null, 2), facts);
}

async function readAgain(event, path, signal) {
  const after = event.timestamp;
  const before = new Date(Date.parse(after) + 1).toISOString();
  for (let cursor = null; ;) {
    const { data, meta } = await get(
      path,
      { event_type: event.event_type, after, before, cursor, per_page: 100 },
      { signal },
    );
    const found = data.find(({ event_id: id }) => id === event.event_id);
    if (found) return found.data;
    if (!meta.next_cursor) return { error: "The payload could not be found again." };
    cursor = meta.next_cursor;
  }
}

function filterRow(chosen, session) {
  const field = (name, label, values) => {
    const all = chosen[name] && !values.includes(chosen[name]) ? [chosen[name], ...values] : values;
    const select = el(
      "select",
      {
        id: `event-${name}`,
        class: chosen[name] ? "chosen" : null,
        onchange: () => go({ [name]: select.value || null }),
      },
      el("option", { value: "" }, `${label}: all`),
      all.map((value) => el("option", { value }, value)),
    );
    select.value = chosen[name] ?? "";
    return el("span", { class: "field" }, el("label", { class: "visually-hidden", for: select.id }, label), select);
  };
  const from = el("input", {
    id: "event-after",
    type: "datetime-local",
    step: 1,
    value: chosen.after?.slice(0, 19) ?? "",
  });
  from.addEventListener("change", () => go({ after: from.value ? `${from.value}Z` : null, before: null }));
  return el(
    "div",
    { class: "filters" },
    field("event_type", "Type", TYPES),
    field(
      "tool_name",
      "Tool",
      session.tools.map(({ tool_name: tool }) => tool),
    ),
    field("agent_id", "Subagent", session.agents.map(({ agent_id: agent }) => agent).filter(Boolean)),
    el("span", { class: "field" }, el("label", { for: from.id }, "From (UTC)"), from),
    EVENT_FILTERS.some((name) => chosen[name]) &&
      el("a", { href: changed(removing(EVENT_FILTERS)), "data-keep-scroll": "" }, "All events"),
  );
}

const TYPES = (
  "UserPromptSubmit Stop PreToolUse PostToolUse PostToolUseFailure PermissionRequest PermissionDenied SubagentStart " +
  "SubagentStop TaskCreated TaskCompleted PreCompact PostCompact ApiRequest ApiError Measurement SessionStart SessionEnd Notification"
).split(" ");

function go(changes) {
  navigate(changed(changes), { keepScroll: true });
}
