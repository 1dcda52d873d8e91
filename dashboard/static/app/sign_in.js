// The sign-in form, for readers who did not open a link with a token.

import { keep } from "./credentials.js";
import { el } from "./dom.js";
import { tokenField } from "./ui/token_field.js";

/** Return the form; `why` says why it is shown, `onDone` is called once a token is stored. */
export function signInForm(why, onDone) {
  const { field, problem, submit } = tokenField("token", keep, onDone);
  return el(
    "section",
    { class: "sign-in card" },
    el("h1", {}, "Sign in"),
    why && el("p", { class: "notice", role: "status" }, why),
    el("p", {}, "Paste a token of your org. On the machine that runs crewkit-sessions, this prints one:"),
    el("pre", {}, el("code", {}, "crewkit-sessions token --org acme --user you --role admin")),
    el(
      "form",
      { onsubmit: submit },
      el("label", { for: "token" }, "Token"),
      field,
      problem,
      el("button", { type: "submit", class: "primary" }, "Sign in"),
    ),
    el(
      "p",
      { class: "muted" },
      "Other tabs of this browser use the token, too; it is gone when the last one closes. An operator's token (add " +
        "--operator) stays in its tab.",
    ),
  );
}
