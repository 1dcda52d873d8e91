// One erasure: its steps, what it waits for, and its certificate.

import { get } from "../../api.js";
import { credential } from "../../credentials.js";
import { el, put } from "../../dom.js";
import { count } from "../../format.js";
import { save } from "../../ui/save.js";
import { command, facts, inZone, number, refusal } from "./parts.js";

const MOODS = { recorded: "live", hidden: "warn", swept: "warn", certified: "good" };
const STEPS = [
  ["recorded", "Requested"],
  ["hidden", "Hidden from every page and sum"],
  ["swept", "Removed from the store's disk"],
  ["certified", "Searched for everywhere, and not found"],
];

/** The state of an erasure, in words and colour. */
export function stateOf(state) {
  return el("span", { class: `tag ${MOODS[state] ?? ""}` }, state);
}

/** Read an erasure and show it in `place`. `opener` is the `data-action` of the button that gets the focus back. */
export async function erasureCard(place, id, opener, signal) {
  try {
    const { data } = await get(`/erasures/${id}`, {}, { signal });
    const heading = el("h4", { tabindex: -1 }, "Erasure ", el("code", {}, id), " ", stateOf(data.state));
    put(
      place,
      card(heading, data, signal, () => close(place, opener)),
    );
    heading.focus();
  } catch (error) {
    if (!signal.aborted) put(place, refusal(error));
  }
}

function close(place, opener) {
  put(place);
  document.querySelector(`[data-action="${opener}"]`)?.focus();
}

function card(heading, erasure, signal, closed) {
  const { id, state, steps, reason, sessions, records, waits_for: waits } = erasure;
  return el(
    "section",
    { class: "letter", "data-erasure": id },
    el(
      "div",
      { class: "head-row" },
      heading,
      el("span", { class: "grow" }),
      command(`crewkit-sessions erasures show ${id} --org ${credential().claims.org_id}`),
      el("button", { type: "button", class: "small", onclick: closed }, "Close"),
    ),
    facts(
      ...STEPS.map(([step, words]) => [
        words,
        number(`step-${step}`, steps[step], steps[step] ? inZone(steps[step]) : "not yet"),
      ]),
      ["Sessions", number("erased-sessions", sessions, count(sessions))],
      ["Records of the log", number("erased-records", records.erased, count(records.erased))],
      reason && ["Reason", reason],
    ),
    waits.length > 0 && [
      el("p", {}, "What is missing until it is certified:"),
      el(
        "ul",
        {},
        waits.map((what) => el("li", {}, what)),
      ),
    ],
    state === "certified" && certificate(id, signal),
  );
}

function certificate(id, signal) {
  const problem = el("div", { role: "status" });
  async function download() {
    try {
      const { data } = await get(`/erasures/${id}/certificate`, {}, { signal });
      save(`erasure-${id}.json`, `${JSON.stringify(data, null, 2)}\n`, "application/json");
    } catch (error) {
      if (!signal.aborted) put(problem, refusal(error));
    }
  }
  return el(
    "div",
    { class: "actions" },
    el("button", { type: "button", "data-action": `certificate ${id}`, onclick: download }, "Download the certificate"),
    problem,
  );
}
