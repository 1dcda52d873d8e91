// The tabs of one browser share the org's token while one of them is open. The operator's stays in its own tab.

import { credential, forget, keepGiven } from "./credentials.js";

const ANSWER_MS = 150;
const channel = new BroadcastChannel("crewkit");
let onAnswer = null;

/** Answer other tabs. If this tab has no token, it takes theirs and calls `onSignedIn`. */
export function listenToTabs(onSignedIn) {
  const handlers = {
    ask: offerToken,
    token({ token }) {
      if (!isSignedOut()) return;
      keepGiven({ kind: "org", token });
      if (credential()) (onAnswer ?? onSignedIn)();
    },
    forget() {
      if (!isSignedOut()) signOutHere("You signed out in another tab.");
    },
  };
  channel.onmessage = ({ data }) => handlers[data.kind]?.(data);
  addEventListener("signedin", offerToken);
}

/** Take the org's token from another tab, if this one has none and another answers. */
export async function askOtherTabs() {
  if (!isSignedOut()) return;
  await new Promise((resolve) => {
    onAnswer = resolve;
    setTimeout(resolve, ANSWER_MS);
    channel.postMessage({ kind: "ask" });
  });
  onAnswer = null;
}

/** Give the org's token to the tabs that have none. */
export function offerToken() {
  const held = credential("org");
  if (held) channel.postMessage({ kind: "token", token: held.token });
}

/** Sign out in this tab and in all others. */
export function signOut() {
  channel.postMessage({ kind: "forget" });
  signOutHere("You are signed out.");
}

function isSignedOut() {
  return !credential("org") && !credential("operator");
}

function signOutHere(why) {
  forget();
  dispatchEvent(new CustomEvent("signedout", { detail: why }));
}
