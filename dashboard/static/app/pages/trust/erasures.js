// The sessions of the org that were erased, how far each erasure is, and a form that erases one.

import { get } from "../../api.js";
import { credential } from "../../credentials.js";
import { el } from "../../dom.js";
import { momentColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { zone } from "../../zone.js";
import { erasureCard, stateOf } from "./erasure.js";
import { eraseForm } from "./erase_form.js";
import { pager, panel, redraw } from "./parts.js";

const PER_PAGE = 10;

/** Return `{element, load(), draw()}`; `refresh()` reads the page again. */
export function erasuresPanel(signal, refresh) {
  const list = el("div", {});
  const shown = el("div", {});
  let page = 1;
  let found = null;
  let drawn = "";

  async function turn(to) {
    page = to;
    await refresh();
  }
  return {
    element: panel(
      "erasures",
      "Erasures",
      `crewkit-sessions erasures list --org ${credential().claims.org_id}`,
      el(
        "p",
        {},
        "An erased session is hidden within seconds: no page and no sum shows it. A day later its rows are removed from the disk. It is certified once a search of every table and of the log has found nothing more of it.",
      ),
      eraseForm(signal, refresh),
      list,
      shown,
    ),
    async load() {
      found = await get("/erasures", { page, per_page: PER_PAGE }, { signal });
    },
    draw() {
      const now = JSON.stringify([found.data, found.meta.total_count]);
      if (now === drawn) return;
      drawn = now;
      const open = (row, opener) => erasureCard(shown, row.id, opener, signal);
      redraw(
        list,
        found.meta.total_count === 0 ? el("p", {}, "No session was erased.") : listed(found.data, open),
        pager(found.meta, turn),
      );
    },
  };
}

function listed(rows, open) {
  return table({
    name: "erasures",
    caption: "Erased sessions, newest first",
    rows,
    rowsShown: PER_PAGE,
    columns: [
      { key: "session_id", name: "Session", value: (row) => row.session_id },
      momentColumn("requested_at", `Requested (${zone()})`),
      { key: "state", name: "State", value: (row) => row.state, show: (row) => stateOf(row.state) },
      { key: "reason", name: "Reason", value: (row) => row.reason, show: (row) => row.reason || "–" },
      {
        key: "id",
        name: "Erasure",
        value: (row) => row.id,
        show: (row) =>
          el(
            "button",
            {
              type: "button",
              class: "small",
              "data-action": `erasure ${row.session_id}`,
              onclick: (event) => open(row, event.currentTarget.dataset.action),
            },
            "Show",
            el("span", { class: "visually-hidden" }, ` the erasure of ${row.session_id}`),
          ),
      },
    ],
  });
}
