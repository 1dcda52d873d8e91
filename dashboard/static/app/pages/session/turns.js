// The turns of a conversation as elements. A change of a turn changes only the parts that it is about.

import { el, put } from "../../dom.js";
import { clockTime, count, milliseconds } from "../../format.js";
import { keyed } from "../../ui/keyed.js";
import { longText } from "../../ui/long_text.js";
import { allUses, argumentOf } from "./story.js";
import { costOf } from "./turn_costs.js";
import { TEXT_MAX, firstLine, statusOf, toneOf, useContent } from "./use.js";

/**
 * Return `{draw(turns, costs), partOf(item)}` for the turns in `list`; `costs` are those of `readCosts`. The part of a
 * turn, which is its prompt, or of an item is `{node, unfold()}`; null if it was not drawn yet.
 */
export function turnsIn(list) {
  const parts = new WeakMap();
  let costs = new Map();
  const spentOn = (turn) => costs.get(turn.prompt === null ? "no_turn" : turn.key);
  const drawTurns = keyed(list, {
    stampOf(turn) {
      const { tokens, cost_usd: cost, share } = spentOn(turn) ?? {};
      return [turn.changes, tokens, cost, share].join();
    },
    make(turn, before) {
      const made = before ?? turnOf(turn, parts);
      made.update(spentOn(turn));
      return made;
    },
  });
  return {
    draw(turns, current) {
      costs = current;
      drawTurns(turns);
    },
    partOf: (item) => parts.get(item) ?? null,
  };
}

function turnOf(turn, parts) {
  const facts = el("p", { class: "turn-facts muted" });
  const prompt = turn.prompt === null ? null : said("prompt", turn.prompt || "(a prompt without its text)");
  const items = el("div", {});
  const drawItems = itemsIn(items, parts);
  if (prompt) parts.set(turn, { node: prompt, unfold() {} });
  return {
    node: el("li", { class: "turn card", id: `turn-${turn.key}` }, facts, prompt, items),
    update(spent) {
      const uses = allUses(turn.items);
      const failed = uses.filter(({ status }) => status === "failed").length;
      put(
        facts,
        clockTime(turn.at).slice(0, 8),
        uses.length > 0 && ` · ${usesText(uses.length)}`,
        failed > 0 && el("span", { class: "bad" }, ` · ${count(failed)} failed`),
        costOf(spent),
      );
      drawItems(turn.items);
    },
  };
}

function itemsIn(parent, parts) {
  return keyed(parent, {
    stampOf: (item) => item.changes,
    make(item, before) {
      const made = before ?? itemOf(item, parts);
      made.update?.();
      parts.set(item, made);
      return made;
    },
  });
}

function itemOf(item, parts) {
  switch (item.kind) {
    case "use":
      return useOf(item);
    case "agent":
      return agentOf(item, parts);
    case "answer":
      return { node: said("answer", item.text), unfold() {} };
    default:
      return { node: said(item.isBad ? "bad" : "muted", item.text), unfold() {} };
  }
}

// What a user or an agent said.
function said(kind, text) {
  return longText("div", { class: kind }, text, TEXT_MAX);
}

function useOf(use) {
  return folded(
    "use",
    () => [
      el("strong", {}, use.tool || "tool"),
      el("span", { class: "use-line mono" }, argumentOf(use.input)),
      el("span", { class: toneOf(use) }, statusOf(use)),
      use.error && el("span", { class: "bad use-error" }, firstLine(use.error)),
    ],
    (content) => () => put(content, useContent(use)),
  );
}

function agentOf(agent, parts) {
  return folded(
    "use agent",
    () => [
      el("strong", {}, "Subagent"),
      el("span", { class: "use-line" }, agent.type ?? ""),
      el(
        "span",
        { class: "muted" },
        usesText(allUses(agent.items).length),
        agent.ms !== null && ` · ${milliseconds(agent.ms)}`,
      ),
    ],
    (content) => {
      const [items, answer] = [el("div", {}), el("div", {})];
      put(content, el("div", { class: "agent-items" }, items, answer));
      const drawItems = itemsIn(items, parts);
      return () => {
        drawItems(agent.items);
        put(answer, agent.answer && said("answer", String(agent.answer)));
      };
    },
  );
}

// A part that is folded at first. `contentOf(element)` is called when it is opened, and returns what draws the content.
function folded(kind, summaryOf, contentOf) {
  const summary = el("summary", {});
  const node = el("details", { class: kind }, summary);
  let drawContent = null;
  const fill = () => {
    if (drawContent) return;
    const content = el("div", {});
    drawContent = contentOf(content);
    drawContent();
    node.append(content);
  };
  node.addEventListener("toggle", () => node.open && fill());
  return {
    node,
    unfold() {
      fill();
      node.open = true;
    },
    update() {
      put(summary, summaryOf());
      drawContent?.();
    },
  };
}

function usesText(number) {
  return `${count(number)} ${number === 1 ? "tool use" : "tool uses"}`;
}
