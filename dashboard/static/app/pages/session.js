// One session: what it is, what it used, and views of what happened in it. The page of an active session is live.

import { get } from "../api.js";
import { el, put } from "../dom.js";
import { follow, persist, report } from "../live.js";
import { allowOld } from "../memory.js";
import { failure, skeleton } from "../ui/states.js";
import { EVENT_FILTERS, OPEN_USE, changed, removing } from "../url.js";
import { sessionActions } from "./session/actions.js";
import { makeView as analysis } from "./session/analysis.js";
import { compactHead } from "./session/compact_head.js";
import { makeView as conversation } from "./session/conversation.js";
import { makeView as events } from "./session/events.js";
import { headline } from "./session/headline.js";
import { makeView as history } from "./session/history.js";
import { makeView as timeline } from "./session/timeline.js";
import { makeView as usage } from "./session/usage.js";
import { titleOf } from "./sessions/rows.js";

export const title = "Session";

const VIEWS = {
  conversation: ["Conversation", conversation],
  timeline: ["Timeline", timeline],
  events: ["Events", events],
  usage: ["Usage", usage],
  analysis: ["Analysis", analysis],
  history: ["History", history],
};
const FIRST_VIEW = "conversation";
const FASTEST_MS = 2_000;
const MS_PER_EVENT = 0.2; // long sessions cost more to read, so they are read less often
const SLOWEST_MS = 30_000;

/** Show the headline and the chosen view; the view gets each new state of the session. */
export async function show(main, { id, signal, params, setTitle }) {
  allowOld(signal);
  const chosen = Object.hasOwn(VIEWS, params.get("view")) ? params.get("view") : FIRST_VIEW;
  const top = el("div", {}, skeleton("13rem"));
  const body = el("div", { "data-view": chosen }, skeleton("30rem"));
  const compact = compactHead(top, signal);
  put(main, compact.element, top, viewLinks(chosen), body);
  const actionsOf = sessionActions(id, signal);
  let view = null;
  let wasOld = false;
  let viewing = new AbortController();
  let every = FASTEST_MS;
  // A view is as old as its session: it reads from memory only if the session did, and is made again afterwards.
  const openIn = (session, isOld) => {
    viewing.abort();
    viewing = new AbortController();
    const own = AbortSignal.any([signal, viewing.signal]);
    if (isOld) allowOld(own);
    return persist(() => open(chosen, body, session, params, own), own);
  };
  const onFailure = (error) => {
    if (signal.aborted || error.status === 401) return;
    report(error);
    put(body, failure(error));
  };

  await follow({
    root: main,
    signal,
    slowestMs: SLOWEST_MS,
    load: async () => ({ session: await get(`/sessions/${id}`, {}, { signal }) }),
    everyMs: () => every,
    draw({ session: { data: session, isOld } }) {
      every = session.status === "active" ? Math.max(FASTEST_MS, session.counts.events * MS_PER_EVENT) : null;
      setTitle(titleOf(session));
      put(top, headline(session, actionsOf(session)));
      compact.draw(session);
      view = view && !wasOld ? view.then((made) => refreshed(made, session, signal)) : openIn(session, isOld);
      view.catch(onFailure);
      wasOld = isOld;
    },
  });
  await view?.catch(() => {}); // the error is on the page already
}

async function refreshed(made, session, signal) {
  await persist(() => made?.refresh(session), signal);
  return made;
}

async function open(chosen, body, session, params, signal) {
  const [, makeView] = VIEWS[chosen];
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

// Another view keeps neither the event filters nor the open panel.
function viewChanges(view) {
  return { ...removing([...EVENT_FILTERS, ...OPEN_USE]), view: view === FIRST_VIEW ? null : view };
}
