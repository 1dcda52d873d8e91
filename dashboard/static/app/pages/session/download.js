// A session as a file: what the API answers to this reader, made in the page. Later erasures don't reach it.

import { get } from "../../api.js";
import { exactMoney, fullMoment } from "../../format.js";
import { zone } from "../../zone.js";
import { titleOf } from "../sessions/rows.js";
import { eventPages } from "./event_pages.js";
import { argumentOf, editsOf, storyOf } from "./story.js";

const PER_PAGE = 1_000;
const NOTE = "Downloaded from crewkit-sessions. If the session is erased there, this file remains.";
// The file needs no script and loads nothing, and its policy lets it neither.
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}" +
  "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f3f4f6;padding:.6rem;border-radius:6px}" +
  "blockquote{margin:1.5rem 0 .5rem;padding-left:.8rem;border-left:4px solid #3b5bdb;white-space:pre-wrap;font-weight:600}" +
  "summary{cursor:pointer}.bad{color:#b42318}.muted{color:#667085}.answer{white-space:pre-wrap}";

/** The kinds of files: a name, a suffix, a media type, and how to make the text. */
export const KINDS = [
  { name: "JSON", suffix: "json", type: "application/json", make: jsonOf },
  { name: "Markdown", suffix: "md", type: "text/markdown", make: markdownOf },
  { name: "Web page", suffix: "html", type: "text/html", make: pageOf },
];

/** Read a session with all of its events; `onRead(number)` is told how many there are so far. */
export async function readWhole(id, signal, onRead) {
  const options = { isFresh: true };
  const { data: session } = await get(`/sessions/${id}`, {}, { ...options, signal });
  const pages = eventPages(`/sessions/${id}/events`, { per_page: PER_PAGE }, signal, options);
  const events = [];
  do {
    events.push(...(await pages.next()));
    onRead(events.length);
  } while (!pages.isEnd);
  return { session, events };
}

function jsonOf({ session, events }) {
  return `${JSON.stringify({ note: NOTE, session, events }, null, 2)}\n`;
}

function factsOf({ session }) {
  const { user_id: user, agent_name: agent, repo, branch, started_at: at, model_metrics: sums } = session;
  return [user, agent, repo, branch, `${fullMoment(at)} ${zone()}`, exactMoney(sums.cost_usd)]
    .filter(Boolean)
    .join(" · ");
}

function markdownOf(whole) {
  const lines = [`# ${oneLine(titleOf(whole.session))}`, "", factsOf(whole), "", `*${NOTE}*`, ""];
  for (const turn of storyOf(whole.events)) {
    if (turn.prompt !== null) lines.push(...turn.prompt.split("\n").map((line) => `> ${line}`), "");
    for (const item of turn.items) lines.push(...itemLines(item, ""));
  }
  return `${lines.join("\n")}\n`;
}

function itemLines(item, indent) {
  if (item.kind === "answer") return [...item.text.split("\n").map((line) => indent + line), ""];
  if (item.kind === "note") return [`${indent}*${oneLine(item.text)}*`, ""];
  if (item.kind === "agent")
    return [
      `${indent}- **Subagent** ${item.type ?? ""}`,
      ...partsOf(item).flatMap((one) => itemLines(one, `${indent}  `)),
    ];
  const failure = item.error ? [`${indent}  - ${oneLine(String(item.error)).slice(0, 500)}`] : [];
  return [`${indent}- **${item.tool || "tool"}** ${oneLine(argumentOf(item.input))} (${item.status})`, ...failure, ""];
}

// What a subagent did, and its answer.
function partsOf({ items, answer }) {
  return answer ? [...items, { kind: "answer", text: String(answer) }] : items;
}

const oneLine = (text) => text.replaceAll(/\s+/g, " ").trim();

function pageOf(whole) {
  const title = escaped(titleOf(whole.session));
  const turns = storyOf(whole.events).map(
    (turn) =>
      (turn.prompt === null ? "" : `<blockquote>${escaped(turn.prompt)}</blockquote>\n`) +
      turn.items.map(itemOf).join("\n"),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1><p class="muted">${escaped(factsOf(whole))}</p><p class="muted">${NOTE}</p>
${turns.join("\n")}
</body></html>
`;
}

function itemOf(item) {
  if (item.kind === "answer") return `<div class="answer">${escaped(item.text)}</div>`;
  if (item.kind === "note") return `<p class="${item.isBad ? "bad" : "muted"}">${escaped(item.text)}</p>`;
  if (item.kind === "agent")
    return `<details><summary>Subagent ${escaped(item.type ?? "")}</summary>${partsOf(item).map(itemOf).join("\n")}</details>`;
  const parts = editsOf(item)
    .map(({ removed, added }) =>
      [...removed.map((line) => `− ${line}`), ...added.map((line) => `+ ${line}`)].join("\n"),
    )
    .concat([item.input, item.error, item.output].filter((part) => part !== null).map(textOf));
  const state = item.error || item.status === "denied" ? ` <span class="bad">${item.status}</span>` : "";
  const head = `<strong>${escaped(item.tool || "tool")}</strong> ${escaped(argumentOf(item.input))}${state}`;
  return `<details><summary>${head}</summary>${parts.map((part) => `<pre>${escaped(part)}</pre>`).join("")}</details>`;
}

function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text) {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]);
}
