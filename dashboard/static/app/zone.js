// The time zone of all days and times on the pages: the reader's own, or UTC if they chose it. It is remembered.

import { recall, remember } from "./storage.js";

const KEY = "crewkit.zone";
export const UTC = "UTC";
export const OWN = known(Intl.DateTimeFormat().resolvedOptions().timeZone);

const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4;
const ASIDE_MS = 26 * HOUR_MS; // no zone differs from UTC by as much
const NUMBERS = ["year", "month", "day", "hour", "minute", "second"];
const formats = new Map();
let chosen = recall(KEY) === UTC ? UTC : OWN;

/** The name of the zone. */
export function zone() {
  return chosen;
}

/** Use `OWN` or `UTC` from now on. */
export function choose(name) {
  chosen = name;
  remember(KEY, name === UTC ? UTC : null);
}

/** What the clock shows at a time (ms since 1970, or RFC 3339), as RFC 3339 without an offset. */
export function shown(time, name = chosen) {
  const ms = typeof time === "string" ? Date.parse(time) : time;
  if (Number.isNaN(ms)) return time; // from an address that somebody wrote
  return new Date(ms + offset(ms, name)).toISOString().slice(0, 23);
}

/** The day of a time: "2026-01-20". */
export function dayOf(time, name = chosen) {
  return shown(time, name).slice(0, 10);
}

/** The time (ms since 1970) at which the clock shows this, as RFC 3339 without an offset: the first one of two. */
export function timeOf(text, name = chosen) {
  const utc = Date.parse(`${text}Z`);
  const [before, after] = [offset(utc - ASIDE_MS, name), offset(utc + ASIDE_MS, name)];
  const isReal = (ms, ahead) => offset(ms, name) === ahead;
  return !isReal(utc - before, before) && isReal(utc - after, after) ? utc - after : utc - before;
}

/**
 * When a day starts (ms since 1970), as the API has it. Where the clock skips midnight, it is the moment at which it
 * does; where it is set back over midnight, the second one.
 */
export function midnight(day, name = chosen) {
  const first = timeOf(`${day}T00:00:00`, name);
  if (dayOf(first + QUARTER_MS - 1, name) >= day) return first; // St. John's was set back at 00:01 until 2011
  const utc = Date.parse(`${day}T00:00:00Z`);
  return utc - offset(utc + ASIDE_MS, name);
}

function offset(ms, name) {
  if (name === UTC) return 0;
  const parts = Object.fromEntries(
    formatOf(name)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const [year, month, day, ...time] = NUMBERS.map((part) => parts[part]);
  return Date.UTC(year, month - 1, day, ...time) - Math.floor(ms / 1_000) * 1_000;
}

function formatOf(name) {
  if (!formats.has(name)) {
    const numeric = Object.fromEntries(NUMBERS.map((part) => [part, "numeric"]));
    formats.set(name, new Intl.DateTimeFormat("en-US", { timeZone: name, hourCycle: "h23", ...numeric }));
  }
  return formats.get(name);
}

// Some browsers have a name for a zone that they can't find out, which is none.
function known(name) {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name ?? UTC });
    return name ?? UTC;
  } catch {
    return UTC;
  }
}
