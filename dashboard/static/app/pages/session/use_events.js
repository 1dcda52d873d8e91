// The events of one use of a tool, or one other event, read from the API by the time of the first of them.

import { eventPages } from "./event_pages.js";
import { callsOf, isOfUse, keyOf } from "./story.js";

const PER_PAGE = 20; // payloads may be large, and an outcome seldom comes long after its call
const PAGES_MAX = 10;

/**
 * Return the events with this key, in log order: of a use its call, outcome, or the batch that names it; else the one
 * event with this id. `at` is the time of the first one. Empty if there is none.
 */
export async function eventsOf(path, { key, at }, signal) {
  const isOwn = (event) => event.event_id === key || callKeys(event).includes(key);
  const until = async (params, isLast) => {
    const pages = eventPages(path, { per_page: PER_PAGE, ...params }, signal);
    const found = [];
    for (let left = PAGES_MAX; left > 0 && !pages.isEnd && !found.some(isLast); left -= 1)
      found.push(...(await pages.next()).filter(isOwn));
    return found;
  };

  const atOnce = await until({ after: at, before: new Date(Date.parse(at) + 1).toISOString() }, isOwn);
  const first = atOnce[0];
  if (first?.event_type !== "PreToolUse" || first.event_id === key) return atOnce;
  const { tool_name, agent_id } = first;
  const own = await until({ after: at, tool_name, agent_id }, isOutcome);
  if (own.some(isOutcome)) return own;
  return [...own, ...(await until({ after: at, event_type: "PostToolBatch" }, isOwn))];
}

function isOutcome(event) {
  return isOfUse(event) && event.event_type !== "PreToolUse";
}

function callKeys(event) {
  if (event.event_type === "PostToolBatch") return callsOf(event).map(({ tool_use_id: id }) => id);
  return isOfUse(event) ? [keyOf(event)] : [];
}
