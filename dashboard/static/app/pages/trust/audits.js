// The periodic audit, from the `/metrics` of the process that answers at this address.

import { el, put } from "../../dom.js";
import { count, duration } from "../../format.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { panel, inZone } from "./parts.js";

const SCOPES = { hours: "The last hours, every minute", all: "Everything, every night" };
const LINE = /^crewkit_audit_(\w+?)(?:\{scope="(\w+)"\})? (\S+)$/gm;

/** Return `{element, load(), draw()}`; the result is stored in `known.audits`. */
export function auditsPanel(known, signal) {
  const body = el("div", {}, el("p", { class: "muted" }, "Loading …"));
  let found = null;
  return {
    element: panel("audits", "Last audits", "crewkit-sessions audit", body),
    async load() {
      known.audits = found = auditsOf(await metrics(signal));
    },
    draw: () => put(body, found.runs.some(({ ended }) => ended) ? shown(found) : nothing()),
  };
}

// A proxy may hide the metrics, and they may be on their own port.
async function metrics(signal) {
  try {
    const answer = await fetch("/metrics", { signal, cache: "no-store", credentials: "omit" });
    return answer.ok && answer.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : "";
  } catch {
    return "";
  }
}

// Parse the metrics into `{missing, runs: [{scope, ended, at, seconds, differences}]}`.
function auditsOf(text) {
  const values = new Map(
    [...text.matchAll(LINE)].map(([, name, scope = "", value]) => [`${name} ${scope}`, Number(value)]),
  );
  const runs = Object.keys(SCOPES).map((scope) => {
    const of = (name) => values.get(`${name} ${scope}`) ?? null;
    const at = of("last_run_timestamp_seconds");
    return {
      scope,
      ended: of("runs_total") ?? 0,
      at: at ? new Date(at * 1_000).toISOString() : null,
      seconds: of("duration_seconds"),
      differences: of("differences"),
    };
  });
  return { missing: values.get("missing_positions ") ?? null, runs };
}

function shown({ missing, runs }) {
  const column = (key, name, format) =>
    numberColumn(key, name, format, { show: (row) => (row.ended ? format(row[key]) : "–") });
  return [
    el(
      "p",
      {},
      `Positions without a receipt in the last audit: ${count(missing)}. An audit makes the checks of coverage and recount, and repairs nothing.`,
    ),
    table({
      name: "audits",
      caption: "The last audits by the process at this address",
      rows: runs,
      columns: [
        { key: "scope", name: "What", value: (row) => row.scope, show: (row) => SCOPES[row.scope] },
        { key: "at", name: "Last run ended", value: (row) => row.at, show: (row) => inZone(row.at) },
        column("differences", "Differences", count),
        column("seconds", "Took", duration),
        numberColumn("ended", "Runs since start"),
      ],
    }),
  ];
}

function nothing() {
  return el(
    "p",
    {},
    "There are no audits at this address: it has no metrics, or another process audits. See the metrics and the log of that process.",
  );
}
