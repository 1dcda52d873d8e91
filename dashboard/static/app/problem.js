// One line above the page while the server or the network is unavailable. The page keeps what was read before.

import { announce, el, put } from "./dom.js";

let element = null;
let clock = null;

/** Return the place for the line. */
export function problemLine() {
  element = el("div", { class: "problem", role: "alert", hidden: true, "data-testid": "problem" });
  return element;
}

/** Say what failed and when it is retried, and offer to retry now; `isFirst` if nothing was read before. */
export function showProblem(error, retryInMs, retryNow, isFirst = false) {
  const until = Date.now() + retryInMs;
  const when = el("span", {});
  const tell = () => put(when, ` Trying again in ${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s. `);
  clearInterval(clock);
  clock = setInterval(tell, 500);
  tell();
  if (element.hidden) announce(explain(error));
  put(
    element,
    el("strong", {}, explain(error)),
    isFirst ? "" : " The page shows what was read before.",
    when,
    el("button", { type: "button", class: "small", onclick: retryNow }, "Try now"),
  );
  element.hidden = false;
}

/** Hide the line: everything answers again. */
export function clearProblem() {
  clearInterval(clock);
  if (element) element.hidden = true;
}

/** What an error means for the reader of the page. */
export function explain(error) {
  if (!navigator.onLine) return "This device is offline.";
  if (error.status === 0) return "The server does not answer. Is it running? `make run` starts it.";
  if (error.status === 503)
    return "The store or the log is unavailable; nothing is lost. The server will answer once it is back.";
  if (error.status === 429) return "Your org has used up its reads for this hour.";
  if (error.status === 403) return "Your role may not see this.";
  if (error.status === 404) return "It does not exist, or it belongs to another user.";
  return error.message;
}
