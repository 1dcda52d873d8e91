// Signs in by the tokens of a link. Anyone can make a link, so it replaces another identity only if the reader agrees.

import { changeOfIdentity, keepGiven, takeFromAddress } from "./credentials.js";
import { el } from "./dom.js";
import { ask } from "./pages/trust/dialog.js";

/** Keep the tokens in the address, all or none; ask first if they are another user's or org's than those held. */
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

// Names of a token that no server has checked yet: isolated, so that they can't reorder the sentence.
function named({ sub, role, org_id: org }) {
  return [el("bdi", {}, sub), ", ", el("bdi", {}, role), " of ", el("bdi", {}, org)];
}
