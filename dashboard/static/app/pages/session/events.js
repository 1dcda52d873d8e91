// The hook events of a session in log order, loaded page by page as the reader scrolls. The events of a tool use share
// a row, unless the reader wants each event.

import { el, put } from "../../dom.js";
import { bytes, clockTime, count } from "../../format.js";
import { navigate } from "../../router.js";
import { EVENT_FILTERS, changed, removing } from "../../url.js";
import { switchOf } from "../../ui/switch.js";
import { virtualList } from "../../ui/virtual_list.js";
import { shown, timeOf, zone } from "../../zone.js";
import { eventPages } from "./event_pages.js";
import { eachEvent, joinedRows } from "./event_rows.js";
import { firstLine, statusOf, toneOf } from "./use.js";
import { usePanel } from "./use_panel.js";

const PER_PAGE = 200;
const ROW_PX = 34;

/** Return the view; `refresh` reads events that came after the last page. */
export function makeView(body, { session, params, signal }) {
  const chosen = Object.fromEntries(EVENT_FILTERS.map((name) => [name, params.get(name)]));
  const isEach = params.get("rows") === "each" || Boolean(chosen.event_type);
  const rows = isEach ? eachEvent() : joinedRows();
  const state = el("p", { class: "muted", role: "status", "data-testid": "events-state" });
  const list = virtualList({
    label: "Events",
    name: "events",
    height: ROW_PX,
    row: rowOf,
    onOpen: (row) => panel.open(entryOf(row), true),
    loadMore,
  });
  const panel = usePanel({ session, entries: entriesOf(list, loadMore), signal });
  const pages = eventPages(`/sessions/${session.id}/events`, { ...chosen, per_page: PER_PAGE }, signal);
  let known = session;
  let read = 0;
  let loading = null;

  function loadMore() {
    if (pages.isEnd) return false;
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
    const fresh = await pages.next();
    read += fresh.length;
    list.append(rows(fresh), pages.isEnd);
    tell();
  }

  function tell() {
    const filtered = EVENT_FILTERS.some((name) => chosen[name]);
    const all = filtered ? (pages.isEnd ? "" : " so far") : ` of ${count(known.counts.events)}`;
    const inRows = isEach ? "" : ` in ${count(list.items.length)} rows`;
    put(
      state,
      read === 0
        ? "No events."
        : `${count(read)}${all} ${filtered ? "matching events" : "events read"}${inRows}. Scroll for more; Enter or a click shows the payload.`,
    );
    state.dataset.value = read;
  }

  const choice =
    !chosen.event_type &&
    switchOf("Rows", isEach ? "each" : "uses", { uses: "One row per tool use", each: "Each event" }, (key) =>
      go({ rows: key === "each" ? key : null }),
    );
  const card = el("section", { class: "card" }, filterRow(chosen, session, choice), state, list.element);
  put(body, el("div", { class: "with-panel" }, card, panel.element));
  return {
    async refresh(latest) {
      const isFirst = read === 0;
      known = latest;
      if (pages.isEnd || isFirst) {
        pages.isEnd = false; // the last page may have grown
        await loadMore();
      } else tell();
      if (isFirst) await panel.restore();
      else await panel.refresh();
    },
  };
}

// The list as the panel sees it. The next row of the last one may have to be read first.
function entriesOf(list, loadMore) {
  const indexOf = (key) => list.items.findIndex((row) => row.key === key);
  return {
    find(key) {
      const row = list.items[indexOf(key)];
      return row && entryOf(row);
    },
    async step(key, by) {
      const next = indexOf(key) + by;
      if (next >= list.items.length) await loadMore();
      return list.items[next] && entryOf(list.items[next]);
    },
    select(key) {
      const index = indexOf(key);
      if (index >= 0) list.select(index);
    },
    focus: () => list.element.focus({ preventScroll: true }),
  };
}

function entryOf({ key, timestamp, use }) {
  return { key, at: timestamp, status: use?.status };
}

function rowOf({ event_type: type, tool_name: tool, agent_id: agent, timestamp, line, size, use }) {
  const of = agent && `@${agent.slice(0, 12)}`;
  const isBad = use ? toneOf(use) === "bad" : /Fail|Error|Denied/.test(type);
  return [
    el("span", { class: "mono muted" }, clockTime(timestamp)),
    el("span", { class: `event-type ${isBad ? "bad" : ""}` }, use ? tool || "tool" : type),
    el(
      "span",
      { class: `event-tool ${isBad ? "bad" : ""}` },
      [use ? statusOf(use) : tool, of].filter(Boolean).join(" "),
    ),
    el(
      "span",
      { class: "event-line" },
      el("span", {}, line),
      use?.error && el("span", { class: "bad" }, firstLine(use.error)),
    ),
    el("span", { class: "muted number" }, bytes(size)),
  ];
}

function filterRow(chosen, session, choice) {
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
    value: Number.isNaN(Date.parse(chosen.after)) ? "" : shown(chosen.after).slice(0, 19),
  });
  from.addEventListener("change", () => {
    go({ after: from.value ? new Date(timeOf(from.value)).toISOString() : null, before: null });
  });
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
    el("span", { class: "field" }, el("label", { for: from.id }, `From (${zone()})`), from),
    EVENT_FILTERS.some((name) => chosen[name]) &&
      el("a", { href: changed(removing(EVENT_FILTERS)), "data-keep-scroll": "" }, "Clear filters"),
    choice,
  );
}

const TYPES = (
  "UserPromptSubmit Stop PreToolUse PostToolUse PostToolUseFailure PermissionRequest PermissionDenied SubagentStart " +
  "SubagentStop TaskCreated TaskCompleted PreCompact PostCompact ApiRequest ApiError Measurement SessionStart SessionEnd Notification"
).split(" ");

function go(changes) {
  navigate(changed(changes), { keepScroll: true });
}
