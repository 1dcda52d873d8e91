// The generations: each is one set of tables, projected from the whole log. Reads use the live one.

import { getOperator } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, moment } from "../../format.js";
import { verdictTag } from "../../ui/verdict_tag.js";
import { zone } from "../../zone.js";
import { command, disclosure, facts, number, panel, redraw } from "./parts.js";
import { proofReport } from "./proof.js";
import { whyNot } from "./rules.js";
import { buttonName } from "./work.js";

const KINDS = ["prove", "switch", "pause", "resume", "drop"];
const MOODS = { live: "good", following: "live", filling: "warn", dropped: "" };
const PRICES_SHOWN = 12; // characters of the hash

/**
 * Return `{element, load(), draw()}`; `work` shows jobs in progress. The result is stored in `known.generations`.
 */
export function generationsPanel(known, signal, work) {
  const list = el("div", {});
  const report = el("div", {});
  const next = el("p", {});
  let drawn = "";
  const showProof = (name) => proofReport(report, name, signal);
  return {
    element: panel(
      "generations",
      "Generations",
      "crewkit-sessions generations",
      el(
        "p",
        {},
        "A generation is one set of tables, made from the whole log. Make a new one, prove it, then switch all readers to it.",
      ),
      work.element,
      list,
      report,
      next,
    ),
    async load() {
      known.generations = (await getOperator("/generations", {}, { signal })).data;
    },
    draw() {
      const all = known.generations;
      const now = JSON.stringify(all.map(({ partitions, ...shown }) => shown));
      if (now === drawn) return;
      drawn = now;
      const live = all.find(({ state }) => state === "live")?.name ?? null;
      put(next, "To make a new one from the whole log: ", command(`crewkit-sessions replay --to ${nextName(all)}`));
      const cards = (rows) => rows.map((generation) => card(generation, live, work, showProof));
      const dropped = all.filter(({ state }) => state === "dropped");
      redraw(
        list,
        cards(all.filter(({ state }) => state !== "dropped")),
        dropped.length > 0 && disclosure("dropped", `${dropped.length} dropped`, () => cards(dropped)),
      );
    },
  };
}

function card(generation, live, work, showProof) {
  const {
    name,
    state,
    paused,
    fold_version: fold,
    prices_sha256: prices,
    facts: all,
    lag_records: lag,
    made_at: made,
    switches,
    proof,
  } = generation;
  return el(
    "section",
    { class: "generation", "data-generation": name, "data-state": state },
    el(
      "h4",
      { tabindex: -1 },
      name,
      " ",
      el("span", { class: `tag ${MOODS[state] ?? ""}` }, state),
      paused && [" ", el("span", { class: "tag warn" }, "paused")],
    ),
    facts(
      state !== "dropped" && ["Facts", number("facts", all, count(all))],
      state !== "dropped" && ["Records waiting", number("lag", lag, count(lag))],
      ["Fold version", number("fold-version", fold, fold)],
      [
        "Prices",
        el("code", { title: prices, "data-testid": "prices", "data-value": prices }, prices.slice(0, PRICES_SHOWN)),
      ],
      [`Made (${zone()})`, moment(made)],
      ["Last proof", verdictOf(proof)],
    ),
    switches.length > 0 &&
      disclosure(`switches ${name}`, `Became live ${switches.length === 1 ? "once" : `${switches.length} times`}`, () =>
        history(switches),
      ),
    el(
      "div",
      { class: "actions" },
      buttons(generation, live, work),
      proof &&
        el(
          "button",
          { type: "button", class: "small", "data-action": `proof ${name}`, onclick: () => showProof(name) },
          "Show the proof",
          el("span", { class: "visually-hidden" }, ` of ${name}`),
        ),
      state !== "dropped" && command(`crewkit-sessions prove ${name}`),
    ),
  );
}

// A name can't be used again.
function nextName(all) {
  const numbers = all.map(({ name }) => Number(/^g(\d+)$/.exec(name)?.[1] ?? 0));
  return `g${Math.max(...numbers, 0) + 1}`;
}

function verdictOf(proof) {
  if (!proof) return "none";
  return el(
    "span",
    { "data-testid": "proof", "data-value": String(proof.equal) },
    verdictTag(proof.equal, `${proof.equal ? "equal to" : "differs from"} ${proof.compared_with}`),
    ` ${moment(proof.at)}`,
  );
}

function history(switches) {
  return el(
    "ul",
    {},
    switches.map(({ at, requested_by: by, accept_differences: accepted }) =>
      el(
        "li",
        {},
        `${moment(at)} (${zone()})`,
        by ? `, requested by ${by}` : ", when the installation was made",
        accepted && ", with differences accepted",
      ),
    ),
  );
}

// Only the actions that this state allows, and the reason if a switch is not possible yet.
function buttons(generation, live, work) {
  const why = whyNot("switch", generation, live);
  const shown = KINDS.filter((kind) => whyNot(kind, generation, live) === null);
  return [
    shown.map((kind) =>
      el(
        "button",
        {
          type: "button",
          class: kind === "drop" ? "small danger" : "small",
          "data-action": `${kind} ${generation.name}`,
          onclick: () => work.request(kind, generation, live),
        },
        `${buttonName(kind)} …`,
        el("span", { class: "visually-hidden" }, ` ${generation.name}`),
      ),
    ),
    why && !["live", "dropped"].includes(generation.state) && el("span", { class: "muted" }, `Can't switch: ${why}`),
  ];
}
