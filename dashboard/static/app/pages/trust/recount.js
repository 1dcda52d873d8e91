// A recount on demand: it computes everything again from the facts, and compares. It never starts by itself.

import { announce, el, put } from "../../dom.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { verdictTag } from "../../ui/verdict_tag.js";
import { counted } from "../../format.js";
import { enable, panel, refusal, inZone } from "./parts.js";

const TIMEOUT_MS = 300_000; // it reads every fact of the range
const TABLES = {
  sessions: "Sessions, with their events",
  amounts: "Sessions, with their amounts by time",
  rollup_quarters: "Sums by quarter of an hour",
  rollup_days: "Sums by day",
};
const last = new Map(); // name and scope -> latest result, while the page is open

/**
 * Return `{element}`. `read(options)` asks the API; `of` names what is recounted. `onResult(result)` is called with
 * `{data, at, completeThrough, of}`, at first with the latest result of this visit, if there is one.
 */
export function recountPanel({ name, heading, proof, of, intro, read, onResult, signal, repair = null }) {
  const button = el(
    "button",
    { type: "button", class: "primary", "data-action": `recount-${name}`, onclick: run },
    "Recount now",
  );
  const progress = el(
    "div",
    { class: "recount-runs", hidden: true },
    el("progress", { "aria-label": "Recount" }),
    el("span", {}),
  );
  const status = el("div", { role: "status" });
  const result = el("div", {});

  async function run() {
    button.disabled = true;
    progress.hidden = false;
    announce("The recount is running.");
    const began = Date.now();
    const clock = setInterval(() => put(progress.lastChild, `${Math.round((Date.now() - began) / 1_000)} s`), 1_000);
    try {
      const { data, headers } = await read({ signal, timeoutMs: TIMEOUT_MS });
      const completeThrough = headers.get("x-complete-through");
      last.set(`${name} ${of}`, {
        data,
        of,
        at: new Date().toISOString(),
        completeThrough,
        tookMs: Date.now() - began,
      });
      draw();
    } catch (error) {
      if (!signal.aborted) put(status, refusal(error));
    } finally {
      clearInterval(clock);
      enable(button);
      progress.hidden = true;
    }
  }

  function draw() {
    const found = last.get(`${name} ${of}`);
    if (!found) return;
    put(status, sentence(found));
    put(result, numbers(name, found), found.data.equal ? null : repair?.());
    onResult(found);
  }

  const element = panel(
    name,
    heading,
    proof,
    el("p", {}, intro),
    el("p", { class: "ask" }, button, progress),
    status,
    result,
  );
  draw();
  return { element };
}

function sentence({ data, at, completeThrough, tookMs }) {
  const { equal, differences, truncated, note, moving } = data;
  const rows = Object.values(moving).reduce((sum, value) => sum + value, 0);
  return [
    el(
      "p",
      { "data-testid": "recount-equal", "data-value": String(equal) },
      verdictTag(equal, equal ? "equal" : "differs"),
      equal
        ? " Every number equals its recount."
        : ` ${truncated ? "More than " : ""}${counted(differences.length, "difference")}.`,
      el(
        "span",
        { class: "muted" },
        ` Of events accepted before ${inZone(completeThrough)}; done at ${inZone(at)}, in ${(tookMs / 1_000).toFixed(1)} s.`,
      ),
    ),
    rows > 0 &&
      el(
        "p",
        {},
        `${counted(rows, "row was", "rows were")} being written at each reading, and not compared. Recount again to check those.`,
      ),
    note && el("p", { class: "warning" }, `Note: ${note}.`),
  ];
}

function numbers(name, { data: { compared, moving, differences } }) {
  const rows = Object.keys(moving).map((key) => ({
    key,
    compared: compared[key],
    moving: moving[key],
    differences: differences.filter((one) => one.table === key).length,
  }));
  rows[0].events = compared.events;
  return [
    table({
      name: `${name}-compared`,
      caption: "What was compared",
      rows,
      columns: [
        { key: "table", name: "Table", value: (row) => row.key, show: (row) => TABLES[row.key] ?? row.key },
        numberColumn("compared", "Compared"),
        numberColumn("events", "Events"),
        numberColumn("moving", "Being written"),
        numberColumn("differences", "Differences"),
      ],
    }),
    differences.length > 0 &&
      differenceTable(`${name}-differences`, "Numbers that differ from their recount", causesFirst(differences), [
        ["stored", "Stored"],
        ["recounted", "Recounted"],
      ]),
  ];
}

// Sessions come first: a wrong session makes its sums wrong.
function causesFirst(differences) {
  const rank = ({ table: name }) => (name.startsWith("rollup") ? 1 : 0);
  return differences.toSorted((a, b) => rank(a) - rank(b));
}

/** A table of differences; `sides` are the two fields that differ, with their names. */
export function differenceTable(name, caption, differences, sides) {
  const key = (row) =>
    Object.entries(row.key)
      .map(([field, value]) => `${field}=${value ?? "∅"}`)
      .join(", ");
  const text = (field, label, value, more = {}) => ({ key: field, name: label, value, ...more });
  return table({
    name,
    caption,
    rows: differences,
    rowsShown: 20,
    csv: name,
    columns: [
      text("table", "Table", (row) => row.table),
      text("key", "Row", key),
      text("column", "Column", (row) => row.column),
      ...sides.map(([field, label]) =>
        text(field, label, (row) => row[field] ?? null, {
          align: "number",
          show: (row) => String(row[field] ?? "none"),
        }),
      ),
    ],
  });
}
