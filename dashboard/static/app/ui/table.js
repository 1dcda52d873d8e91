// A table that sorts by its columns and can be saved as CSV.

import { el, put } from "../dom.js";
import { csvButton } from "./csv.js";
import { scrollingTable } from "./scrolling_table.js";

const chosen = new Map(); // name -> {order, isWhole}: the reader's choices, which a redraw keeps

/**
 * Return a table. `columns`: `{key, name, value(row), show?(row), align?, bar?, link?(row), title?(row)}`;
 * `value` is the raw value (for sorting and CSV), `show` the node or text. `bar` draws the share of the largest value.
 * `sort` is the key to sort by at first, "-key" for descending; without it rows keep their order and can't be sorted.
 */
export function table({
  name,
  caption,
  columns,
  rows,
  sort = null,
  rowsShown = 10,
  csv = null,
  empty = "Nothing here.",
}) {
  let { order, isWhole } = chosen.get(name) ?? { order: sort, isWhole: false };
  const body = el("tbody", {});
  const heads = columns.map((column) => headOf(column));
  const more = el("button", { type: "button", class: "small", onclick: () => choose({ isWhole: true }) });

  function headOf(column) {
    const label =
      sort === null
        ? column.name
        : el(
            "button",
            {
              type: "button",
              class: "sort",
              onclick: () => choose({ order: order === `-${column.key}` ? column.key : `-${column.key}` }),
            },
            column.name,
          );
    return el("th", { scope: "col", class: column.align ?? null }, label);
  }

  function choose(change) {
    ({ order, isWhole } = { order, isWhole, ...change });
    chosen.set(name, { order, isWhole });
    draw();
  }

  function draw() {
    const shown = isWhole ? sorted() : sorted().slice(0, rowsShown);
    const tops = Object.fromEntries(
      columns
        .filter((column) => column.bar)
        .map((column) => [column.key, Math.max(...rows.map((row) => column.value(row) ?? 0), 0)]),
    );
    put(
      body,
      shown.map((row) =>
        el(
          "tr",
          {},
          columns.map((column, at) => cell(column, row, at, tops)),
        ),
      ),
      rows.length === 0 && el("tr", {}, el("td", { colspan: columns.length, class: "muted" }, empty)),
    );
    heads.forEach((head, at) => {
      const isKey = order && order.replace("-", "") === columns[at].key;
      if (isKey) head.setAttribute("aria-sort", order.startsWith("-") ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    more.hidden = isWhole || rows.length <= rowsShown;
    put(more, `Show all ${rows.length}`);
  }

  function sorted() {
    if (order === null) return rows;
    const column = columns.find(({ key }) => key === order.replace("-", ""));
    const sign = order.startsWith("-") ? -1 : 1;
    return rows.toSorted((a, b) => sign * compare(column.value(a), column.value(b)));
  }

  draw();
  return el(
    "div",
    { class: "table", "data-table": name },
    scrollingTable({ caption }, el("thead", {}, el("tr", {}, heads)), body),
    el("div", { class: "table-foot" }, more, csv && csvButton(csv, columns, () => sorted())),
  );
}

function cell(column, row, at, tops) {
  const raw = column.value(row);
  const shown = column.show ? column.show(row) : (raw ?? "–");
  const link = column.link?.(row);
  const content = link ? el("a", { href: link }, shown) : shown;
  const share = column.bar && tops[column.key] > 0 ? (raw ?? 0) / tops[column.key] : null;
  return el(
    at === 0 ? "th" : "td",
    {
      scope: at === 0 ? "row" : null,
      class: [column.align, share !== null && "barred"].filter(Boolean).join(" ") || null,
      title: column.title?.(row) ?? null,
      "data-key": column.key,
      "data-name": column.name,
      "data-value": raw ?? "",
    },
    share !== null && el("span", { class: "share", style: { "--share": share }, "aria-hidden": "true" }),
    content,
  );
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
