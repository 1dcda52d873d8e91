// Who works on what now, and which sessions wait for a person.

import { el } from "../../dom.js";
import { count, duration, exactMoney, money, named } from "../../format.js";
import { titleOf } from "../sessions/rows.js";

const SHOWN_MAX = 6;
let isOpen = false; // the rest of the list, which stays open while the strip is drawn again

/** Return the strip of live sessions, those that wait longest first; null without any. */
export function liveStrip({ data: sessions }) {
  if (sessions.length === 0) return null;
  const waiting = sessions
    .filter((session) => session.waiting_since)
    .toSorted((a, b) => (a.waiting_since < b.waiting_since ? -1 : 1));
  const working = sessions.filter((session) => !session.waiting_since);
  const all = [...waiting, ...working];
  const rest = all.slice(SHOWN_MAX);
  return el(
    "section",
    { class: "card live", "data-panel": "live" },
    el("h2", {}, `Now: ${count(working.length)} at work, ${count(waiting.length)} waiting for a person`),
    el("ul", {}, all.slice(0, SHOWN_MAX).map(item)),
    rest.length > 0 && more(rest),
  );
}

function more(rest) {
  return el(
    "details",
    {
      open: isOpen,
      ontoggle(event) {
        isOpen = event.target.open;
      },
    },
    el("summary", {}, `${count(rest.length)} more`),
    el("ul", {}, rest.map(item)),
  );
}

function item(session) {
  const { user_id: user, agent_name: agent, repo, branch, last_tool: tool, waiting_since: since } = session;
  const place = [user, agent, repo, branch].filter(Boolean).join(" · ");
  return el(
    "li",
    { "data-session": session.id },
    el("span", { class: `dot ${since ? "waits" : "works"}`, "aria-hidden": "true" }),
    el("a", { href: `/sessions/${session.id}` }, titleOf(session)),
    el("span", { class: "muted" }, place),
    el("span", {}, since ? `waiting for ${duration((Date.now() - Date.parse(since)) / 1000)}` : named(tool, "working")),
    el("span", { class: "number", title: exactMoney(session.cost_usd) }, money(session.cost_usd)),
  );
}
