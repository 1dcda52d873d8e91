// The session to read: prompts and answers, and what was done in between, folded.

import { el, put } from "../../dom.js";
import { count } from "../../format.js";
import { showMatching } from "../../ui/long_text.js";
import { mark, wordsOf } from "../../ui/marks.js";
import { whenSeen } from "../../ui/seen.js";
import { eventPages } from "./event_pages.js";
import { finder } from "./find.js";
import { makeStory } from "./story.js";
import { readCosts } from "./turn_costs.js";
import { turnsIn } from "./turns.js";

const FIRST = 100; // events are shown while the next ones are read
const PER_PAGE = 500;
const PER_PAGE_MAX = 1_000; // while the reader waits for all of it

/**
 * Return the view. More of a long session is read as the reader scrolls; an update draws only what it changed. If the
 * address names an event, the session is read up to that event, its turn is marked as the target of the page, and the
 * words of `q` are marked in it.
 */
export function makeView(body, { session, params, signal }) {
  const sought = params.get("event");
  const size = { per_page: sought ? PER_PAGE_MAX : FIRST };
  const pages = eventPages(`/sessions/${session.id}/events`, size, signal);
  const story = makeStory();
  const list = el("ol", { class: "turns story" });
  const state = el("p", { class: "muted", role: "status", "data-testid": "story-state" });
  const shown = turnsIn(list);
  const find = finder({ list, turns: story.turns, shown, readAll, signal });
  let costs = new Map();
  let known = session;
  let read = 0;
  let loading = null;
  let place = null; // of the event that is sought
  put(body, find.element, withoutCosts(session), list, state);

  // The reader's scrolling and the session's changes may ask for the same page.
  function more() {
    loading ??= load().finally(() => {
      loading = null;
    });
    return loading;
  }

  async function load() {
    do {
      const fresh = await pages.next();
      size.per_page = Math.max(size.per_page, PER_PAGE);
      read += fresh.length;
      take(fresh);
      draw();
    } while (sought && !place && !pages.isEnd);
  }

  function take(events) {
    const after = events.findIndex(({ event_id: id }) => id === sought) + 1;
    story.take(events.slice(0, after));
    if (after > 0) place = story.turnOf(events[after - 1]);
    story.take(events.slice(after));
  }

  async function readAll() {
    size.per_page = PER_PAGE_MAX;
    try {
      while (!pages.isEnd) await more();
    } catch (error) {
      onFailure(error);
    }
  }

  function draw() {
    shown.draw(story.turns, costs);
    if (place && !list.querySelector("[data-target]")) markPlace();
    list.dataset.read = pages.isEnd ? "all" : "part";
    find.refresh({ isAll: pages.isEnd, read, all: known.counts.events });
    if (pages.isEnd) put(state, story.turns.length === 0 ? "Nothing happened yet." : null);
    else {
      const end = el("span", {}, " ");
      put(state, `${count(read)} of ${count(known.counts.events)} events read.`, end);
      whenSeen(end, signal, () => more().catch(onFailure));
    }
  }

  function markPlace() {
    for (const part of place.folds) shown.partOf(part)?.unfold();
    const turn = list.querySelector(`#turn-${CSS.escape(place.turn.key)}`);
    turn.dataset.target = "";
    turn.tabIndex = -1;
    const words = wordsOf(params.get("q") ?? "");
    showMatching(turn, words);
    mark([turn], words, null);
  }

  function onFailure(error) {
    if (signal.aborted) return;
    const again = () => more().catch(onFailure);
    put(state, `${error.message} `, el("button", { type: "button", class: "small", onclick: again }, "Try again"));
  }

  return {
    async refresh(current) {
      known = current;
      costs = await readCosts(current, signal);
      const isFirst = read === 0;
      if (pages.isEnd || isFirst) await more();
      else draw();
      if (isFirst && !pages.isEnd) more().catch(onFailure);
    },
  };
}

// Why the turns show no costs, if so.
function withoutCosts({ agents, model_metrics: sums }) {
  const isUnknown = agents.length === 0 && sums.cost_usd > 0;
  const text = "What each turn cost is not known: the client sends totals only. See Usage.";
  return isUnknown && el("p", { class: "muted", "data-testid": "no-turn-costs" }, text);
}
