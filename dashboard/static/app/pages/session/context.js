// "Copy as context": the digest of the session so far, for the first prompt of another one.

import { get, post } from "../../api.js";
import { may } from "../../credentials.js";
import { announce, el } from "../../dom.js";
import { count } from "../../format.js";
import { copyText } from "../../ui/clipboard.js";
import { showText } from "../../ui/text_dialog.js";

const CHARACTERS_MAX = 8_000;

/**
 * Return a function that gives the button for a state of the session, or null where there is no digest to copy. It is
 * the same button for every state, so that it still says what it did after the page was drawn anew.
 */
export function contextButton(signal) {
  let session = null;
  const button = el(
    "button",
    {
      type: "button",
      title: "Makes a digest where there is none that covers every event",
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
        announce("There is no digest yet, and your role may not ask for one.");
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

// Return a digest that covers every event of the session, asking for one if need be; null if that is not allowed.
async function digestOf(session, signal) {
  const path = `/sessions/${session.id}`;
  const newest = async (headers) => (await get(`${path}/compactions`, { per_page: 1 }, { signal, headers })).data[0];
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
