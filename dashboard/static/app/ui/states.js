// Shown in place of numbers: a placeholder while loading, a text if there is nothing, or an error and what to do.

import { el } from "../dom.js";
import { credential } from "../credentials.js";
import { explain, isLocal } from "../problem.js";

/** A block as high as the content will be, so that the page does not jump. */
export function skeleton(height = "8rem") {
  return el("div", { class: "skeleton", style: { "min-height": height }, "aria-hidden": "true" });
}

/** A failed read, with what the reader can do. */
export function failure(error) {
  const id = error.requestId;
  return el(
    "section",
    { class: "card failure", role: "alert", "data-testid": "failure" },
    el("h2", {}, error.status ? `This can't be shown (${error.status})` : "This can't be shown"),
    el(
      "p",
      {},
      error.status === undefined
        ? "Something went wrong in this page. Reload it; if it happens again, report what the console says."
        : explain(error),
    ),
    Object.keys(error.details ?? {}).length > 0 &&
      el(
        "ul",
        {},
        Object.entries(error.details).map(([field, why]) => el("li", {}, `${field}: ${[why].flat().join("; ")}`)),
      ),
    el("p", {}, el("a", { href: "/" }, "To the overview")),
    id && el("p", { class: "muted" }, `Look for request ${id} in the server's logs.`),
  );
}

/** Nothing matches the range and the filters. */
export function nothingMatches(what, clearHref) {
  return el(
    "div",
    { class: "empty", "data-testid": "nothing-matches" },
    el("p", {}, `No ${what} in this range with these filters.`),
    clearHref && el("p", {}, el("a", { href: clearHref }, "Show the last 90 days without filters")),
  );
}

/** The org has no session yet: how to connect an agent. */
export function connectAnAgent() {
  const { org_id: org, sub } = credential().claims;
  const options = isLocal() ? `--org ${quoted(org)} --user ${quoted(sub)}` : `--url ${location.origin}`;
  return el(
    "section",
    { class: "card teach", "data-testid": "connect" },
    el("h2", {}, "Connect an agent, and its sessions appear here"),
    el(
      "p",
      {},
      `On the machine with your agents, type this. ${isLocal() ? "It connects" : "It asks for a token, and connects"} `,
      "Claude Code, Codex and Gemini CLI. Then start one of them, and come back:",
    ),
    el("pre", {}, el("code", {}, `crewkit-hook connect ${options}`)),
    el("p", {}, "Or start a separate installation with 200 sample sessions:"),
    el("pre", {}, el("code", {}, "crewkit-sessions demo --keep")),
    el(
      "p",
      { class: "muted" },
      "This page updates itself. ",
      el("a", { href: "/schema" }, "The API"),
      " accepts events from any other client.",
    ),
  );
}

/** A word of a command, as a shell reads it. */
function quoted(word) {
  return /^[\w.@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
