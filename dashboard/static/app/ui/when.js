// A time as its age, such as "8 min ago", which grows while the page is open. The title has the time itself.

import { el } from "../dom.js";
import { ago, moment } from "../format.js";
import { zone } from "../zone.js";

const EVERY_MS = 20_000;

/** Return the element for an RFC 3339 time, or a dash. */
export function when(time) {
  if (!time) return "–";
  return el("time", { class: "when", datetime: time, title: `${moment(time)} (${zone()})` }, ago(time));
}

setInterval(() => {
  for (const element of document.querySelectorAll("time.when")) element.textContent = ago(element.dateTime);
}, EVERY_MS);
