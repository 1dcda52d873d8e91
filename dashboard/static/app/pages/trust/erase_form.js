// A form that erases one session, after it has shown what that session is.

import { get, post } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, fullMoment, money } from "../../format.js";
import { fieldProblem } from "../../ui/field_problem.js";
import { zone } from "../../zone.js";
import { titleOf } from "../sessions/rows.js";
import { ask, warning } from "./dialog.js";
import { enable, refusal } from "./parts.js";

const TICKET = "[A-Za-z0-9._\\/#\\-]{0,64}"; // with the flag v
const SESSION = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Return the form; `refresh()` reads the list again. */
export function eraseForm(signal, refresh) {
  const field = el("input", {
    id: "erased-session",
    name: "session",
    required: true,
    size: 36,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "0b3d5c1e-7a52-4f0e-9c41-5d2f8a9b6c30",
  });
  const problem = fieldProblem(field);
  const answer = el("div", { role: "status" });
  const button = el("button", { type: "submit", class: "danger", "data-action": "erase" }, "Erase …");

  async function submit(event) {
    event.preventDefault();
    const id = field.value.trim();
    const isOne = SESSION.test(id);
    problem.say(isOne ? null : "The id of a session has 36 characters; its page shows it.");
    put(answer);
    if (!isOne) return;
    button.disabled = true;
    try {
      const { data } = await get(`/sessions/${id}`, {}, { signal, isFresh: true });
      const agreed = await confirmed(data, signal);
      if (!agreed) return;
      put(answer, await erased(id, agreed.reason.trim(), signal));
      field.value = "";
      await refresh();
    } catch (error) {
      if (signal.aborted) return;
      put(
        answer,
        error.status === 404 ? el("p", { class: "refusal" }, "There is no such session here.") : refusal(error),
      );
    } finally {
      enable(button);
    }
  }
  return el(
    "div",
    {},
    el("form", { class: "ask", onsubmit: submit }, el("label", { for: field.id }, "Session"), field, button),
    problem.element,
    answer,
  );
}

function confirmed(session, signal) {
  const { user_id: user, started_at: began, counts, model_metrics: sums } = session;
  const reason = "reason-of-erasure";
  return ask({
    signal,
    title: "Erase this session for good?",
    action: "Erase",
    isDanger: true,
    text: [
      el("strong", {}, titleOf(session)),
      `${user ?? "Unknown"}, ${fullMoment(began)} ${zone()}, ${count(counts.events)} events, ${money(sums.cost_usd)}`,
      warning("This can't be undone. All sums become smaller, and whatever is sent for the session later is refused."),
      "Its subagents and continued conversations are sessions of their own, and stay.",
    ],
    fields: [
      el("label", { for: reason }, "Number of a ticket, if there is one. It stays, so write no names."),
      el("input", { id: reason, name: "reason", pattern: TICKET, autocomplete: "off" }),
    ],
  });
}

async function erased(id, reason, signal) {
  const { data, headers } = await post(
    "/erasures",
    { subject: { kind: "session", session_id: id }, reason },
    { signal },
  );
  const position = headers.get("x-log-position");
  try {
    await get("/erasures", { per_page: 1 }, { signal, headers: { "X-Wait-For-Position": position } });
  } catch (error) {
    if (!error.isTemporary) throw error; // it is hidden later
  }
  return el("p", { "data-testid": "erased", "data-value": data.id }, `Session ${id} was erased.`);
}
