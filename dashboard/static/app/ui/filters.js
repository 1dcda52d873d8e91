// Range and filters at the top of pages that show a selection. Each choice is a new address.

import { get } from "../api.js";
import { credential, may } from "../credentials.js";
import { el } from "../dom.js";
import { moment } from "../format.js";
import { PRESETS, rangeText } from "../ranges.js";
import { navigate } from "../router.js";
import { FILTERS, changed, removing } from "../url.js";
import { choice } from "./choice.js";
import { filterSheet } from "./filter_sheet.js";
import { icon } from "./icons.js";
import { zoneSwitch } from "./zone_switch.js";

const LISTS = { project_id: "projects", repo: "repos", agent_name: "agents", user_id: "users", model: "models" };
const ID_SHOWN = 8;

/**
 * Return the row of controls for `state`. `names` are the filters that the page supports, by default all; `more` are
 * its own controls, of which `chosen` filter something. What can be chosen is asked for once the promise `after` is
 * fulfilled.
 */
export function filterRow(state, signal, { names = Object.keys(FILTERS), more = [], chosen = 0, after } = {}) {
  const shown = names.filter((name) => name !== "user_id" || may("byUser"));
  const fields = shown.map((name) => field(name, state.filters[name]));
  const active = activeFilters(state);
  const controls = [rangePicker(state.range), fields.map(({ element }) => element), more];
  if (fields.length > 0) fillChoices(fields, signal, after);
  return el(
    "form",
    {
      class: "filters",
      role: "search",
      "aria-label": "Range and filters",
      onsubmit: (event) => event.preventDefault(),
    },
    scopeSwitch(state),
    fields.length > 0 ? filterSheet(active.length + chosen, controls) : controls,
    el("span", { class: "muted range-text" }, rangeText(state.range)),
    chips(active),
  );
}

function scopeSwitch({ scope }) {
  if (scope === "all") return null;
  const org = credential()?.claims.org_id;
  return el(
    "span",
    { class: "switch", role: "group", "aria-label": "Whose numbers" },
    [
      ["mine", "Mine"],
      ["org", `All of ${org}, without names`],
    ].map(([key, text]) =>
      el(
        "a",
        { href: changed({ scope: key === "org" ? key : null }), "aria-current": key === scope ? "true" : null },
        text,
      ),
    ),
  );
}

// Each active filter, also those that have no field: its text, and the parameters that make it.
function activeFilters({ filters, params }) {
  const [thread, run, from, to] = ["thread_id", "run_id", "from", "to"].map((name) => params.get(name));
  return [
    ...Object.entries(filters).map(([name, value]) => [`${FILTERS[name]}: ${value}`, [name]]),
    thread && [`Thread ${thread.slice(0, ID_SHOWN)}`, ["thread_id"]],
    run && [`Run ${run.slice(0, ID_SHOWN)}`, ["run_id"]],
    from && to && [`${moment(from)} – ${moment(to)}`, ["from", "to"]],
  ].filter(Boolean);
}

// Each with a way to remove it.
function chips(found) {
  if (found.length === 0) return null;
  return el(
    "span",
    { class: "chips" },
    found.map(([text, names]) =>
      el("a", { class: "chip", href: changed(removing(names)), "aria-label": `Remove ${text}` }, text, icon("cross")),
    ),
    el("a", { class: "clear", href: changed(removing(found.flatMap(([, names]) => names))) }, "Clear filters"),
  );
}

function field(name, value) {
  const onChoose = (chosen) => navigate(changed({ [name]: chosen }));
  return { name, ...choice({ id: `filter-${name}`, name, what: FILTERS[name], value: value ?? null, onChoose }) };
}

async function fillChoices(fields, signal, after) {
  try {
    await after;
    const { data } = await get("/sessions/filters", {}, { signal });
    for (const { name, offer } of fields) offer(data[LISTS[name]]);
  } catch {
    // The page itself says that the server is unavailable; the controls keep their choices.
  }
}

function rangePicker(range) {
  const select = el(
    "select",
    { id: "range", name: "range", onchange: () => choose(select.value) },
    Object.entries({ ...PRESETS, custom: "Custom range …" }).map(([key, label]) => el("option", { value: key }, label)),
  );
  select.value = range.preset;
  const dates = el(
    "span",
    { class: "dates", hidden: range.preset !== "custom" },
    day("start", "From", range.start),
    day("end", "To", range.end),
  );
  const choose = (preset) => {
    if (preset === "custom") {
      dates.hidden = false;
      dates.querySelector("input").focus();
    } else navigate(changed({ range: preset, start: null, end: null }));
  };
  return el(
    "span",
    { class: "field range" },
    el("label", { for: "range", class: "visually-hidden" }, "Range"),
    select,
    dates,
    zoneSwitch("range"),
  );
}

function day(name, label, value) {
  const input = el("input", {
    type: "date",
    id: `range-${name}`,
    name,
    value,
    required: true,
    onchange: () => {
      const [start, end] = ["start", "end"].map((each) => document.getElementById(`range-${each}`).value);
      if (start && end)
        navigate(changed({ range: "custom", start: start < end ? start : end, end: start < end ? end : start }));
    },
  });
  return el("label", {}, el("span", { class: "visually-hidden" }, label), input);
}
