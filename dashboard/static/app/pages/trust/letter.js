// One dead letter: its bytes, and a form that appends it again, as it is or corrected.

import { getOperator, postOperator } from "../../api.js";
import { el, put } from "../../dom.js";
import { bytes, count } from "../../format.js";
import { fieldProblem } from "../../ui/field_problem.js";
import { ask } from "./dialog.js";
import { command, enable, facts, refusal, inZone } from "./parts.js";

const SHOWN_MAX = 4_000; // characters

/** Read the letter at `position` and show it in `place`. `onRedriven` is called after a redrive. */
export async function letterCard(place, position, { signal, onRedriven }) {
  try {
    const { data } = await getOperator(`/dead-letters/${position}`, {}, { signal });
    const heading = el("h4", { tabindex: -1 }, `Dead letter ${position}`);
    put(place, card(heading, data, { signal, onRedriven, close: () => close(place, position) }));
    heading.focus();
  } catch (error) {
    if (!signal.aborted) put(place, refusal(error));
  }
}

function close(place, position) {
  put(place);
  document.querySelector(`[data-action="show ${position}"]`)?.focus();
}

function card(heading, letter, { signal, onRedriven, close: closed }) {
  const {
    position,
    logged_at: at,
    reason,
    size,
    redriven_to: redriven,
    text,
    value_base64: value,
    key_base64: key,
  } = letter;
  return el(
    "section",
    { class: "letter", "data-letter": position },
    el(
      "div",
      { class: "head-row" },
      heading,
      el("span", { class: "grow" }),
      command(`crewkit-sessions dead-letters show ${position}`),
      el("button", { type: "button", class: "small", onclick: closed }, "Close"),
    ),
    facts(
      ["Logged", inZone(at)],
      ["Size", bytes(size)],
      ["Reason", el("span", { class: "wrap" }, reason)],
      ["Key", keyText(key)],
      redriven.length > 0 && ["Redriven to", redriven.join(", ")],
    ),
    el("h5", {}, text === null ? "The record, in base64 because it is not UTF-8" : "The record"),
    long(text ?? value),
    redriveForm(letter, signal, onRedriven),
  );
}

function keyText(base64) {
  const raw = atob(base64);
  return el("code", { class: "wrap" }, /^[\x20-\x7e]+$/.test(raw) ? raw : `${base64} (base64)`);
}

function long(text) {
  const pre = el("pre", { class: "record", tabindex: 0 }, text.slice(0, SHOWN_MAX));
  const rest = text.length - SHOWN_MAX;
  if (rest <= 0) return pre;
  const more = el(
    "button",
    {
      type: "button",
      class: "small",
      onclick: () => {
        put(pre, text);
        more.remove();
      },
    },
    `Show ${count(rest)} more characters`,
  );
  return [pre, el("p", {}, more)];
}

function redriveForm({ position, text }, signal, onRedriven) {
  const id = `record-${position.replace(":", "-")}`;
  const field = el("textarea", {
    id,
    name: "record",
    rows: 10,
    spellcheck: "false",
  });
  const problem = fieldProblem(field);
  const status = el("div", { role: "status" });
  const correct = el(
    "details",
    {},
    el("summary", {}, "Correct the record first"),
    el("p", {}, "The corrected record, as JSON. Its record_id must stay the same, so that each event counts once."),
    el("label", { for: id }, "Corrected record"),
    field,
    problem.element,
    el(
      "p",
      {},
      el(
        "button",
        {
          type: "button",
          class: "small",
          onclick: () => {
            field.value = text ?? "";
          },
        },
        "Start from the record as it is",
      ),
    ),
  );
  const button = el(
    "button",
    { type: "button", class: "primary", "data-action": `redrive ${position}`, onclick: redrive },
    "Redrive …",
  );

  async function redrive() {
    const corrected = correct.open ? field.value.trim() : "";
    const wrong = corrected ? whyNoRecord(corrected) : null;
    problem.say(wrong);
    if (wrong) return;
    const agreed = await ask({
      signal,
      title: `Redrive ${position}?`,
      action: "Redrive",
      text: [
        `This appends ${corrected ? "the corrected record" : "the record, as it is,"} to the end of the log, and it is projected from there.`,
        "Facts that were counted before still count once. The dead letter stays in the list, and shows the new position. The log keeps both; neither can be removed.",
        !corrected && "Unless its cause was fixed, the record will become a dead letter again.",
      ],
    });
    if (!agreed) return;
    button.disabled = true;
    try {
      const { data } = await postOperator(
        `/dead-letters/${position}/redrive`,
        corrected ? `{"record":${corrected}}` : "{}",
        { signal },
      );
      put(
        status,
        el(
          "p",
          { "data-testid": "redriven", "data-value": data.redriven_to },
          `${position} was appended again at ${data.redriven_to}, to session ${data.session_id}.`,
        ),
      );
      await projected(position, data.redriven_to, signal);
      await onRedriven();
    } catch (error) {
      if (!signal.aborted) put(status, refusal(error));
    } finally {
      enable(button);
    }
  }
  return el(
    "div",
    { class: "redrive" },
    correct,
    el("p", {}, button, " ", command(`crewkit-sessions dead-letters redrive ${position}`)),
    status,
  );
}

// Wait until the list can show the new position; if that takes long, a later round shows it.
async function projected(letter, position, signal) {
  try {
    await getOperator(`/dead-letters/${letter}`, {}, { signal, headers: { "X-Wait-For-Position": position } });
  } catch (error) {
    if (!error.isTemporary) throw error;
  }
}

function whyNoRecord(text) {
  try {
    const value = JSON.parse(text);
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? null : "A record is an object: {…}.";
  } catch (reason) {
    return `This is not JSON: ${reason.message}`;
  }
}
