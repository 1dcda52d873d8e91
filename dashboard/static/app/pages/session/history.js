// The session as it was known at an earlier position of the log. Each step is a record that changed it.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, duration, exactMoney, moment } from "../../format.js";
import { table } from "../../ui/table.js";
import { tokensOf } from "../sessions/rows.js";

const FIELDS = [
  ["Status", (it) => it.status],
  ["Outcome", (it) => it.outcome],
  ["Title", (it) => it.title],
  ["Summary", (it) => it.summary],
  ["Model", (it) => it.model],
  ["Branch", (it) => it.branch],
  ["Last event", (it) => it.last_event_at, moment],
  ["Duration", (it) => it.duration_seconds, duration],
  ["Cost", (it) => it.model_metrics.cost_usd, exactMoney],
  ["Tokens", tokensOf, count],
  ["Events", (it) => it.counts.events, count],
  ["Prompts", (it) => it.counts.prompts, count],
  ["Tool uses", (it) => it.counts.tool_calls, count],
  ["Failed tool uses", (it) => it.counts.tool_errors, count],
  ["Subagents", (it) => it.counts.subagents, count],
  ["Compactions", (it) => it.counts.compactions, count],
];

/** Return the view. Positions are `<partition>:<offset>`; a session's records are in one partition. */
export function makeView(body, { session, signal }) {
  const { partition, offset: newest } = parse(session.position);
  const line = el("p", { role: "status", "data-testid": "as-of" });
  const slider = el("input", {
    type: "range",
    id: "as-of",
    step: 1,
    max: newest,
    value: newest,
    min: newest,
    "aria-describedby": "as-of-help",
  });
  const onFailure = (error) => {
    if (!signal.aborted) put(line, error.message);
  };
  const step = (label, to) => el("button", { type: "button", onclick: () => to().catch(onFailure) }, label);
  const differences = el("div", {});
  const proof = receipt(signal);
  let latest = session;
  let shown = session;
  let turn = 0;

  slider.addEventListener("input", () => show(Number(slider.value)).catch(onFailure));

  async function show(offset) {
    const mine = ++turn;
    const found = await at(offset);
    if (mine === turn && !signal.aborted) draw(found ?? shown);
  }

  // The state after the session's last record at or before `offset`; null before its first record.
  async function at(offset) {
    if (offset >= parse(latest.position).offset) return latest;
    try {
      return (await get(`/sessions/${session.id}`, { as_of: `${partition}:${offset}` }, { signal })).data;
    } catch (error) {
      if (error.status === 404 || error.status === 422) return null;
      throw error;
    }
  }

  async function earlier() {
    const found = await at(parse(shown.position).offset - 1);
    if (found) draw(found);
    else put(line, "This is the first record of the session.");
  }

  // Double the step until the state changes, then bisect that step to find the first change.
  async function later() {
    const from = parse(shown.position).offset;
    const end = parse(latest.position).offset;
    if (from >= end) return;
    let low = from;
    let high = from + 1;
    let found = await at(high);
    for (let size = 1; parse(found.position).offset === from && high < end; size *= 2) {
      low = high;
      high = Math.min(end, high + size);
      found = await at(high);
    }
    while (high - low > 1 && parse(found.position).offset > low + 1) {
      const middle = Math.floor((low + high) / 2);
      const half = await at(middle);
      if (parse(half.position).offset === from) low = middle;
      else [high, found] = [middle, half];
    }
    draw(found);
  }

  function draw(state) {
    shown = state;
    slider.value = parse(state.position).offset;
    const isNow = state.position === latest.position;
    put(
      line,
      isNow
        ? `As of now: position ${state.position}, the last record that changed this session.`
        : `As of position ${state.position}.`,
    );
    line.dataset.position = state.position;
    proof.of(state.position);
    put(
      differences,
      isNow
        ? el("p", { class: "muted" }, "Move the slider, or step back, to see what was known earlier.")
        : compare(state, latest),
    );
  }

  put(
    body,
    el(
      "section",
      { class: "card" },
      el("h2", {}, "What was known at a position of the log"),
      el(
        "p",
        { class: "muted", id: "as-of-help" },
        "Every state is computed again from the immutable records, up to the position that you choose.",
      ),
      el(
        "div",
        { class: "head-row" },
        step("← Earlier change", earlier),
        el("label", { for: slider.id, class: "visually-hidden" }, "Position in the log"),
        slider,
        step("Later change →", later),
      ),
      line,
      differences,
      proof.element,
    ),
  );

  return {
    async refresh(current) {
      const wasNow = shown.position === latest.position;
      latest = current;
      if (slider.min === slider.max) slider.min = await firstOffset(session, signal);
      slider.max = parse(current.position).offset;
      if (wasNow) draw(current);
    },
  };
}

function parse(position) {
  const [partition, offset] = position.split(":").map(Number);
  return { partition, offset };
}

async function firstOffset(session, signal) {
  const { data } = await get(`/sessions/${session.id}/events`, { per_page: 1 }, { signal });
  return data.length ? Math.max(0, parse(data[0].position).offset - 1) : 0;
}

function compare(before, now) {
  const rows = FIELDS.map(([name, value, show = (raw) => raw ?? "–"]) => ({
    name,
    before: value(before),
    now: value(now),
    show,
  })).filter((row) => row.before !== row.now);
  return table({
    name: "as-of",
    caption: "What has changed since",
    rows,
    rowsShown: 40,
    empty: "Nothing shown here has changed since.",
    columns: [
      { key: "field", name: "Field", value: (row) => row.name },
      { key: "then", name: "Then", value: (row) => row.before, show: (row) => row.show(row.before) },
      { key: "now", name: "Now", value: (row) => row.now, show: (row) => row.show(row.now) },
    ],
  });
}

// The receipt of the record that led to the state; it is read on demand, and removed when the state changes.
function receipt(signal) {
  const place = el("div", {});
  let position = null;
  const read = async () => {
    try {
      const { data } = await get(`/ops/receipts/${position}`, {}, { signal });
      put(place, el("pre", { tabindex: 0, "data-testid": "receipt" }, JSON.stringify(data, null, 2)));
    } catch (error) {
      if (!signal.aborted) put(place, el("p", { class: "field-error" }, error.message));
    }
  };
  return {
    element: el(
      "div",
      {},
      el("p", {}, el("button", { type: "button", class: "small", onclick: read }, "Show the receipt of this record")),
      place,
    ),
    of(given) {
      if (given !== position) put(place);
      position = given;
    },
  };
}
