// Search in a conversation: in everything that was read, folded or not. What is found is unfolded and marked.

import { el, put } from "../../dom.js";
import { count } from "../../format.js";
import { mark, scrollToMark } from "../../ui/marks.js";
import { showMatching } from "../../ui/long_text.js";
import { textsOf } from "./use.js";

const PAUSE_MS = 150; // after the last key
const UNFOLDED_MAX = 200; // of more hits, only those in the turn of the current one are unfolded

/**
 * Return `{element, refresh(progress)}`: the field, and what to call whenever more was drawn. `shown` has the part of
 * each item (`turnsIn`); `readAll()` reads the rest. `progress` is `{isAll, read, all}`, with numbers of events.
 */
export function finder({ list, turns, shown, readAll, signal }) {
  const known = new Map(); // turn -> {changes, hits} for the present pattern
  const revealed = new Set(); // parts that the search has shown once; what the reader folds again stays folded
  const unfolded = new Set(); // elements that the search unfolded
  let pattern = null;
  let hits = [];
  let current = null;
  let progress = { isAll: false, read: 0, all: 0 };
  let timer = 0;
  let frame = 0;

  const field = el("input", {
    type: "search",
    id: "find",
    placeholder: "Search in this conversation",
    maxlength: 200,
    autocomplete: "off",
    oninput() {
      clearTimeout(timer);
      timer = setTimeout(search, PAUSE_MS);
    },
    onkeydown: (event) => key(event),
  });
  const state = el("span", { role: "status", class: "muted", "data-testid": "found-here" });
  const steps = el("span", { hidden: true }, stepper("Previous", -1), " ", stepper("Next", 1));
  const rest = el("button", { type: "button", class: "small", hidden: true, onclick: readRest }, "Read all");
  list.addEventListener("toggle", () => pattern && drawSoon(), true); // the event does not bubble
  signal.addEventListener("abort", () => mark([], null, null));

  function stepper(name, by) {
    return el(
      "button",
      { type: "button", class: "small", "aria-label": `${name} place`, onclick: () => step(by) },
      name,
    );
  }

  function key(event) {
    if (event.key === "Escape") {
      field.value = "";
      search();
    } else if (event.key === "Enter" && field.value.trim() === pattern?.wanted) step(event.shiftKey ? -1 : 1);
    else if (event.key === "Enter") search();
    else return;
    event.preventDefault();
  }

  async function readRest() {
    rest.disabled = true;
    await readAll();
    rest.disabled = false;
  }

  function search() {
    clearTimeout(timer);
    for (const details of unfolded) details.open = false;
    for (const set of [unfolded, revealed, known]) set.clear();
    const wanted = field.value.trim();
    pattern = wanted ? patternOf(wanted) : null;
    current = null;
    look();
    if (hits.length > 0) step(1);
    else draw();
  }

  function look() {
    if (!pattern) hits = [];
    else {
      for (const turn of turns)
        if (known.get(turn)?.changes !== turn.changes)
          known.set(turn, { changes: turn.changes, hits: hitsIn(turn, pattern.one) });
      hits = turns.flatMap((turn) => known.get(turn).hits);
    }
    if (hits.length <= UNFOLDED_MAX) hits.filter(({ part }) => !revealed.has(part)).forEach(reveal);
  }

  function step(by) {
    if (hits.length === 0) return;
    const from = hits.findIndex(({ part }) => part === current?.part);
    current = hits[(Math.max(from, by > 0 ? -1 : 0) + by + hits.length) % hits.length];
    for (const hit of hits) if (hit.turn === current.turn) reveal(hit);
    draw();
    scrollToMark(shown.partOf(current.part).node);
  }

  function reveal({ part, within }) {
    revealed.add(part);
    for (const one of [within, part].filter(Boolean)) {
      const { node, unfold } = shown.partOf(one);
      if (node.open === false) unfolded.add(node);
      unfold();
    }
    showMatching(shown.partOf(part).node, pattern.one);
  }

  function drawSoon() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  }

  function draw() {
    const nodes = hits.map(({ part }) => shown.partOf(part)?.node).filter(Boolean);
    mark(nodes, pattern?.all, current && shown.partOf(current.part).node);
    steps.hidden = hits.length === 0;
    rest.hidden = !pattern || progress.isAll;
    put(state, pattern && stateText());
    state.dataset.value = hits.length;
  }

  function stateText() {
    const at = hits.indexOf(current) + 1;
    const number = at > 0 ? `${count(at)} of ${count(hits.length)}` : count(hits.length);
    const found = hits.length === 0 ? "Nothing found" : `${number} ${hits.length === 1 ? "place" : "places"}`;
    if (progress.isAll) return found;
    const read = turns.length === 1 ? "the first turn" : `the first ${count(turns.length)} turns`;
    return `${found} in ${read} read so far (${count(progress.read)} of ${count(progress.all)} events)`;
  }

  return {
    element: el(
      "div",
      { class: "find", role: "search", "aria-label": "This conversation" },
      el("label", { for: "find", class: "visually-hidden" }, "Search in this conversation"),
      field,
      steps,
      state,
      rest,
    ),
    refresh(now) {
      progress = now;
      if (!pattern) return;
      look();
      current = hits.find(({ part }) => part === current?.part) ?? null;
      draw();
    },
  };
}

// Inputs and outputs are shown as JSON, where quotes and backslashes have another form.
function patternOf(wanted) {
  const forms = new Set([wanted, JSON.stringify(wanted).slice(1, -1)]);
  const text = [...forms].map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|");
  return { wanted, one: new RegExp(text, "iu"), all: new RegExp(text, "giu") };
}

// The hits of a turn in their order on the page: `{turn, part, within}`. The part is an item, or the turn for its
// prompt; it may be within a subagent.
function hitsIn(turn, pattern) {
  const hits = [];
  const look = (items, within) => {
    for (const item of items) {
      if (partTexts(item).some((text) => pattern.test(text))) hits.push({ turn, part: item, within });
      if (item.kind === "agent") look(item.items, item);
    }
  };
  if (pattern.test(turn.prompt ?? "")) hits.push({ turn, part: turn, within: null });
  look(turn.items, null);
  return hits;
}

function partTexts(item) {
  if (item.kind === "use") return textsOf(item);
  return item.kind === "agent" ? [item.type ?? "", String(item.answer ?? "")] : [item.text];
}
