// Signs in with a link's tokens. Anyone can make a link, so it replaces another identity only if the reader agrees.

import { changeOfIdentity, keepGiven, takeFromAddress } from "./credentials.js";
import { el } from "./dom.js";
import { ask } from "./pages/trust/dialog.js";

/** Store the address's tokens, all or none; ask first if they are of another user or org than the stored ones. */
export async function signInByLink() {
  const tokens = takeFromAddress();
  const changes = tokens.map(changeOfIdentity).filter(Boolean);
  if (changes.length === 0 || (await agrees(changes))) tokens.forEach(keepGiven);
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
