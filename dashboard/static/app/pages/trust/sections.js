// Keeps the sections of the page current: cheap ones every round, costly ones once a minute at most.

import { credential } from "../../credentials.js";
import { el, put } from "../../dom.js";
import { refusal } from "./parts.js";

const SLOW_EVERY_MS = 60_000;

/**
 * Return `{add, addSlow, load, draw, refresh, changed, onExpired}`. A section has `element`, `load()` and `draw()`.
 * `onDrawn` is called after each change. A permanent error is shown in its section, below what was read before; `load`
 * throws temporary ones. `onExpired` is for the operator's token, which may expire before the org's.
 */
export function sections(signal, onDrawn) {
  const quick = [];
  const slow = [];
  let tellExpired = () => {};

  const failed = (section, error) => {
    if (error.status === 401) {
      if (!credential("operator")) tellExpired();
      throw error;
    }
    if (!section.problem) section.element.append((section.problem = el("div", { role: "alert" })));
    put(section.problem, refusal(error));
  };
  const succeeded = (section) => {
    if (section.problem) put(section.problem);
  };

  async function loadOne(section) {
    try {
      await section.load();
      section.isLoaded = true;
      succeeded(section);
    } catch (error) {
      if (signal.aborted || error.isTemporary || error.status === undefined) throw error;
      failed(section, error);
    }
  }

  async function loadSlow(section) {
    if (section.isRunning || Date.now() - (section.at ?? 0) < SLOW_EVERY_MS) return;
    Object.assign(section, { isRunning: true, at: Date.now() });
    try {
      await section.load();
      if (signal.aborted) return;
      section.draw();
      succeeded(section);
      onDrawn();
    } catch (error) {
      if (!signal.aborted && error.status !== 401) failed(section, error); // the next round gets the 401 as well
    } finally {
      section.isRunning = false;
    }
  }

  function draw() {
    for (const section of quick) if (section.isLoaded) section.draw();
    onDrawn();
    for (const section of slow) loadSlow(section);
  }

  async function load() {
    await Promise.all(quick.map(loadOne));
    return { round: { isNew: true } }; // ages and times change even if the answers do not
  }

  return {
    add(section) {
      quick.push(section);
      return section.element;
    },
    addSlow(section) {
      slow.push(section);
      return section.element;
    },
    load,
    draw,
    /** Read every section now, including the slow ones: something was changed. */
    async refresh() {
      for (const section of slow) section.at = 0;
      try {
        await load();
      } catch (error) {
        if (!error.isTemporary) throw error; // the next round reads it
      }
      if (!signal.aborted) draw();
    },
    changed: onDrawn,
    onExpired(listener) {
      tellExpired = listener;
    },
  };
}
