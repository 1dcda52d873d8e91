// What became of one log position. Each write returns a position, and each session shows its last one.

import { get } from "../../api.js";
import { credential } from "../../credentials.js";
import { el, put } from "../../dom.js";
import { count, counted } from "../../format.js";
import { readdress } from "../../router.js";
import { fieldProblem } from "../../ui/field_problem.js";
import { changed } from "../../url.js";
import { command, curl, facts, number, panel, refusal, inZone } from "./parts.js";

const POSITION = /^(0|[1-9]\d*):(0|[1-9]\d*)$/;
const WORDS = {
  projected: ["good", "It is in the tables."],
  dead: ["bad", "It could not be projected. An operator can correct it and append it again."],
  erased: ["warn", "It was erased. The log keeps its place, and nothing else of it."],
  waiting: ["warn", "It is not projected yet, or not written yet, or belongs to another org."],
};

/** Return `{element}`. A position in the address is looked up at once. */
export function receiptPanel(params, signal) {
  const given = params.get("position") ?? "";
  const field = el("input", {
    id: "position",
    name: "position",
    value: given,
    placeholder: "2:1841",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    inputmode: "numeric",
  });
  const problem = fieldProblem(field);
  const answer = el("div", { role: "status" });
  const form = el(
    "form",
    { class: "ask", onsubmit: submit },
    el("label", { for: "position" }, "Position of the log"),
    field,
    el("button", { type: "submit" }, "Show its receipt"),
  );

  async function submit(event) {
    event?.preventDefault();
    const position = field.value.trim();
    const isOne = POSITION.test(position);
    problem.say(isOne ? null : "A position is a partition and an offset: 2:1841.");
    put(answer);
    if (!isOne) return;
    readdress(changed({ position }));
    try {
      const { data } = await get(`/ops/receipts/${position}`, {}, { signal });
      put(answer, receipt(data));
    } catch (error) {
      if (signal.aborted) return;
      put(
        answer,
        error.status === 404 ? el("p", { class: "refusal" }, `The log has no position ${position}.`) : refusal(error),
      );
    }
  }

  if (given) submit();
  return {
    element: panel(
      "receipt",
      "Ask about one position",
      null,
      el(
        "p",
        {},
        "Each write returns the position of its record in X-Log-Position. The receipt says what became of the record.",
      ),
      form,
      problem.element,
      answer,
    ),
  };
}

function receipt({ position, outcome, received_at: received, stored_at: stored, facts: all, added, reason }) {
  const [mood, words] = WORDS[outcome] ?? ["", ""];
  const tookMs = received && stored ? Date.parse(stored) - Date.parse(received) : null;
  const { org_id: org } = credential().claims;
  return el(
    "div",
    { "data-testid": "receipt", "data-value": outcome },
    el("p", {}, el("strong", {}, position), " ", el("span", { class: `tag ${mood}` }, outcome), ` ${words}`),
    outcome === "waiting" || outcome === "erased"
      ? null
      : facts(
          ["Accepted", inZone(received)],
          ["In the tables", tookMs === null ? inZone(stored) : `${inZone(stored)}, ${count(tookMs)} ms later`],
          ["Facts in the record", number("receipt-facts", all, counted(all, "fact"))],
          [
            "New facts",
            [
              number("receipt-added", added, count(added)),
              all > added && " – the others were counted before, and still count once",
            ],
          ],
          reason && ["Reason", reason],
        ),
    command(curl(`${org}/ops/receipts/${position}`, "org")),
  );
}
