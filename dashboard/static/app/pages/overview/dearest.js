// The sessions that cost most in the range.

import { may } from "../../credentials.js";
import { el } from "../../dom.js";
import { moment } from "../../format.js";
import { costColumn, tokensColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { BY_COST, href } from "../../url.js";
import { titleOf } from "../sessions/rows.js";

/** Return the panel, or null if no session that the reader may see cost anything. */
export function dearestPanel({ data: sessions }, state) {
  const rows = sessions.filter(({ spent }) => spent.cost_usd > 0).map((session) => ({ session, ...session.spent }));
  if (rows.length === 0) return null;
  const heading = may("readAll") ? "Sessions that cost most" : "Your sessions that cost most";
  return el(
    "section",
    { class: "card", "data-panel": "dearest" },
    el("h2", {}, heading),
    table({
      name: "dearest",
      caption: heading,
      rows,
      columns: [
        {
          key: "session",
          name: "Session",
          value: ({ session }) => session.id,
          show: ({ session }) => [
            el("a", { href: `/sessions/${session.id}` }, titleOf(session)),
            el("div", { class: "line2" }, ofSession(session)),
          ],
        },
        costColumn(),
        tokensColumn(),
      ],
    }),
    el("p", {}, el("a", { href: href("/sessions", { ...state, scope: null }, BY_COST) }, "All, by cost")),
  );
}

// Titles are the beginning of a prompt, so several sessions may have the same.
function ofSession({ user_id: user, agent_name: agent, started_at: started }) {
  return [user, agent]
    .filter(Boolean)
    .map((name) => `${name} · `)
    .concat(moment(started))
    .join("");
}
