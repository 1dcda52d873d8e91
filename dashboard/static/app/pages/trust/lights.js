// The three checks that make the answer "Yes": complete, counted once, and sums right. Pure functions.

import { counted } from "../../format.js";
import { inZone } from "./parts.js";

const SCOPES = { all: "everything", hours: "the last 3 hours" };

/**
 * Return `[{key, name, state, text}]` for `known` as in `verdictOf`; `state` is good, bad or open. `isCurrent` says
 * whether the numbers include everything up to a moment ago.
 */
export function lightsOf(known, completeThrough, isCurrent) {
  return [
    { key: "complete", name: "Complete", ...completeness(completeThrough, isCurrent) },
    { key: "once", name: "Counted once", ...receipts(known) },
    { key: "sums", name: "Sums right", ...sums(known) },
  ];
}

function completeness(completeThrough, isCurrent) {
  if (!completeThrough || completeThrough.startsWith("1970-")) return { state: "open", text: "no report yet" };
  return { state: isCurrent ? "good" : "open", text: `through ${inZone(completeThrough)}` };
}

function receipts({ coverage, audits }) {
  if (coverage) {
    const { complete, positions, missing } = coverage.data;
    if (!complete) return { state: "bad", text: `${counted(missing, "record")} without a receipt` };
    return { state: "good", text: `${counted(positions, "receipt")}, ${inZone(coverage.at)}` };
  }
  const run = lastOf(audits);
  if (!run || audits.missing === null) return { state: "open", text: "an operator sees the receipts" };
  if (audits.missing > 0) return { state: "bad", text: `${counted(audits.missing, "record")} without a receipt` };
  return { state: "good", text: `no receipt is missing, ${inZone(run.at)} (audit)` };
}

function sums({ recount, orgRecount, audits }) {
  const own = [recount, orgRecount].filter(Boolean);
  const wrong = own.find(({ data }) => !data.equal);
  if (wrong) return { state: "bad", text: `not equal to a recount of ${wrong.of}` };
  const whole = own.find(isWhole);
  if (whole) return { state: "good", text: `${whole.of}, ${inZone(whole.at)}` };
  const run = lastOf(audits);
  if (!run) return { state: "open", text: "not compared yet" };
  if (run.differences > 0) return { state: "bad", text: `${counted(run.differences, "difference")} in the last audit` };
  return { state: "good", text: `${SCOPES[run.scope]}, ${inZone(run.at)} (audit)` };
}

/** Whether a recount compared everything, with the rules of this version and nothing in motion. */
export function isWhole(one) {
  return Boolean(one) && one.data.note === null && Object.values(one.data.moving).every((rows) => rows === 0);
}

// The audit that says most: one with differences, else the latest.
function lastOf(audits) {
  const ended = (audits?.runs ?? []).filter((run) => run.ended && run.at);
  return (
    ended.find(({ differences }) => differences > 0) ?? ended.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null
  );
}
