// Keep a page current: read, draw what is new, wait, and read again. The pauses grow while answers stay the same.

import { ApiError } from "./api.js";
import { beginRound } from "./freshness.js";
import { takeOld } from "./memory.js";
import { clearProblem, showProblem } from "./problem.js";
import { put } from "./dom.js";
import { markCurrent, markOld } from "./ui/old.js";
import { failure } from "./ui/states.js";

const RETRY_FIRST_MS = 2_000;
const RETRY_MAX_MS = 60_000;
const GROWTH = 1.5;

/**
 * Call `draw(found)` with what `load()` returns, at once and whenever it has changed. `load` returns an object of API
 * answers. The promise resolves after the first drawing; reading goes on until `signal` is aborted.
 *
 * `everyMs()` returns the shortest pause, or null to stop. After a temporary error `root` stays as it is, or is drawn
 * from memory (`allowOld`); the page says how old it is, and the read is repeated. Other errors are shown in `root`.
 */
export async function follow({ root, load, draw, signal, everyMs = () => 10_000, slowestMs = 60_000 }) {
  let pause = everyMs();
  let isFirst = true;
  let retry = RETRY_FIRST_MS;
  let wake = () => {};
  let shownAt = null; // when the oldest part of what is shown was read
  let isOld = false;

  const wait = (error) => {
    pause = Math.max(retry, (error.retryAfter ?? 0) * 1_000) * (0.75 + Math.random() / 2);
    retry = Math.min(retry * 2, RETRY_MAX_MS);
    isOld = true;
    if (!isFirst) markOld(root, shownAt, error);
    showProblem(error, pause, () => wake());
  };

  const round = async () => {
    try {
      if (!isFirst) beginRound();
      isOld ||= Boolean(takeOld(signal)); // of what is read beside `load`, such as a chart
      const found = await load();
      if (signal.aborted) return;
      const old = takeOld(signal);
      const isNew = isFirst || (!old && (isOld || Object.values(found).some((answer) => answer?.isNew)));
      if (isNew) keepingFocus(root, () => draw(found, isFirst));
      isFirst = false;
      if (old) {
        shownAt ??= old.at;
        wait(old.error);
        return;
      }
      shownAt = Date.now();
      isOld = false;
      markCurrent(root);
      clearProblem();
      retry = RETRY_FIRST_MS;
      const shortest = everyMs();
      pause = shortest === null ? null : isNew ? shortest : Math.min(pause * GROWTH, slowestMs);
    } catch (error) {
      if (signal.aborted) return;
      if (!error.isTemporary) throw error;
      wait(error);
    }
  };

  const rest = async () => {
    while (!signal.aborted && pause !== null) {
      await sleep(pause, signal, (now) => {
        wake = now;
      });
      await untilVisible(signal);
      if (!signal.aborted) await round();
    }
  };

  const onFailure = (error) => {
    if (signal.aborted || error.status === 401) return;
    report(error);
    put(root, failure(error));
  };
  try {
    await round();
  } catch (error) {
    onFailure(error);
    return;
  }
  rest().catch(onFailure);
}

/** Repeat an action after temporary errors, until it succeeds or the reader leaves. Other errors are thrown. */
export async function persist(action, signal) {
  for (let pause = RETRY_FIRST_MS; !signal.aborted; pause = Math.min(pause * 2, RETRY_MAX_MS)) {
    try {
      return await action();
    } catch (error) {
      if (signal.aborted) return null;
      if (!error.isTemporary) throw error;
      let wake = () => {};
      showProblem(error, pause, () => wake());
      await sleep(pause, signal, (now) => {
        wake = now;
      });
    }
    clearProblem();
  }
  return null;
}

/** Write the page's own errors to the console. A refusal by the API is not one of them. */
export function report(error) {
  if (!(error instanceof ApiError)) console.error(error);
}

// Drawing replaces or moves elements; afterwards the focused one, or its successor, gets the focus back.
function keepingFocus(root, draw) {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const isSame = (other) =>
    other.tagName === focused.tagName &&
    other.getAttribute("href") === focused.getAttribute("href") &&
    other.textContent === focused.textContent;
  draw();
  if (!focused || focused === document.activeElement) return;
  const now = focused.isConnected ? focused : [...root.querySelectorAll(focused.tagName)].find(isSame);
  now?.focus({ preventScroll: true });
}

// Resolves after `ms`, or earlier: when the reader leaves, the network comes or goes, or the function passed to
// `giveWake` is called.
function sleep(ms, signal, giveWake) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    giveWake(end);
    signal.addEventListener("abort", end, { signal: over.signal });
    for (const change of ["online", "offline"]) addEventListener(change, end, { signal: over.signal });
  });
}

function untilVisible(signal) {
  if (!document.hidden) return null;
  return new Promise((resolve) => {
    const over = new AbortController();
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      over.abort();
      resolve();
    };
    document.addEventListener("visibilitychange", look, { signal: over.signal });
    signal.addEventListener("abort", look, { signal: over.signal });
  });
}
