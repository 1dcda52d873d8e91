// One session: what it is, what it used, and views of what happened in it. The page of an active session is live.

import { get } from "../api.js";
import { el, put } from "../dom.js";
import { follow, persist, report } from "../live.js";
import { failure, skeleton } from "../ui/states.js";
import { EVENT_FILTERS, changed, removing } from "../url.js";
import { contextButton } from "./session/context.js";
import { headline } from "./session/headline.js";
import { titleOf } from "./sessions/rows.js";

export const title = "Session";

const VIEWS = {
  timeline: ["Timeline", () => import("./session/timeline.js")],
  events: ["Events", () => import("./session/events.js")],
  tree: ["Tree", () => import("./session/tree.js")],
  usage: ["Usage", () => import("./session/usage.js")],
  analysis: ["Analysis", () => import("./session/analysis.js")],
  history: ["History", () => import("./session/history.js")],
};
const FASTEST_MS = 2_000;
const MS_PER_EVENT = 0.2; // long sessions cost more to read, so they are read less often
const SLOWEST_MS = 30_000;

/** Show the headline and the chosen view; the view gets each new state of the session. */
export async function show(main, { id, signal, params, setTitle }) {
  const chosen = Object.hasOwn(VIEWS, params.get("view")) ? params.get("view") : "timeline";
  const top = el("div", {}, skeleton("13rem"));
  const body = el("div", { "data-view": chosen }, skeleton("30rem"));
  put(main, top, viewLinks(chosen), body);
  const buttonOf = contextButton(signal);
  let view = null;
  let every = FASTEST_MS;
  const openIn = (session) => open(chosen, body, session, params, signal);
  const onFailure = (error) => {
    if (signal.aborted || error.status === 401) return;
    report(error);
    put(body, failure(error));
  };
  VIEWS[chosen][1]().catch(() => {}); // load the view while the session is read; opening it reports errors

  await follow({
    root: main,
    signal,
    slowestMs: SLOWEST_MS,
    load: async () => ({ session: await get(`/sessions/${id}`, {}, { signal }) }),
    everyMs: () => every,
    draw({ session: { data: session } }) {
      every = session.status === "active" ? Math.max(FASTEST_MS, session.counts.events * MS_PER_EVENT) : null;
      setTitle(titleOf(session));
      put(top, headline(session, buttonOf(session)));
      view = view ? view.then((made) => refreshed(made, session, signal)) : persist(() => openIn(session), signal);
      view.catch(onFailure);
    },
  });
  await view?.catch(() => {}); // the error is on the page already
}

async function refreshed(made, session, signal) {
  await persist(() => made?.refresh(session), signal);
  return made;
}

async function open(chosen, body, session, params, signal) {
  const [, load] = VIEWS[chosen];
  const { makeView } = await load();
  const made = makeView(body, { session, params, signal });
  if (!signal.aborted) await made.refresh(session);
  return made;
}

function viewLinks(chosen) {
  return el(
    "nav",
    { class: "tabs", "aria-label": "Views of the session" },
    Object.entries(VIEWS).map(([key, [name]]) =>
      el(
        "a",
        { href: changed(viewChanges(key)), "data-keep-scroll": "", "aria-current": key === chosen ? "page" : null },
        name,
      ),
    ),
  );
}

// Another view does not keep the event filters.
function viewChanges(view) {
  return { ...removing(EVENT_FILTERS), view: view === "timeline" ? null : view };
}
