// The last answers to a user, in memory only. They make requests conditional, and during an outage a page shows what
// was read before.

const ANSWERS_MAX = 300;
const BYTES_MAX = 500_000; // of one answer; larger ones are read again
const oldest = new WeakMap(); // signal of a page -> {at, error} of the oldest answer that it got from memory, or null
let memories = {}; // kind of token -> {owner, answers: address -> {etag, body, at}}

addEventListener("signedout", forgetAnswers);

/** Return the answers to the owner of a token. Those to another user or org are dropped. */
export function answersTo(kind, { org_id: org, sub, role }) {
  const owner = JSON.stringify([org, sub, role]);
  if (memories[kind]?.owner !== owner) memories[kind] = { owner, answers: new Map() };
  return memories[kind].answers;
}

/** Keep an answer, unless it is too large. The ones that were not read for longest make room. */
export function keepAnswer(answers, address, answer, size) {
  answers.delete(address);
  if (size > BYTES_MAX) return;
  answers.set(address, { ...answer, at: Date.now() });
  if (answers.size > ANSWERS_MAX) answers.delete(answers.keys().next().value);
}

/** Drop everything. A request that is under way keeps its answer in what is dropped here. */
export function forgetAnswers() {
  memories = {};
}

/** From now on, reads with this signal get the last answer while there is no new one. */
export function allowOld(signal) {
  oldest.set(signal, null);
}

/** Whether a failed read may be answered from memory. If so, `takeOld` returns the oldest such answer. */
export function mayUseOld(signal, at, error) {
  if (!oldest.has(signal)) return false;
  const known = oldest.get(signal);
  oldest.set(signal, known && known.at < at ? known : { at, error });
  return true;
}

/** What came from memory since the last call: `{at, error}`, the time of the oldest answer and why; or null. */
export function takeOld(signal) {
  const found = oldest.get(signal) ?? null;
  if (found) oldest.set(signal, null);
  return found;
}
