// The bars of the timeline: a button for each use of a tool. Tab stops once in each turn; arrows lead from bar to bar.

import { el } from "../../dom.js";
import { milliseconds } from "../../format.js";
import { kindOf } from "./lanes.js";

const BAR_MIN = 0.003; // of the width
const NAME_MIN = 0.06; // of the width; narrower bars do not show their name
const LEGEND = {
  "kind-read": "read",
  "kind-edit": "edit",
  "kind-run": "run",
  "kind-agent": "agent",
  "kind-other": "other",
  failed: "failed",
  denied: "denied or cancelled",
  running: "running",
};

/**
 * Return the entries of a `usePanel` for the bars in `list`; `take(turns)` is called after each drawing. It handles the
 * arrow keys: left and right within a lane, up and down between lanes, and on to the next turn.
 */
export function barsIn(list) {
  const entries = new Map(); // key -> {key, at, status}
  let selected = null;
  const all = () => [...list.querySelectorAll(".bar-tool")];
  const barOf = (key) => list.querySelector(`.bar-tool[data-key="${CSS.escape(key)}"]`);
  const entryOf = (bar) => bar && entries.get(bar.dataset.key);

  list.addEventListener("keydown", (event) => {
    const bar = event.target.closest(".bar-tool");
    const target = bar && !event.ctrlKey && !event.metaKey && !event.altKey ? neighbour(bar, event.key) : null;
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
  list.addEventListener("focusin", ({ target }) => {
    if (!target.matches(".bar-tool")) return;
    for (const bar of target.closest(".lanes").querySelectorAll('.bar-tool[tabindex="0"]')) bar.tabIndex = -1;
    target.tabIndex = 0;
  });

  function select(key) {
    selected = key;
    for (const bar of list.querySelectorAll(".bar-tool[aria-current]")) bar.removeAttribute("aria-current");
    const bar = key === null ? null : barOf(key);
    bar?.setAttribute("aria-current", "true");
    bar?.scrollIntoView({ block: "nearest" });
  }

  return {
    take(turns) {
      entries.clear();
      for (const bar of turns.flatMap(({ lanes }) => lanes.flatMap(({ bars }) => bars)))
        entries.set(bar.id, { key: bar.id, at: bar.since, status: bar.status });
      if (selected !== null) barOf(selected)?.setAttribute("aria-current", "true");
    },
    find: (key) => entries.get(key),
    step(key, by) {
      const bars = all();
      return entryOf(bars[bars.findIndex((bar) => bar.dataset.key === key) + by]);
    },
    select,
    focus: (key) => barOf(key)?.focus(),
  };
}

function neighbour(bar, key) {
  const lane = bar.closest(".lane-bars");
  const bars = [...lane.children];
  const at = bars.indexOf(bar);
  switch (key) {
    case "ArrowRight":
      return bars[at + 1];
    case "ArrowLeft":
      return bars[at - 1];
    case "Home":
      return bars[0];
    case "End":
      return bars.at(-1);
    case "ArrowDown":
      return inLane(bar, 1);
    case "ArrowUp":
      return inLane(bar, -1);
    default:
      return null;
  }
}

// The bar in the next or previous lane that begins nearest.
function inLane(bar, by) {
  const lanes = [...bar.closest(".turns").querySelectorAll(".lane-bars")];
  const lane = lanes[lanes.indexOf(bar.parentElement) + by];
  const distance = (other) => Math.abs(other.offsetLeft - bar.offsetLeft);
  return lane && [...lane.children].reduce((a, b) => (distance(b) < distance(a) ? b : a));
}

/** The lanes of a turn; `width` is the time that fills them, in ms. */
export function lanesElement({ lanes, start, end }, width) {
  const scale = Math.max(1, width);
  const element = el(
    "div",
    { class: "lanes", role: "group", "aria-label": "Tools of this turn", style: { "--length": (end - start) / scale } },
    lanes.map(({ name, rows, bars }) =>
      el(
        "div",
        { class: "lane", style: { "--rows": rows } },
        el("span", { class: "lane-name muted", title: name }, name ?? ""),
        el(
          "div",
          { class: "lane-bars" },
          bars.map((bar) => barElement(bar, start, end, scale)),
        ),
      ),
    ),
  );
  const first = element.querySelector(".bar-tool");
  if (first) first.tabIndex = 0;
  return element;
}

function barElement({ id, name, status, row, at, end: barEnd, duration_ms: ms }, start, end, scale) {
  const left = Math.min(1, Math.max(0, (at - start) / scale));
  const length = (Math.min(barEnd, Math.max(end, at)) - at) / scale; // a running one lasts until the end of its turn
  const width = Math.max(BAR_MIN, Math.min(1 - left, length));
  const text = [name ?? "tool", status, ms !== null && milliseconds(ms)].filter(Boolean).join(" · ");
  return el(
    "button",
    {
      type: "button",
      class: `bar-tool kind-${kindOf(name)} ${status}`,
      title: text,
      "aria-label": text,
      tabindex: -1,
      style: { left: `${left * 100}%`, width: `${width * 100}%`, "--row": row },
      data: { key: id },
    },
    width > NAME_MIN && name,
  );
}

/** What the colours and the outlines of bars mean. */
export function legend() {
  return el(
    "p",
    { class: "legend muted" },
    Object.entries(LEGEND).map(([kind, text]) =>
      el("span", {}, el("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), ` ${text} `),
    ),
  );
}
