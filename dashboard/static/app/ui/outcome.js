// How a session ended, or when it was last active: in words, not only by colour.

import { el } from "../dom.js";
import { when } from "./when.js";

const MOODS = { success: "good", failure: "bad", timeout: "bad", cancelled: "warn" };

/** Return the state of a session. */
export function outcomeTag({ status, outcome, last_event_at: last }) {
  if (status !== "active") return el("span", { class: `tag ${MOODS[outcome] ?? ""}` }, outcome ?? "ended");
  return el(
    "span",
    { class: "status" },
    el("span", { class: "dot works", "aria-hidden": "true" }),
    last ? ["active · ", when(last)] : "active",
  );
}
