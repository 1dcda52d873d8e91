// The list of sessions: search, filters, order, pages. All choices are in the address.

import { get } from "../api.js";
import { el, put } from "../dom.js";
import { count, counted, moment } from "../format.js";
import { follow } from "../live.js";
import { allowOld } from "../memory.js";
import { timeParams } from "../ranges.js";
import { navigate } from "../router.js";
import { filterRow } from "../ui/filters.js";
import { whyNothing } from "../ui/nothing.js";
import { skeleton } from "../ui/states.js";
import { changed, removing } from "../url.js";
import { exportMenu } from "./sessions/export.js";
import { sessionTable } from "./sessions/rows.js";

export const title = "Sessions";

const PER_PAGE = 50;
const TIMES = ["started_after", "started_before", "spent_after", "spent_before"];
const SORTS = {
  "-started_at": "Newest first",
  started_at: "Oldest first",
  "-cost_usd": "Most expensive first",
  "-tokens": "Most tokens first",
  "-duration_seconds": "Longest first",
  "-last_event_at": "Latest activity first",
};
const LABELS = { within: "Sessions that" };
const CHOICES = {
  within: ["Started in the range", { spent: "Spent something in the range", any: "Of all time" }],
  status: ["Status: all", { active: "Active", ended: "Ended" }],
  outcome: [
    "Outcome: all",
    {
      success: "Success",
      "failure,timeout": "Failed or timed out",
      failure: "Failure",
      timeout: "Timeout",
      cancelled: "Cancelled",
      none: "Active, or not reported",
    },
  ],
  trigger: [
    "Trigger: all",
    { interactive: "Interactive", headless: "Headless", scheduled: "Scheduled", import: "Import" },
  ],
};

/** Show the controls and one page of the list, and keep the list current. */
export async function show(main, view) {
  const { signal, ...state } = view;
  allowOld(signal);
  const { params } = state;
  const query = queryOf(state);
  const path = query.q ? "/sessions/search" : "/sessions";
  const found = el("span", { class: "muted", "data-testid": "found" });
  const beyond = el("span", { "data-testid": "beyond" });
  const list = el("div", {}, skeleton("40rem"));
  put(
    main,
    el("h1", { class: "visually-hidden" }, "Sessions"),
    searchForm(params),
    filterRow({ ...state, scope: "all" }, signal, { more: choices(params), chosen: chosenOf(params) }),
    el("div", { class: "head-row" }, found, beyond, el("span", { class: "grow" }), exportMenu(path, query, signal)),
    list,
  );

  await follow({
    root: list,
    signal,
    load: async () => {
      const [sessions, ever] = await Promise.all([get(path, query, { signal }), everFound(path, query, signal)]);
      return { sessions, ever };
    },
    async draw({ sessions: { data, meta }, ever }) {
      const total = meta.total_count;
      const all = ever?.meta.total_count ?? 0;
      put(beyond, all > total && el("a", { href: changed({ within: "any" }) }, `Search all time (${count(all)})`));
      found.dataset.value = total;
      put(
        found,
        `${counted(total, "session")}${query.q ? ` with “${query.q}”` : ""}`,
        query.spent_after
          ? `. Tokens and cost are those of the range${state.filters.model ? ", with this model" : ""}.`
          : state.filters.model && ". The numbers are for whole sessions, with all their models.",
        meta.events_missing_until &&
          `. Events received up to ${moment(meta.events_missing_until)} may be missing: a replay adds them.`,
      );
      if (total === 0) put(list, await whyNothing("/sessions", signal));
      else put(list, el("div", { class: "card" }, sessionTable(data, params.get("sort"), query.q)), pagesRow(meta));
    },
  });
}

// What a search that the range limits finds without it, for the number of sessions; null for any other list.
function everFound(path, query, signal) {
  if (!query.q || !TIMES.some((name) => query[name])) return null;
  return get(path, { ...query, ...removing(TIMES), page: 1, per_page: 1 }, { signal });
}

function timesOf(range, params) {
  const within = params.get("within");
  if (within === "any") return {};
  const what = within === "spent" ? "spent" : "started";
  const [from, to] = [params.get("from"), params.get("to")];
  return from && to ? { [`${what}_after`]: from, [`${what}_before`]: to } : timeParams(range, what);
}

/** Return the parameters of the API for what an address says. */
export function queryOf({ range, filters, params }) {
  const times = timesOf(range, params);
  const q = params.get("q")?.trim();
  const own = Object.fromEntries(
    ["status", "outcome", "trigger", "thread_id", "run_id"].map((name) => [name, params.get(name)]),
  );
  return {
    ...times,
    ...filters,
    ...own,
    q,
    events: q ? true : null,
    sort: params.get("sort"),
    page: params.get("page") ?? 1,
    per_page: PER_PAGE,
  };
}

function searchForm(params) {
  const field = el("input", {
    type: "search",
    id: "q",
    name: "q",
    maxlength: 200,
    value: params.get("q") ?? "",
    placeholder: 'Search prompts, answers, commands, paths, errors … "a phrase"',
  });
  const search = (event) => {
    event.preventDefault();
    navigate(changed({ q: field.value.trim() }));
  };
  return el(
    "form",
    { class: "search", role: "search", "aria-label": "Sessions", onsubmit: search },
    el("label", { for: "q", class: "visually-hidden" }, "Search"),
    field,
    el("button", { type: "submit" }, "Search"),
  );
}

function choices(params) {
  return [
    ...Object.entries(CHOICES).map(([name, [all, values]]) =>
      choice(name, { "": all, ...values }, params.get(name) ?? ""),
    ),
    choice("sort", SORTS, params.get("sort") ?? "-started_at"),
  ];
}

function chosenOf(params) {
  return Object.keys(CHOICES).filter((name) => params.get(name)).length;
}

function choice(name, options, value) {
  const id = `choice-${name}`;
  const select = el(
    "select",
    {
      id,
      name,
      class: value && name !== "sort" ? "chosen" : null,
      onchange: () =>
        navigate(changed({ [name]: name === "sort" && select.value === "-started_at" ? null : select.value })),
    },
    Object.entries(options).map(([key, text]) => el("option", { value: key }, text)),
  );
  select.value = value;
  const label = el("label", { for: id, class: "visually-hidden" }, LABELS[name] ?? name);
  return el("span", { class: "field" }, label, select);
}

function pagesRow({ current_page: page, total_pages: pages }) {
  if (pages <= 1) return null;
  const to = (number, text) =>
    number >= 1 && number <= pages
      ? el("a", { href: changed({ page: number }) }, text)
      : el("span", { class: "muted" }, text);
  return el(
    "nav",
    { class: "pages", "aria-label": "Pages of the list" },
    to(page - 1, "← Previous"),
    el("span", {}, `Page ${count(page)} of ${count(pages)}`),
    to(page + 1, "Next →"),
  );
}
