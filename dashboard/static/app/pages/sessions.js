// The list of sessions: search, filters, order, pages. All choices are in the address.

import { get } from "../api.js";
import { el, put } from "../dom.js";
import { count } from "../format.js";
import { follow } from "../live.js";
import { timeParams } from "../ranges.js";
import { navigate } from "../router.js";
import { filterRow } from "../ui/filters.js";
import { whyNothing } from "../ui/nothing.js";
import { skeleton } from "../ui/states.js";
import { changed } from "../url.js";
import { sessionTable } from "./sessions/rows.js";

export const title = "Sessions";

const PER_PAGE = 50;
const SORTS = {
  "-started_at": "Newest first",
  started_at: "Oldest first",
  "-cost_usd": "Most expensive first",
  "-tokens": "Most tokens first",
  "-duration_seconds": "Longest first",
  "-last_event_at": "Latest activity first",
};
const CHOICES = {
  status: ["Status: all", { active: "Active", ended: "Ended" }],
  outcome: ["Outcome: all", { success: "Success", failure: "Failure", timeout: "Timeout", cancelled: "Cancelled" }],
  trigger: [
    "Trigger: all",
    { interactive: "Interactive", headless: "Headless", scheduled: "Scheduled", import: "Import" },
  ],
};

/** Show the controls and one page of the list, and keep the list current. */
export async function show(main, view) {
  const { signal, ...state } = view;
  const { params } = state;
  const found = el("p", { class: "muted", "data-testid": "found" });
  const list = el("div", {}, skeleton("40rem"));
  put(
    main,
    el("h1", { class: "visually-hidden" }, "Sessions"),
    filterRow(state, signal),
    searchRow(params),
    found,
    list,
  );
  const query = queryOf(state);
  const path = query.q ? "/sessions/search" : "/sessions";

  await follow({
    root: list,
    signal,
    load: async () => ({ sessions: await get(path, query, { signal }) }),
    async draw({ sessions: { data, meta } }) {
      const total = meta.total_count;
      found.dataset.value = total;
      put(
        found,
        `${count(total)} ${total === 1 ? "session" : "sessions"}${query.q ? ` with “${query.q}”` : ""}`,
        state.filters.model && `. The numbers are for whole sessions, with all their models.`,
      );
      if (total === 0) put(list, await whyNothing("/sessions", signal));
      else put(list, el("div", { class: "card" }, sessionTable(data, params.get("sort"))), pagesRow(meta));
    },
  });
}

function queryOf({ range, filters, params }) {
  const times =
    params.get("from") && params.get("to")
      ? { started_after: params.get("from"), started_before: params.get("to") }
      : timeParams(range);
  const q = params.get("q")?.trim();
  const own = Object.fromEntries(
    ["status", "outcome", "trigger", "thread_id", "run_id"].map((name) => [name, params.get(name)]),
  );
  return {
    ...times,
    ...filters,
    ...own,
    q,
    sort: params.get("sort"),
    page: params.get("page") ?? 1,
    per_page: PER_PAGE,
  };
}

function searchRow(params) {
  const field = el("input", {
    type: "search",
    id: "q",
    name: "q",
    maxlength: 200,
    value: params.get("q") ?? "",
    placeholder: 'Search titles, prompts, summaries … "a phrase"',
  });
  const search = (event) => {
    event.preventDefault();
    navigate(changed({ q: field.value.trim() }));
  };
  return el(
    "div",
    { class: "filters" },
    el(
      "form",
      { class: "search", role: "search", "aria-label": "Sessions", onsubmit: search },
      el("label", { for: "q", class: "visually-hidden" }, "Search"),
      field,
      el("button", { type: "submit" }, "Search"),
    ),
    Object.entries(CHOICES).map(([name, [all, values]]) =>
      choice(name, { "": all, ...values }, params.get(name) ?? ""),
    ),
    choice("sort", SORTS, params.get("sort") ?? "-started_at"),
  );
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
  return el("span", { class: "field" }, el("label", { for: id, class: "visually-hidden" }, name), select);
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
