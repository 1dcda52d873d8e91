// Signs in with a link's tokens, or with those that the server gives for its code. Anyone can make a link, so it
// replaces another identity only if the reader agrees.

import { changeOfIdentity, keepGiven, problemOf, takeFromAddress, usable } from "./credentials.js";
import { el } from "./dom.js";
import { ask } from "./pages/trust/dialog.js";

const TIMEOUT_MS = 30_000;

/**
 * Store the address's tokens, all or none; ask first if they are of another user or org than the stored ones. Returns
 * why the link signs nobody in, or null.
 */
export async function signInByLink() {
  const { code, ...given } = takeFromAddress();
  const { problem, ...found } = code ? await exchange(code) : given;
  if (problem) return problem;
  const tokens = usable(found);
  const changes = tokens.map(changeOfIdentity).filter(Boolean);
  if (changes.length === 0 || (await agrees(changes))) tokens.forEach(keepGiven);
  return tokens.map(({ token }) => problemOf(token)).find(Boolean) ?? null;
}

/** The tokens for a link's code, `{token, operator}`, or why there are none, `{problem}`. */
async function exchange(code) {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  try {
    const response = await fetch("/login/code", request);
    const answer = await response.json();
    if (response.ok) return answer.data;
    if (response.status === 401 || response.status === 429) return { problem: answer.error };
  } catch {
    // no answer, or not from crewkit-sessions
  }
  return { problem: "The server did not check the link. Open the link again, or paste a token." };
}

async function agrees(changes) {
  const answer = await ask({
    title: "Sign in as someone else?",
    text: changes.flatMap(({ held, given }) => [
      ["You are signed in as ", named(held), "."],
      ["This link signs you in as ", named(given), "."],
    ]),
    action: "Switch",
    refusal: "Stay",
    isDanger: true,
    signal: new AbortController().signal,
  });
  return answer !== null;
}

// No server has checked these names yet, so they are isolated: bidirectional text must not reorder the sentence.
function named({ sub, role, org_id: org }) {
  return [el("bdi", {}, sub), ", ", el("bdi", {}, role), " of ", el("bdi", {}, org)];
}
