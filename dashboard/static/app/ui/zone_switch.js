// The choice between the reader's time zone and UTC.

import { el } from "../dom.js";
import { navigate } from "../router.js";
import { changed } from "../url.js";
import { OWN, UTC, choose, zone } from "../zone.js";

/** Return the two choices, at a `place` of the page; a reader whose zone is UTC has none. */
export function zoneSwitch(place) {
  if (OWN === UTC) return el("span", { class: "muted" }, UTC);
  return el(
    "span",
    { class: "switch", role: "group", "aria-label": "Time zone" },
    button(place, OWN),
    button(place, UTC),
  );
}

function button(place, name) {
  const choice = () => {
    choose(name);
    dispatchEvent(new Event("zonechange"));
    navigate(changed({}), { replace: true });
  };
  return el(
    "button",
    { type: "button", id: `${place}-zone-${name}`, "aria-pressed": String(name === zone()), onclick: choice },
    name,
  );
}
