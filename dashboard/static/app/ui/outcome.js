// How a session ended, as a small label that uses words, not only colour.

import { el } from "../dom.js";

const MOODS = { success: "good", failure: "bad", timeout: "bad", cancelled: "warn" };

/** Return the label of a session. */
export function outcomeTag({ status, outcome }) {
  if (status === "active") return el("span", { class: "tag live" }, "active");
  return el("span", { class: `tag ${MOODS[outcome] ?? ""}` }, outcome ?? "ended");
}
