// How current the org's numbers are, from one small read.

import { get } from "../../api.js";
import { credential } from "../../credentials.js";
import { el, put } from "../../dom.js";
import { ago, count } from "../../format.js";
import { facts, number, panel, inZone } from "./parts.js";

/** Return `{element, load(), draw()}`; the result is stored in `known.org`. */
export function currentPanel(known, signal) {
  const body = el("div", {});
  const { org_id: org } = credential().claims;
  return {
    element: panel("current", `How current are the numbers of ${org}?`, "crewkit-sessions freshness", body),
    async load() {
      const today = new Date().toISOString().slice(0, 10);
      const { headers, meta } = await get(
        "/sessions/analytics/summary",
        { start_date: today, end_date: today },
        { signal, isWhole: true },
      );
      const completeThrough = headers.get("x-complete-through");
      known.org = {
        completeThrough,
        ageS: ((Date.parse(headers.get("date")) || Date.now()) - Date.parse(completeThrough)) / 1_000,
        generation: headers.get("x-generation"),
        lag: meta.lag_records,
        at: new Date().toISOString(),
      };
    },
    draw() {
      const { completeThrough, generation, lag } = known.org;
      put(
        body,
        el(
          "p",
          {},
          "Each answer of the API says up to which moment it is complete. It includes everything accepted before that moment, counted once. Later events may be missing.",
        ),
        facts(
          [
            "Complete through",
            number("org-complete-through", completeThrough, `${inZone(completeThrough)} (${ago(completeThrough)})`),
          ],
          ["Records waiting", number("org-lag", lag, count(lag))],
          ["Generation", number("org-generation", generation, generation)],
        ),
      );
    },
  };
}
