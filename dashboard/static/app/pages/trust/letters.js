// The list of records that could not be projected. The reader can open one, with its bytes.

import { getOperator } from "../../api.js";
import { el } from "../../dom.js";
import { count } from "../../format.js";
import { momentColumn, numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { zone } from "../../zone.js";
import { letterCard } from "./letter.js";
import { number, pager, panel, redraw } from "./parts.js";

const PER_PAGE = 10;
const LOOKED_AT = 100; // newest letters, among which those not redriven are counted

/** Return `{element, load(), draw()}`; the counts are stored in `known.letters`. */
export function lettersPanel(known, signal, refresh) {
  const list = el("div", {});
  const shown = el("div", {});
  let page = 1;
  let found = null;
  let drawn = "";

  const draw = () => {
    const now = JSON.stringify([found.data, found.meta]);
    if (now === drawn) return;
    drawn = now;
    redraw(
      list,
      found.meta.total_count === 0
        ? el("p", {}, "None: every record could be projected.")
        : listed(found, known.letters, open),
      pager(found.meta, turn),
    );
  };
  async function load() {
    const [rows, newest] = await Promise.all([
      getOperator("/dead-letters", { page, per_page: PER_PAGE }, { signal }),
      getOperator("/dead-letters", { per_page: LOOKED_AT }, { signal }),
    ]);
    found = rows;
    const { total_count: total } = newest.meta;
    const redriven = newest.data.filter((letter) => letter.redriven_to.length > 0).length;
    known.letters = { total, open: total - redriven, isPart: total > LOOKED_AT, at: new Date().toISOString() };
  }
  async function turn(to) {
    page = to;
    await refresh();
  }
  async function open(position) {
    await letterCard(shown, position, { signal, onRedriven: refresh });
  }
  return {
    element: panel("dead-letters", "Dead letters", "crewkit-sessions dead-letters list", list, shown),
    load,
    draw,
  };
}

function listed({ data, meta }, { open: left, isPart }, open) {
  return [
    el(
      "p",
      {},
      number("dead-letters", meta.total_count, count(meta.total_count)),
      " records could not be projected; ",
      number("dead-letters-open", left, count(left)),
      isPart ? " or fewer of them were not redriven. " : " of them were not redriven. ",
      "Each has a receipt, its bytes are stored, and it held up no other record.",
    ),
    table({
      name: "dead-letters",
      caption: "Records that could not be projected, newest first",
      rows: data,
      rowsShown: PER_PAGE,
      columns: [
        { key: "position", name: "Position", value: (row) => row.position },
        momentColumn("logged_at", `Logged (${zone()})`),
        {
          key: "reason",
          name: "Reason",
          value: (row) => row.reason,
          show: (row) => el("span", { class: "wrap" }, row.reason),
        },
        numberColumn("size", "Bytes"),
        {
          key: "redriven_to",
          name: "Redriven to",
          value: (row) => row.redriven_to.join(", "),
          show: (row) => row.redriven_to.join(", ") || "–",
        },
        {
          key: "show",
          name: "Record",
          value: () => null,
          show: (row) =>
            el(
              "button",
              {
                type: "button",
                class: "small",
                "data-action": `show ${row.position}`,
                onclick: () => open(row.position),
              },
              "Show",
              el("span", { class: "visually-hidden" }, ` ${row.position}`),
            ),
        },
      ],
    }),
  ];
}
