// The state of a page is in its address, so that links, bookmarks and the back button work.

import { credential, may } from "./credentials.js";
import { DEFAULT_PRESET, rangeOf } from "./ranges.js";

/** The filters that all pages share, under the API's names. */
export const FILTERS = {
  project_id: "Project",
  repo: "Repository",
  agent_name: "Agent",
  user_id: "User",
  model: "Model",
};

/** The filters of a session's events, under the API's names. */
export const EVENT_FILTERS = ["event_type", "tool_name", "agent_id", "after", "before"];

/** What the panel of a session shows: the key of a tool use, or the id of an event, and its time. */
export const OPEN_USE = ["use", "at"];

/** Changes that remove these parameters from an address. */
export function removing(names) {
  return Object.fromEntries(names.map((name) => [name, null]));
}

/**
 * Return what the current address says: `{range, filters, params, scope, own}`.
 *
 * A reader who sees only their own sessions chooses between their own numbers ("mine") and those of the org, without
 * names ("org"); for others, `scope` is "all". `own` is its filter for analytics; lists need none.
 */
export function readState(search = location.search) {
  const params = new URLSearchParams(search);
  const filters = {};
  for (const name of Object.keys(FILTERS)) if (params.get(name)) filters[name] = params.get(name);
  const scope = may("readAll") ? "all" : params.get("scope") === "org" ? "org" : "mine";
  const own = scope === "mine" ? { user_id: credential()?.claims.sub } : {};
  return { range: rangeOf(params.get("range"), params.get("start"), params.get("end")), filters, params, scope, own };
}

/** Return the address of the sessions behind a number; null if the reader may not see them. */
export function listHref(state, changes = {}) {
  return state.scope === "org" ? null : href("/sessions", state, changes);
}

/** Return `path` with the range and the filters of `state` as parameters, changed by `changes` (null removes one). */
export function href(path, state, changes = {}) {
  const { preset, start, end } = state.range;
  const own =
    preset === "custom" ? { range: preset, start, end } : { range: preset === DEFAULT_PRESET ? null : preset };
  return withParams(path, { ...own, ...state.filters, scope: state.scope === "org" ? "org" : null, ...changes });
}

/** Return the current address with some parameters changed (null removes one) and without the page number. */
export function changed(changes) {
  const all = Object.fromEntries(new URLSearchParams(location.search));
  return withParams(location.pathname, { ...all, page: null, ...changes });
}

/** The changes that list the sessions behind what happened in the range, in whichever range they started. */
export const HAPPENED = { within: "spent" };
export const BY_COST = { ...HAPPENED, sort: "-cost_usd" };
export const BY_TOKENS = { ...HAPPENED, sort: "-tokens" };

/** The changes that select one day. */
export function oneDay(day) {
  return { range: "custom", start: day, end: day };
}

function withParams(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}
