// Whether every position of the log has its receipt. The check counts all receipts, so it runs once a minute at most.

import { getOperator } from "../../api.js";
import { el, put } from "../../dom.js";
import { count } from "../../format.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { verdictTag } from "../../ui/verdict_tag.js";
import { facts, number, panel, inZone } from "./parts.js";

/** Return `{element, load(), draw()}`; the result is stored in `known.coverage`. */
export function coveragePanel(known, signal, repair) {
  const body = el("div", { role: "status" }, el("p", { class: "muted" }, "Counting receipts …"));
  const rest = el("div", {});
  return {
    element: panel("coverage", "Coverage", "crewkit-sessions coverage", body, rest),
    async load() {
      const completeThrough = known.freshness?.data.complete_through; // read before, so the count covers it
      if (!completeThrough) return;
      const { data } = await getOperator("/coverage", {}, { signal });
      known.coverage = { data, completeThrough, at: new Date().toISOString() };
    },
    draw() {
      if (!known.coverage) return;
      const { data, at } = known.coverage;
      put(body, verdict(data, at));
      put(rest, partitions(data.partitions), gaps(data.partitions), data.complete ? null : repair());
    },
  };
}

function verdict({ complete, positions, missing, partitions: all }, at) {
  const dead = all.reduce((sum, one) => sum + one.dead, 0);
  return [
    el(
      "p",
      { "data-testid": "coverage-complete", "data-value": String(complete) },
      verdictTag(complete, complete ? "complete" : "incomplete"),
      complete ? " Every position has its receipt." : " Some positions have no receipt.",
      el("span", { class: "muted" }, ` Counted at ${inZone(at)}.`),
    ),
    facts(
      ["Positions", number("coverage-positions", positions, count(positions))],
      ["Without a receipt", number("coverage-missing", missing, count(missing))],
      ["Dead letters", number("coverage-dead", dead, count(dead))],
    ),
  ];
}

function partitions(rows) {
  return table({
    name: "coverage",
    caption: "Receipts by partition of the log",
    rows,
    rowsShown: 16,
    sort: "partition",
    columns: [
      { key: "partition", name: "Partition", value: (row) => row.partition },
      numberColumn("end", "Positions"),
      numberColumn("count", "Receipts"),
      numberColumn("projected", "Projected"),
      numberColumn("dead", "Dead"),
      numberColumn("erased", "Erased"),
      numberColumn("missing", "Missing"),
    ],
  });
}

function gaps(all) {
  const rows = all.flatMap(({ partition, gaps: ranges }) =>
    ranges.map(([start, stop]) => ({ partition, start, stop })),
  );
  if (rows.length === 0) return null;
  return table({
    name: "gaps",
    caption: "Positions without a receipt",
    rows,
    rowsShown: 20,
    csv: "gaps",
    columns: [
      { key: "first", name: "First missing", value: (row) => `${row.partition}:${row.start}` },
      { key: "last", name: "Last missing", value: (row) => `${row.partition}:${row.stop - 1}` },
      numberColumn("positions", "Positions", count, { value: (row) => row.stop - row.start }),
    ],
  });
}
