// The numbers of the whole team, each with its change from the period before.

import { compactCount, count, exactMoney, money } from "../../format.js";
import { previousName } from "../../ranges.js";
import { kpi } from "../../ui/kpi.js";
import { BY_COST, BY_TOKENS, href } from "../../url.js";

const decimal = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const average = (number) => (number === null || number === undefined ? "–" : decimal.format(number));

/** Return the tiles for what `team-overview` says. */
export function teamKpis(
  {
    team: {
      data: { current, previous },
    },
    series,
  },
  state,
) {
  const before = `compared with ${previousName(state.range)}`;
  const tile = (name, label, field, show, more = {}) =>
    kpi({
      name,
      label,
      value: current[field],
      previous: previous[field],
      show,
      before,
      series: series[name] ?? [],
      link: href("/sessions", state, more.list),
      ...more,
    });
  return [
    tile("users", "Active people", "active_users", count),
    tile("sessions", "Sessions", "sessions", count),
    tile("sessions_per_user", "Sessions per person", "sessions_per_user", average),
    tile("cost", "Cost", "cost_usd", money, { exact: exactMoney, isGood: false, list: BY_COST }),
    tile("tokens", "Tokens", "tokens", compactCount, { exact: count, list: BY_TOKENS }),
  ];
}
