// Whether the numbers are right, and how to check: every user for their org, operators for the whole installation.

import { get, getOperator } from "../api.js";
import { credential, may } from "../credentials.js";
import { el, put } from "../dom.js";
import { follow } from "../live.js";
import { rangeText } from "../ranges.js";
import { navigate } from "../router.js";
import { filterRow } from "../ui/filters.js";
import { skeleton } from "../ui/states.js";
import { auditsPanel } from "./trust/audits.js";
import { clientsPanel } from "./trust/clients.js";
import { coveragePanel } from "./trust/coverage.js";
import { currentPanel } from "./trust/current.js";
import { erasuresPanel } from "./trust/erasures.js";
import { freshnessPanel } from "./trust/freshness.js";
import { generationsPanel } from "./trust/generations.js";
import { jobsPanel } from "./trust/jobs.js";
import { lettersPanel } from "./trust/letters.js";
import { operatorForm } from "./trust/operator_form.js";
import { command, refusal } from "./trust/parts.js";
import { receiptPanel } from "./trust/receipt.js";
import { recountPanel } from "./trust/recount.js";
import { sections } from "./trust/sections.js";
import { summary } from "./trust/summary.js";
import { workPlace } from "./trust/work.js";

export const title = "Trust";

let whyAsked = null; // why the operator's token is asked for again

/** Show the answer and, below it, what it is based on. */
export async function show(main, view) {
  const { signal, ...state } = view;
  const answer = summary();
  const content = el("div", {}, skeleton("40rem"));
  const known = {};
  const live = sections(signal, () => answer.draw(known));
  const audits = live.addSlow(auditsPanel(known, signal));
  const groups = [
    credential("org") && orgGroup(live, known, state, signal),
    operatorGroup(live, known, audits, signal),
  ];
  put(main, el("h1", {}, "Can I trust these numbers?"), answer.element, content);

  await follow({
    root: content,
    signal,
    everyMs: () => 10_000,
    load: live.load,
    draw(_, isFirst) {
      if (isFirst) put(content, groups);
      live.draw();
    },
  });
}

function orgGroup(live, known, state, signal) {
  const { org_id: org } = credential().claims;
  return el(
    "section",
    { class: "trust-group", "data-level": "org" },
    el("h2", {}, `Your org, ${org}`),
    live.add(currentPanel(known, signal)),
    receiptPanel(state.params, signal).element,
    may("recount") ? orgRecount(live, known, state, signal) : null,
    may("erase") ? live.add(erasuresPanel(signal, live.refresh)) : null,
  );
}

function orgRecount(live, known, state, signal) {
  const { org_id: org } = credential().claims;
  const { range } = state;
  const { element } = recountPanel({
    name: "org-recount",
    heading: `Recount ${org}`,
    signal,
    of: `${org}, ${rangeText(range)}`,
    proof: `crewkit-sessions recount --start-date ${range.start} --end-date ${range.end}`,
    intro:
      "This counts these days of UTC again, from their events, and compares every number with what the pages show. It can take a few seconds.",
    read: (options) => get("/ops/recount", { start_date: range.start, end_date: range.end }, options),
    onResult(found) {
      known.orgRecount = found;
      live.changed();
    },
  });
  element.querySelector(".head-row").after(filterRow({ ...state, filters: {}, scope: "all" }, signal, { names: [] }));
  return element;
}

function operatorGroup(live, known, audits, signal) {
  const place = el("div", { class: "trust-group" });
  const again = () => navigate(location.pathname + location.search, { replace: true });
  if (!credential("operator")) {
    put(place, el("h2", {}, "The whole installation"), operatorForm(again, whyAsked));
    whyAsked = null;
    return el("section", { "data-level": "operator" }, place);
  }
  live.onExpired(() => {
    whyAsked = "The operator's token has expired, or is not valid here.";
    if (credential("org")) again();
    else dispatchEvent(new CustomEvent("signedout", { detail: whyAsked }));
  });
  const work = workPlace(signal, live.refresh);
  const repair = () => repairOffer(known, work);
  put(
    place,
    el("h2", {}, "The whole installation"),
    el(
      "p",
      { class: "muted" },
      "Each section names the command that shows the same. Commands find the installation with ",
      el("code", {}, "--data DIR"),
      ", or with ",
      el("code", {}, "--url"),
      " and ",
      el("code", {}, "--token"),
      ".",
    ),
    live.add(freshnessPanel(known, signal)),
    live.addSlow(coveragePanel(known, signal, repair)),
    recountOfAll(live, known, signal, repair),
    audits,
    live.add(lettersPanel(known, signal, live.refresh)),
    live.add(generationsPanel(known, signal, work)),
    live.add(jobsPanel(signal, work, live.refresh)),
    live.addSlow(clientsPanel(signal)),
  );
  return el("section", { "data-level": "operator" }, place);
}

function recountOfAll(live, known, signal, repair) {
  return recountPanel({
    name: "recount",
    heading: "Recount of all orgs",
    proof: "crewkit-sessions recount",
    of: "all orgs",
    signal,
    repair,
    intro:
      "This computes everything again from the facts, and compares sessions with their events, and sums with the sessions. It reads every fact, so it runs only on request.",
    read: (options) => getOperator("/recount", {}, options),
    onResult(found) {
      known.recount = found;
      live.changed();
    },
  }).element;
}

function repairOffer(known, work) {
  const generation = known.generations?.find(({ state }) => state === "live");
  if (!generation) return refusal(new Error("No generation is live."));
  return el(
    "p",
    {},
    el(
      "button",
      {
        type: "button",
        class: "primary",
        "data-action": "repair",
        onclick: () => work.request("repair", generation, generation.name),
      },
      "Repair …",
    ),
    " ",
    command("crewkit-sessions coverage --repair"),
  );
}
