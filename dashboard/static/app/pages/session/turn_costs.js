// What each turn of a session spent, and how it is shown.

import { get } from "../../api.js";
import { el } from "../../dom.js";
import { compactCount, exactMoney, money, percent } from "../../format.js";

/** Return a Map from a turn's prompt ("no_turn" before the first) to what it spent: known where requests are. */
export async function readCosts({ id, agents, model_metrics: sums }, signal) {
  if (agents.length === 0) return new Map();
  const { data } = await get(`/sessions/${id}/spend`, { by: "turn" }, { signal });
  return new Map(data.map((part) => [part.key, { ...part, share: part.cost_usd / sums.cost_usd }]));
}

/** Tokens, cost, and a thin bar for the share of the session's cost. */
export function costOf(spent) {
  if (!spent) return null;
  const { tokens, cost_usd: cost, share } = spent;
  const isShare = share > 0 && share <= 1;
  return [
    ` · ${compactCount(tokens)} tokens · `,
    el("span", { "data-turn-cost": cost, title: exactMoney(cost) }, money(cost)),
    isShare &&
      el("span", { class: "turn-share", style: { "--share": share }, title: `${percent(share, 0)} of the session` }),
  ];
}
