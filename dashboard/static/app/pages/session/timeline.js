// Turns of a session, each from a prompt to its answer: tools are bars, and each subagent has its own lane.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { clockTime, count, duration } from "../../format.js";
import { readdress } from "../../router.js";
import { keyed } from "../../ui/keyed.js";
import { switchOf } from "../../ui/switch.js";
import { OPEN_USE, changed, removing } from "../../url.js";
import { barsIn, lanesElement, legend } from "./bars.js";
import { lanesOf, sinceOf } from "./lanes.js";
import { costOf, readCosts } from "./turn_costs.js";
import { usePanel } from "./use_panel.js";

const PAGES_MAX = 3; // pages of prompts, and of answers
const PER_PAGE = 1_000;
const FIRST = 100; // of a long session's prompts are shown while the rest is read
const TEXT_MAX = 400;

/** Return the view. Prompts and answers are events; tools and subagents are nodes of the hierarchy. */
export function makeView(body, { session, params, signal }) {
  const list = el("ol", { class: "turns" });
  const bars = barsIn(list);
  const panel = usePanel({ session, entries: bars, signal });
  let isTrue = params.get("scale") === "true";
  let turns = [];
  let drawn = null;
  const drawTurns = keyed(list, {
    keyOf: ({ prompt }) => prompt.id ?? "start",
    stampOf: (turn) => JSON.stringify(turn),
    make(turn, before) {
      const isOpen = before?.node.querySelector("details").open ?? false;
      return { node: turnOf(turn, isOpen) };
    },
  });
  list.addEventListener("click", ({ target }) => {
    const bar = target.closest(".bar-tool");
    if (bar) panel.open(bars.find(bar.dataset.key), true);
  });
  const notice = el("p", { class: "notice" }, "Only the first 5,000 tool uses are shown. See Events for all.");
  const nothing = el("section", { class: "card" }, el("p", { class: "muted" }, "No prompt yet."));
  const width = el("span", { class: "muted" });
  const scales = switchOf("Scale", isTrue ? "true" : "turn", { turn: "Per turn", true: "True" }, (chosen) => {
    isTrue = chosen === "true";
    readdress(changed({ scale: isTrue ? chosen : null }));
    draw();
  });
  const head = el("div", { class: "head-row" }, legend(), el("span", { class: "grow" }), width, scales);
  for (const one of [notice, nothing, head]) one.hidden = true;
  put(body, el("div", { class: "with-panel" }, el("div", {}, notice, nothing, head, list), panel.element));

  function draw() {
    const scale = isTrue ? Math.max(1, ...turns.map(({ start, end }) => end - start)) : null;
    drawTurns(turns.map((turn) => ({ ...turn, scale })));
    bars.take(turns);
    nothing.hidden = turns.length > 0;
    head.hidden = turns.length === 0;
    put(width, isTrue && `full width: ${duration(scale / 1_000)}`);
  }

  return {
    async refresh(current) {
      const [prompts, answers, hierarchy, costs] = await Promise.all([
        readEvents(session, "UserPromptSubmit", signal, (first) => {
          if (drawn === null && !signal.aborted) drawTurns(first.map((prompt) => ({ prompt })));
        }),
        readEvents(session, "Stop", signal),
        get(`/sessions/${session.id}/hierarchy`, { include: "tools" }, { signal }),
        readCosts(current, signal),
      ]);
      if (signal.aborted || drawn === current.position) return;
      const isFirst = drawn === null;
      drawn = current.position;
      const own = hierarchy.data.run.conversations.find(({ id }) => id === session.id);
      turns = turnsOf(current, prompts, answers, own?.tasks ?? []);
      for (const turn of turns) turn.spent = costs.get(turn.prompt.text === null ? "no_turn" : turn.prompt.id);
      notice.hidden = !own?.truncated;
      draw();
      if (isFirst) await panel.restore();
      else await panel.refresh();
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
        .map(({ event_id: id, timestamp, data: { prompt, last_assistant_message: answer } }) => ({
          id,
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
    .filter((node) => sinceOf(node) && node.kind !== "task")
    .map((node) => ({ ...node, at: Date.parse(sinceOf(node)) }))
    .sort((a, b) => a.at - b.at);
  const starts = [...prompts];
  const first = items[0]?.at ?? Infinity;
  if (first < (starts[0]?.at ?? Infinity)) starts.unshift({ at: first, timestamp: sinceOf(items[0]), text: null });
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
      gap: until - Math.min(end, until), // ms until the next prompt
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

// A turn whose lanes are not read yet is only its prompt.
function turnOf(turn, isOpen) {
  const { prompt, answer, lanes, start, end, scale, gap } = turn;
  const { timestamp, text } = prompt;
  return el(
    "li",
    { class: "turn card" },
    el(
      "details",
      { open: isOpen },
      el(
        "summary",
        { data: { key: `turn ${timestamp}` } },
        el("span", { class: "turn-time mono muted" }, clockTime(timestamp).slice(0, 8)),
        el("span", { class: "turn-text" }, (text ?? "Before the first prompt") || "(a prompt without its text)"),
        lanes && el("span", { class: "turn-facts muted" }, factsOf(turn)),
      ),
      answer?.text && el("p", { class: "answer" }, answer.text),
      lanes && el("p", {}, el("a", { href: eventsHref(start, end), "data-keep-scroll": "" }, "Events of this turn")),
    ),
    lanes && lanesElement(turn, scale ?? end - start),
    scale !== null && gap > 0 && Number.isFinite(gap) && gapOf(gap, scale),
  );
}

function factsOf({ lanes, start, end, isOpen, spent }) {
  const bars = lanes.flatMap(({ bars: all }) => all);
  const failed = bars.filter(({ status }) => status === "failed").length;
  return [
    `${count(bars.length)} ${bars.length === 1 ? "tool" : "tools"}`,
    failed > 0 && el("span", { class: "bad" }, ` ${failed} failed`),
    ` · ${isOpen ? "running" : duration((end - start) / 1000)}`,
    costOf(spent),
  ];
}

function eventsHref(start, end) {
  const [after, before] = [start, end + 1].map((ms) => new Date(ms).toISOString());
  return changed({ ...removing(OPEN_USE), view: "events", after, before });
}

// The time until the next prompt, on the same scale as the turns; one that does not fit has no right end.
function gapOf(gap, scale) {
  const share = Math.min(1, gap / scale);
  return el(
    "div",
    { class: "gap" },
    el("div", { class: `gap-bar ${gap > scale ? "cut" : ""}`, style: { "--length": share } }),
    el("span", { class: "muted" }, `${duration(gap / 1_000)} until the next prompt`),
  );
}
