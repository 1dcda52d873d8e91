// Turns of a session, each from a prompt to its answer: tools are bars, and each subagent has its own lane.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { clockTime, count, duration, milliseconds } from "../../format.js";
import { navigate } from "../../router.js";
import { changed } from "../../url.js";
import { lanesOf } from "./lanes.js";

const PAGES_MAX = 3; // pages of prompts, and of answers
const PER_PAGE = 1_000;
const FIRST = 100; // of a long session's prompts are shown while the rest is read
const TEXT_MAX = 400;
const BAR_MIN = 0.003; // of the width of a turn

/** Return the view. Prompts and answers are events; tools and subagents are nodes of the hierarchy. */
export function makeView(body, { session, signal }) {
  let drawn = null;
  const showFirst = (prompts) => {
    if (drawn !== null || signal.aborted) return;
    put(body, el("ol", { class: "turns", "aria-busy": "true" }, prompts.map(promptOf)));
  };
  return {
    async refresh(current) {
      const [prompts, answers, hierarchy] = await Promise.all([
        readEvents(session, "UserPromptSubmit", signal, showFirst),
        readEvents(session, "Stop", signal),
        get(`/sessions/${session.id}/hierarchy`, { include: "tools" }, { signal }),
      ]);
      if (signal.aborted || drawn === current.position) return;
      drawn = current.position;
      const own = hierarchy.data.run.conversations.find(({ id }) => id === session.id);
      const turns = turnsOf(current, prompts, answers, own?.tasks ?? []);
      const keptOpen = new Set([...body.querySelectorAll("details[open]")].map(({ dataset }) => dataset.turn));
      put(
        body,
        own?.truncated && el("p", { class: "notice" }, "Only the first 5,000 tool uses are shown. See Events for all."),
        turns.length === 0 ? el("section", { class: "card" }, el("p", { class: "muted" }, "No prompt yet.")) : legend(),
        el(
          "ol",
          { class: "turns", onclick: openBar },
          turns.map((turn, at) => turnOf(turn, at, keptOpen.has(String(at)), current)),
        ),
      );
    },
  };
}

// With `onFirst` a small page is read first, and passed to it if more pages follow.
async function readEvents(session, type, signal, onFirst = null) {
  const found = [];
  for (let page = onFirst ? -1 : 0, cursor = null; page < PAGES_MAX; page += 1) {
    const params = { event_type: type, per_page: page < 0 ? FIRST : PER_PAGE, cursor };
    const { data, meta } = await get(`/sessions/${session.id}/events`, params, { signal });
    found.push(
      ...data
        .filter((event) => !event.agent_id)
        .map(({ timestamp, data: { prompt, last_assistant_message: answer } }) => ({
          at: Date.parse(timestamp),
          timestamp,
          text: String(prompt ?? answer ?? "").slice(0, TEXT_MAX),
        })),
    );
    if (!(cursor = meta.next_cursor)) break;
    if (page < 0) onFirst(found.toSorted((a, b) => a.at - b.at));
  }
  return found.sort((a, b) => a.at - b.at);
}

// Split the session at its prompts. What happened before the first prompt is a turn without one.
function turnsOf(session, prompts, answers, nodes) {
  const items = nodes
    .filter((node) => node.started_at && node.kind !== "task")
    .map((node) => ({ ...node, at: Date.parse(node.started_at) }))
    .sort((a, b) => a.at - b.at);
  const starts = [...prompts];
  const first = items[0]?.at ?? Infinity;
  if (first < (starts[0]?.at ?? Infinity)) starts.unshift({ at: first, timestamp: items[0].started_at, text: null });
  const [itemsUntil, answersUntil] = [takeInOrder(items), takeInOrder(answers)];
  return starts.map((prompt, index) => {
    const until = starts[index + 1]?.at ?? Infinity;
    const own = itemsUntil(until);
    const answer = answersUntil(until).findLast(({ at }) => at >= prompt.at);
    const lanes = lanesOf(own);
    const ends = lanes.flatMap(({ bars }) => bars.map(({ end }) => end)).filter(Number.isFinite);
    const end = Math.max(prompt.at + 1, answer?.at ?? 0, ...ends.slice(-PER_PAGE));
    return {
      prompt,
      answer,
      lanes,
      start: prompt.at,
      end: Math.min(end, until),
      isOpen: index === starts.length - 1 && session.status === "active" && !answer,
    };
  });
}

