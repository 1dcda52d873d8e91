// "Copy as context": copies a digest of the session so far, to start another session with.

import { get, post } from "../../api.js";
import { may } from "../../credentials.js";
import { announce, el } from "../../dom.js";
import { count } from "../../format.js";
import { copyText } from "../../ui/clipboard.js";
import { showText } from "../../ui/text_dialog.js";

const CHARACTERS_MAX = 8_000;

/**
 * Return a function that returns the button for a state of the session, or null if there is nothing to copy. All states
 * share one button, so that its message stays when the page is redrawn.
 */
export function contextButton(signal) {
  let session = null;
  const button = el(
    "button",
    {
      type: "button",
      title: "Makes a digest, unless one covers every event already",
      "data-testid": "copy-context",
      onclick: () => copy(),
    },
    "Copy as context",
  );

  async function copy() {
    button.disabled = true;
    try {
      const digest = await digestOf(session, signal);
      if (digest === null) {
        announce("There is no digest yet, and your role can't request one.");
        return;
      }
      if (await copyText(digest)) announce((button.textContent = `Copied ${count(digest.length)} characters`));
      else showText("The session as context", digest);
    } catch (error) {
      if (!signal.aborted) announce((button.textContent = `Not copied: ${error.message}`));
    } finally {
      button.disabled = false;
    }
  }
  return (latest) => {
    session = latest;
    return session.sensitive || session.counts.events === 0 ? null : button;
  };
}

// Return a digest that covers every event, requesting one if needed. A role that can't request one gets the latest
// digest, or null.
async function digestOf(session, signal) {
  const path = `/sessions/${session.id}`;
  const newest = async (headers) =>
    (await get(`${path}/compactions`, { per_page: 1 }, { signal, headers, isFresh: true })).data[0];
  const present = await newest({});
  if (present?.status === "done" && (present.covered_events === session.counts.events || !may("write")))
    return present.digest;
  if (!may("write")) return null;
  const key = `dashboard-${session.id}-${session.position}`;
  const { meta } = await post(
    `${path}/compact`,
    { max_characters: CHARACTERS_MAX },
    { signal, headers: { "Idempotency-Key": key } },
  );
  return (await newest({ "X-Wait-For-Position": meta.position })).digest;
}
