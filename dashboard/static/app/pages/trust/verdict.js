// One sentence about all the numbers, based only on what was checked. Pure functions.

import { counted, utc } from "./parts.js";

const LATE_S = 30; // from this age on, the answer is no longer yes

/**
 * Return `{state, sentence, checked}`: `state` is yes, partly, wait, no or unknown; `checked` are sentences that say
 * what the answer is based on. `known` has what was read so far; each part is absent until then:
 * `org` {completeThrough, lag, ageS, at} · `freshness` {data, ageS, at} · `coverage` {data, at, completeThrough} ·
 * `letters` {total, open, isPart, at} · `recount` and `orgRecount` {data, at, completeThrough, of}.
 */
export function verdictOf(known, now = Date.now()) {
  const { lag, completeThrough, ageS, at } = currentOf(known);
  const answer = contradiction(known) ??
    notReported(completeThrough) ??
    waiting(lag, completeThrough, ageS + (now - Date.parse(at)) / 1_000) ??
    setAside(known.letters, completeThrough) ?? { state: "yes", sentence: proved(known, completeThrough) };
  return { ...answer, checked: checkedOf(known) };
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
  const before = `Everything accepted before ${utc(completeThrough)} is in the numbers.`;
  if (!lag)
    return {
      state: "wait",
      sentence: `Not known since ${utc(completeThrough)}: no projector has reported since. ${before}`,
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
      `Everything else that was accepted before ${utc(completeThrough)} is in the numbers.`,
  };
}

function proved({ coverage, recount, orgRecount }, completeThrough) {
  const isWhole = (one) => one && one.data.note === null && Object.values(one.data.moving).every((rows) => rows === 0);
  if (coverage && isWhole(recount)) {
    const both = [recount, coverage].map((one) => one.completeThrough).sort()[0];
    return `Yes: every event accepted before ${utc(both)} is counted exactly once.`;
  }
  if (coverage)
    return `Yes: every record accepted before ${utc(coverage.completeThrough)} has its receipt, none is missing.`;
  if (isWhole(orgRecount))
    return `Yes: the numbers of ${orgRecount.of} equal a recount of the events accepted before ${utc(orgRecount.completeThrough)}.`;
  return `Yes, as the server reports: every event accepted before ${utc(completeThrough)} is in the numbers.`;
}

function checkedOf({ org, freshness, coverage, recount, orgRecount, letters }) {
  const current = freshness ?? org;
  const sentences = [
    current && `Freshness, read at ${utc(current.at)}.`,
    coverage && `Receipts of ${counted(coverage.data.positions, "position")}, counted at ${utc(coverage.at)}.`,
    letters &&
      `Dead letters, listed at ${utc(letters.at)}: ${letters.total ? `${letters.total}, ${letters.open} not redriven` : "none"}.`,
    ...[recount, orgRecount]
      .filter(Boolean)
      .map(
        (one) =>
          `Recount of ${one.of} at ${utc(one.at)}: ${counted(one.data.compared.sessions, "session")} with ${counted(one.data.compared.events, "event")}.`,
      ),
  ].filter(Boolean);
  if (!recount && !orgRecount)
    sentences.push("Not checked on this visit: whether the sums equal a recount of the events.");
  return sentences;
}
