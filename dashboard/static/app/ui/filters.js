// Range and filters at the top of pages that show a selection. Each choice is a new address.

import { get } from "../api.js";
import { may } from "../credentials.js";
import { el, put } from "../dom.js";
import { PRESETS, rangeText } from "../ranges.js";
import { navigate } from "../router.js";
import { FILTERS, changed, removing } from "../url.js";

const LISTS = { project_id: "projects", repo: "repos", agent_name: "agents", user_id: "users", model: "models" };
const ANY = "";

/** Return the row of controls for `state`. `names` are the filters that the page supports, by default all. */
export function filterRow(state, signal, names = Object.keys(FILTERS)) {
  const shown = names.filter((name) => name !== "user_id" || may("byUser"));
  const fields = shown.map((name) => field(name, state.filters[name]));
  if (fields.length > 0) fillChoices(fields, state, signal);
  return el(
    "form",
    {
      class: "filters",
      role: "search",
      "aria-label": "Range and filters",
      onsubmit: (event) => event.preventDefault(),
    },
    rangePicker(state.range),
    fields.map(({ element }) => element),
    Object.keys(state.filters).length > 0 &&
      el("a", { class: "clear", href: changed(removing(Object.keys(FILTERS))) }, "Clear filters"),
  );
}

function field(name, value) {
  const select = el(
    "select",
    {
      id: `filter-${name}`,
      name,
      class: value ? "chosen" : null,
      onchange: () => navigate(changed({ [name]: select.value })),
    },
    option(ANY, `${FILTERS[name]}: all`),
    value && option(value, value),
  );
  select.value = value ?? ANY;
  return {
    name,
    value,
    select,
    element: el(
      "span",
      { class: "field" },
      el("label", { for: select.id, class: "visually-hidden" }, FILTERS[name]),
      select,
    ),
  };
}

async function fillChoices(fields, state, signal) {
  try {
    const { data } = await get("/sessions/filters", {}, { signal });
    for (const { name, value, select } of fields) {
      const values = data[LISTS[name]];
      const all = !value || values.includes(value) ? values : [value, ...values];
      put(
        select,
        option(ANY, `${FILTERS[name]}: all`),
        all.map((each) => option(each, each)),
      );
      select.value = value ?? ANY;
    }
  } catch {
    // The page itself says that the server is unavailable; the controls keep their choices.
  }
}

function option(value, label) {
  return el("option", { value }, label);
}

function rangePicker(range) {
  const select = el(
    "select",
    { id: "range", name: "range", onchange: () => choose(select.value) },
    Object.entries(PRESETS).map(([key, label]) => option(key, label)),
    option("custom", "Custom range …"),
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
    el("span", { class: "muted range-text" }, `${rangeText(range)} UTC`),
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