// Return a function that takes, from a list in order of time, the items before a time that it has not taken yet.
function takeInOrder(list) {
  let next = 0;
  return (until) => {
    const first = next;
    while (next < list.length && list[next].at < until) next += 1;
    return list.slice(first, next);
  };
}

function promptOf(prompt, at) {
  return el("li", { class: "turn card" }, el("details", { "data-turn": at }, el("summary", {}, headOf(prompt))));
}

function headOf({ timestamp, text }) {
  return [
    el("span", { class: "turn-time mono muted" }, clockTime(timestamp).slice(0, 8)),
    el("span", { class: "turn-text" }, (text ?? "Before the first prompt") || "(a prompt without its text)"),
  ];
}

function turnOf({ prompt, answer, lanes, start, end, isOpen }, at, wasOpen) {
  const bars = lanes.flatMap(({ bars: all }) => all);
  const failed = bars.filter(({ status }) => status === "failed").length;
  return el(
    "li",
    { class: "turn card" },
    el(
      "details",
      { open: wasOpen, "data-turn": at },
      el(
        "summary",
        {},
        headOf(prompt),
        el(
          "span",
          { class: "turn-facts muted" },
          `${count(bars.length)} tools`,
          failed > 0 && el("span", { class: "bad" }, ` ${failed} failed`),
          ` · ${isOpen ? "running" : duration((end - start) / 1000)}`,
        ),
      ),
      answer?.text && el("p", { class: "answer" }, answer.text),
      el(
        "p",
        {},
        el(
          "a",
          {
            href: changed({
              view: "events",
              after: new Date(start).toISOString(),
              before: new Date(end + 1).toISOString(),
            }),
            "data-keep-scroll": "",
          },
          "Events of this turn",
        ),
      ),
    ),
    el(
      "div",
      { class: "lanes" },
      lanes.map((lane) => laneOf(lane, start, Math.max(1, end - start))),
    ),
  );
}

// A click on a bar opens its events. Keyboard users have the link of its turn.
function openBar({ target }) {
  const bar = target.closest(".bar-tool");
  if (bar)
    navigate(
      changed({ view: "events", after: bar.dataset.after, before: bar.dataset.before, tool_name: bar.dataset.tool }),
      { keepScroll: true },
    );
}

function laneOf({ name, rows, bars }, start, length) {
  return el(
    "div",
    { class: "lane", style: { "--rows": rows } },
    el("span", { class: "lane-name muted", title: name }, name ?? ""),
    el(
      "div",
      { class: "lane-bars" },
      bars.map((bar) => barOf(bar, start, length)),
    ),
  );
}

function barOf({ name, status, row, at, end, duration_ms: ms }, start, length) {
  const left = Math.min(1, Math.max(0, (at - start) / length));
  const width = Math.max(BAR_MIN, Math.min(1 - left, ((Number.isFinite(end) ? end : start + length) - at) / length));
  return el(
    "span",
    {
      class: `bar-tool ${status}`,
      title: `${name ?? "tool"} · ${status} · ${milliseconds(ms)}`,
      style: { left: `${left * 100}%`, width: `${width * 100}%`, "--row": row },
      data: {
        tool: name ?? "",
        after: new Date(at).toISOString(),
        before: new Date((Number.isFinite(end) ? end : start + length) + 1).toISOString(),
      },
    },
    width > 0.06 && name,
  );
}

function legend() {
  return el(
    "p",
    { class: "legend muted" },
    ["completed", "failed", "denied", "cancelled", "running"].map((status) =>
      el("span", {}, el("span", { class: `swatch ${status}`, "aria-hidden": "true" }), ` ${status} `),
    ),
  );
}
