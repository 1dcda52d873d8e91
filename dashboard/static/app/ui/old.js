// Marks a page that shows what was read before: dimmed, with the time of that read.

import { notReachableSince } from "../api.js";
import { el, put } from "../dom.js";
import { shortMoment } from "../format.js";

/** Mark the page around `root` as read at a time (ms since 1970), since `error` keeps it from being read again. */
export function markOld(root, at, error) {
  const page = root.closest(".page");
  if (!page) return;
  page.classList.add("old");
  let note = page.querySelector(":scope > .age");
  if (!note) page.prepend((note = el("p", { class: "age", role: "status", "data-testid": "age" })));
  put(note, `As of ${shortMoment(at)}. ${why(shortMoment(at), error)}`);
}

/** The page around `root` is current again. */
export function markCurrent(root) {
  const page = root.closest(".page");
  page?.classList.remove("old");
  page?.querySelector(":scope > .age")?.remove();
}

function why(at, error) {
  if (error.status !== 0) return "Newer numbers can't be read now.";
  const since = shortMoment(notReachableSince() ?? Date.now());
  return `The server has not answered since${since === at ? "" : ` ${since}`}.`;
}
