// One line above the page while the server or the network is unavailable.

import { notReachableSince } from "./api.js";
import { announce, el, put } from "./dom.js";
import { shortMoment } from "./format.js";

let element = null;
let clock = null;

/** Return the place for the line. */
export function problemLine() {
  element = el("div", { class: "problem", role: "alert", hidden: true, "data-testid": "problem" });
  return element;
}

/** Say what failed and when it is retried, and offer to retry now. */
export function showProblem(error, retryInMs, retryNow) {
  const until = Date.now() + retryInMs;
  const when = el("span", {});
  const tell = () => put(when, ` Trying again in ${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s. `);
  clearInterval(clock);
  clock = setInterval(tell, 500);
  tell();
  const what = el("strong", {}, explain(error));
  if (element.hidden) announce(what.textContent);
  put(element, what, when, el("button", { type: "button", class: "small", onclick: retryNow }, "Try now"));
  element.hidden = false;
}

/** Hide the line: everything answers again. */
export function clearProblem() {
  clearInterval(clock);
  if (element) element.hidden = true;
}

/** Whether the server runs on the reader's own machine, as far as the address says. */
export function isLocal() {
  return ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
}

/** What an error means for the reader of the page: a text, or texts and nodes. */
export function explain(error) {
  if (!navigator.onLine) return "This device is offline.";
  if (error.status === 0) return notReachable();
  if (error.status === 503)
    return "The store or the log is unavailable; nothing is lost. The server will answer once it is back.";
  if (error.status === 429) return "Your org has used up its reads for this hour.";
  if (error.status === 403) return "Your role may not see this.";
  if (error.status === 404) return "It does not exist, or it belongs to another user.";
  return error.message;
}

function notReachable() {
  const since = notReachableSince();
  return [
    since === null ? "Not reachable. " : `Not reachable since ${shortMoment(since)}. `,
    isLocal()
      ? ["Start it with ", el("code", {}, "make run"), " or ", el("code", {}, "crewkit-sessions up"), "."]
      : "Ask your operator.",
  ];
}
