// The form for an operator's token: only operators see the state of the whole installation.

import { credential, forget, keep } from "../../credentials.js";
import { el } from "../../dom.js";
import { tokenField } from "../../ui/token_field.js";
import { command } from "./parts.js";

/** Return the form; `onDone` is called once an operator's token is stored. */
export function operatorForm(onDone, why = null) {
  const { field, problem, submit } = tokenField("operator", keepOperator, onDone);
  return el(
    "section",
    { class: "card", "data-testid": "operator-form" },
    el("h3", {}, "Are you the operator?"),
    why && el("p", { class: "notice", role: "status" }, why),
    el(
      "p",
      {},
      "Coverage, a recount of all orgs, dead letters and generations need an operator's token. On the machine that runs the installation, this prints one:",
    ),
    el("p", {}, command("crewkit-sessions token --operator --data DIR")),
    el(
      "form",
      { class: "ask", onsubmit: submit },
      el("label", { for: "operator" }, "Paste an operator token"),
      field,
      el("button", { type: "submit" }, "Show the installation"),
    ),
    problem,
  );
}

// `keep` accepts an org's token as well, which would sign the reader in as another user here.
function keepOperator(text) {
  const before = credential("org")?.token;
  const refused = keep(text);
  if (refused || credential("operator")) return refused;
  if (before) keep(before);
  else forget("org");
  return "This token belongs to an org. An operator's token is made with --operator.";
}
