// The run as a tree: its conversations, and in each the tools, subagents and tasks, nested by what started them.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { clockTime, count, milliseconds, money } from "../../format.js";
import { outcomeTag } from "../../ui/outcome.js";
import { titleOf } from "../sessions/rows.js";

const NODES_AT_ONCE = 200;

/** Return the view; branches are built when they are opened. */
export function makeView(body, { session, signal }) {
  return {
    async refresh() {
      const {
        data: { run },
        isNew,
      } = await get(`/sessions/${session.id}/hierarchy`, { include: "tools" }, { signal });
      if (!isNew && body.querySelector(".tree")) return;
      put(
        body,
        el(
          "section",
          { class: "card tree" },
          el("h2", {}, "Run"),
          el(
            "p",
            { class: "muted" },
            `${count(run.totals.sessions)} ${run.totals.sessions === 1 ? "conversation" : "conversations"}, ${count(run.totals.events)} events, ${count(run.totals.tool_calls)} tool uses, ${money(run.totals.cost_usd)}`,
          ),
          run.conversations.map((conversation) => conversationOf(conversation, conversation.id === session.id)),
        ),
      );
    },
  };
}

function conversationOf(conversation, isOpen) {
  const summary = el(
    "summary",
    {},
    el("strong", {}, titleOf(conversation)),
    " ",
    outcomeTag(conversation),
    " ",
    el(
      "span",
      { class: "muted" },
      `${count(conversation.counts.tool_calls)} tool uses · ${money(conversation.model_metrics.cost_usd)}`,
    ),
  );
  return branch(
    summary,
    () => [
      !isOpen && el("p", {}, el("a", { href: `/sessions/${conversation.id}` }, "Open this conversation")),
      conversation.truncated &&
        el("p", { class: "notice" }, "Only the first 5,000 nodes are shown. See Events for all."),
      children(conversation.tasks),
    ],
    isOpen,
  );
}

function children(nodes, from = 0) {
  if (nodes.length === 0) return el("p", { class: "muted" }, "No tools or tasks.");
  const list = el(
    "ul",
    {},
    nodes.slice(from, from + NODES_AT_ONCE).map((node) => el("li", {}, nodeOf(node))),
  );
  const rest = nodes.length - from - NODES_AT_ONCE;
  if (rest > 0) {
    const more = el(
      "button",
      { type: "button", class: "small", onclick: () => more.replaceWith(children(nodes, from + NODES_AT_ONCE)) },
      `${count(rest)} more`,
    );
    list.append(el("li", {}, more));
  }
  return list;
}

function nodeOf(node) {
  const line = [
    el("span", { class: `kind ${node.kind}` }, node.kind),
    ` ${node.name ?? "unnamed"} `,
    node.status !== "completed" &&
      el("span", { class: `tag ${node.status === "failed" ? "bad" : "warn"}` }, node.status),
    el(
      "span",
      { class: "muted" },
      ` ${clockTime(node.started_at)} · ${milliseconds(node.duration_ms)}`,
      node.tool_calls > 0 && ` · ${count(node.tool_calls)} tool uses`,
    ),
  ];
  return node.children.length
    ? branch(el("summary", {}, line), () => children(node.children), node.kind === "subagent")
    : el("span", {}, line);
}

function branch(summary, make, isOpen) {
  const details = el("details", { open: isOpen }, summary);
  const fill = () => {
    if (details.open && !details.dataset.made) {
      details.dataset.made = "yes";
      details.append(...[make()].flat().filter(Boolean));
    }
  };
  details.addEventListener("toggle", fill);
  fill();
  return details;
}
