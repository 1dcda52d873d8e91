// Says why a page has nothing to show: no session matches, or the org has no session at all.

import { get } from "../api.js";
import { connectAnAgent, nothingMatches } from "./states.js";

/** Return what to show instead; `path` is the page that is offered without filters. */
export async function whyNothing(path, signal) {
  const any = await get("/sessions", { per_page: 1 }, { signal }).catch(() => null);
  return any?.meta.total_count === 0 ? connectAnAgent() : nothingMatches("sessions", `${path}?range=90d`);
}
