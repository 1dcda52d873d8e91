// The panel of the timeline and of the events: input, output and error of one use, or the payload of another event.

import { el } from "../../dom.js";
import { clockTime } from "../../format.js";
import { readdress } from "../../router.js";
import { copyButton } from "../../ui/clipboard.js";
import { longText } from "../../ui/long_text.js";
import { sidePanel } from "../../ui/side_panel.js";
import { OPEN_USE, changed, removing } from "../../url.js";
import { argumentOf, makeStory } from "./story.js";
import { statusOf, useContent } from "./use.js";
import { eventsOf } from "./use_events.js";

const CHARACTERS_AT_ONCE = 50_000;

/**
 * Return `{element, open(entry, isFocused), restore(), refresh()}`. An entry is `{key, at}`: the key and the first time
 * of a use, or the id and the time of an event. What is open is in the address; `restore` opens it again.
 *
 * `entries` is the list beside the panel: `find(key)` returns an entry, with the `status` of a use where known;
 * `step(key, by)` returns the next or previous one; `select(key)` marks it, null marks none; `focus(key)` focuses it.
 */
export function usePanel({ session, entries, signal }) {
  const path = `/sessions/${session.id}/events`;
  let shown = null; // {key, at}
  let isRunning = false;
  let reading = new AbortController();

  const panel = sidePanel({
    label: "Tool use or event",
    signal,
    async onStep(by) {
      const entry = await entries.step(shown.key, by);
      if (entry) open(entry);
    },
    onClose() {
      const { key } = shown;
      shown = null;
      reading.abort();
      readdress(changed(removing(OPEN_USE)));
      entries.select(null);
      entries.focus(key);
    },
  });

  async function open(entry, isFocused = false) {
    shown = { key: entry.key, at: entry.at };
    readdress(changed({ use: shown.key, at: shown.at }));
    entries.select(shown.key);
    if (!panel.isOpen) panel.show("Reading …");
    await read();
    if (isFocused && panel.isOpen) panel.focus();
  }

  async function read() {
    reading.abort();
    reading = new AbortController();
    const own = AbortSignal.any([signal, reading.signal]);
    try {
      const events = await eventsOf(path, shown, own);
      if (!own.aborted) draw(events);
    } catch (error) {
      if (own.aborted) return;
      const again = el("button", { type: "button", class: "small", onclick: read }, "Try again");
      panel.show("This can't be shown", el("p", {}, `${error.message} `, again));
    }
  }

  function draw(events) {
    const [first] = events;
    if (!first) {
      panel.show("Not found", el("p", {}, "No event of this session has this key and time."));
      return;
    }
    const story = makeStory();
    story.take(events);
    const found = story.useOf(shown.key);
    const use = found && { ...found, status: ended(found.status, entries.find(shown.key)?.status) };
    isRunning = use?.status === "running";
    panel.show(
      use ? [use.tool || "tool", statusOf(use) || "completed"].join(" · ") : first.event_type,
      el(
        "p",
        { class: "muted facts" },
        [clockTime(first.timestamp), first.agent_id && `subagent ${first.agent_id}`].filter(Boolean).join(" · "),
      ),
      use && argumentOf(use.input) && el("p", { class: "mono facts" }, argumentOf(use.input)),
      use && useContent(use),
      use && el("h3", {}, "As it was sent"),
      events.map((event) => sent(event, !use)),
    );
  }

  return {
    element: panel.element,
    open,
    async restore() {
      const given = new URLSearchParams(location.search);
      const [key, at] = OPEN_USE.map((name) => given.get(name));
      if (!key || Number.isNaN(Date.parse(at))) return;
      await open({ key, at });
      requestAnimationFrame(() => shown && entries.select(shown.key)); // the page has its own scroll position by then
    },
    refresh: () => (shown && isRunning ? read() : null),
  };
}

// The list knows how a use ended that has no outcome of its own.
function ended(own, inList) {
  return own === "running" && inList ? inList : own;
}

// An event with everything that the API says about it.
function sent(event, isOpen) {
  const { data, event_type: type, timestamp, received_at: received, position, event_id: id, seq } = event;
  const text = JSON.stringify(data, null, 2);
  return el(
    "details",
    { class: "sent", open: isOpen },
    el("summary", {}, `${type} · ${clockTime(timestamp)}`),
    el(
      "p",
      { class: "muted facts" },
      `${timestamp} · received ${received} · position ${position} · event ${id}`,
      seq !== null && ` · seq ${seq}`,
      " ",
      copyButton(text, { class: "small" }),
    ),
    longText("pre", { tabindex: 0, "data-testid": "payload" }, text, CHARACTERS_AT_ONCE),
  );
}
