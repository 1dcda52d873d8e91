// One sentence about all the numbers, based only on what was checked. Pure functions.

import { counted } from "../../format.js";
import { isWhole, lightsOf } from "./lights.js";
import { inZone } from "./parts.js";

const LATE_S = 30; // from this age on, the answer is no longer yes

/**
 * Return `{state, sentence, lights, checked}`. `state` is yes, complete, partly, wait, no or unknown; `lights` are
 * those of `lightsOf`: it is yes only if all are good. `checked` says what the answer is based on.
 *
 * `known` has what was read so far; each part is absent until then: `org` {completeThrough, lag, ageS, at} ·
 * `freshness` {data, ageS, at} · `coverage` {data, at, completeThrough} · `letters` {total, open, isPart, at} ·
 * `audits` {missing, runs} · `recount` and `orgRecount` {data, at, completeThrough, of}.
 */
export function verdictOf(known, now = Date.now()) {
  const { lag, completeThrough, ageS, at } = currentOf(known);
  const age = ageS + (now - Date.parse(at)) / 1_000;
  const lights = lightsOf(known, completeThrough, age < LATE_S);
  const answer =
    contradiction(known) ??
    failedAudit(lights) ??
    notReported(completeThrough) ??
    waiting(lag, completeThrough, age) ??
    setAside(known.letters, completeThrough) ??
    proved(known, completeThrough, lights);
  return { ...answer, lights, checked: checkedOf(known, lights) };
}

// How current the numbers are: those of the whole installation if known, else those in the org's reads.
function currentOf({ freshness, org }) {
  if (!freshness) return org ?? {};
  const { lag_records: lag, complete_through: completeThrough } = freshness.data;
  return { lag, completeThrough, ageS: freshness.ageS, at: freshness.at };
}

function contradiction({ coverage, recount, orgRecount }) {
  if (coverage && !coverage.data.complete) {
    const { missing } = coverage.data;
    return {
      state: "no",
      sentence: `No: ${counted(missing, "position")} of the log ${missing === 1 ? "has" : "have"} no receipt.`,
    };
  }
  const wrong = [recount, orgRecount].find((one) => one && !one.data.equal);
  if (!wrong) return null;
  const { differences, truncated } = wrong.data;
  return {
    state: "no",
    sentence:
      `No: ${truncated ? "more than " : ""}${counted(differences.length, "number")} of ${wrong.of} ` +
      `${differences.length === 1 ? "differs" : "differ"} from a recount.`,
  };
}

function failedAudit(lights) {
  const wrong = lights.find(({ state }) => state === "bad");
  return wrong ? { state: "no", sentence: `No: ${wrong.text}.` } : null;
}

function notReported(completeThrough) {
  if (completeThrough && !completeThrough.startsWith("1970-")) return null;
  return {
    state: "unknown",
    sentence: "Not known yet: not every partition of the log has a report. Is a projector running?",
  };
}

// The age is by the server's clock; this device's may be wrong.
function waiting(lag, completeThrough, age) {
  if (age < LATE_S) return null;
  const before = `Everything accepted before ${inZone(completeThrough)} is in the numbers.`;
  if (!lag)
    return {
      state: "wait",
      sentence: `Not known since ${inZone(completeThrough)}: no projector has reported since. ${before}`,
    };
  return { state: "wait", sentence: `Not yet: ${counted(lag, "record is waiting", "records are waiting")}. ${before}` };
}

function setAside(letters, completeThrough) {
  if (!letters?.open) return null;
  const { open, isPart } = letters;
  return {
    state: "partly",
    sentence:
      `Not all: ${isPart ? "up to " : ""}${counted(open, "record")} could not be projected, and ${open === 1 ? "is a dead letter" : "are dead letters"}. ` +
      `Everything else that was accepted before ${inZone(completeThrough)} is in the numbers.`,
  };
}

function proved(known, completeThrough, lights) {
  const { coverage, recount, orgRecount } = known;
  const all = inZone(completeThrough);
  const sums = lights.find(({ key }) => key === "sums");
  if (coverage && isWhole(recount)) {
    const both = [recount, coverage].map((one) => one.completeThrough).sort()[0];
    return { state: "yes", sentence: `Yes: every event accepted before ${inZone(both)} is counted exactly once.` };
  }
  if (lights.every(({ state }) => state === "good")) {
    const said = `every event accepted before ${all} is in the numbers, and the sums are right`;
    return { state: "yes", sentence: `Yes: ${said}: ${sums.text}.` };
  }
  const complete = coverage
    ? `every record accepted before ${inZone(coverage.completeThrough)} has its receipt, none is missing`
    : `every event accepted before ${all} is in the numbers`;
  return { state: "complete", sentence: `Complete: ${complete}. ${ofSums(orgRecount, sums)}` };
}

function ofSums(orgRecount, sums) {
  if (isWhole(orgRecount)) {
    const before = inZone(orgRecount.completeThrough);
    return `The numbers of ${orgRecount.of} equal a recount of the events accepted before ${before}.`;
  }
  if (sums.state === "good") return `The sums are right: ${sums.text}.`;
  return "Whether the sums are right was not checked yet.";
}

function checkedOf(known, lights) {
  const { org, freshness, coverage, recount, orgRecount, letters } = known;
  const sums = lights.find(({ key }) => key === "sums");
  const current = freshness ?? org;
  const sentences = [
    current && `Freshness, read at ${inZone(current.at)}.`,
    coverage && `Receipts of ${counted(coverage.data.positions, "position")}, counted at ${inZone(coverage.at)}.`,
    letters &&
      `Dead letters, listed at ${inZone(letters.at)}: ${letters.total ? `${letters.total}, ${letters.open} not redriven` : "none"}.`,
    ...[recount, orgRecount]
      .filter(Boolean)
      .map(
        (one) =>
          `Recount of ${one.of} at ${inZone(one.at)}: ${counted(one.data.compared.sessions, "session")} with ${counted(one.data.compared.events, "event")}.`,
      ),
  ].filter(Boolean);
  if (recount || orgRecount) return sentences;
  return [
    ...sentences,
    sums.state === "good" && `Recount by the background audit: ${sums.text}.`,
    "Not recounted on this visit: the events of all time.",
  ].filter(Boolean);
}
