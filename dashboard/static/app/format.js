// Formats numbers, times and names for readers. Times are those of the reader's time zone.

import { dayOf, shown } from "./zone.js";

const DASH = "–";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const small = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2, maximumFractionDigits: 9 });
const exact = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 9 });

/** Money in USD: to the cent, or to two significant digits below a cent. */
export function money(usd) {
  if (usd === null || usd === undefined) return DASH;
  const sign = usd < 0 ? "−" : "";
  const amount = Math.abs(usd);
  return `${sign}$${amount > 0 && amount < 0.01 ? small.format(amount) : cents.format(amount)}`;
}

/** Money with every decimal that the API has. */
export function exactMoney(usd) {
  return usd === null || usd === undefined ? DASH : `${usd < 0 ? "−" : ""}$${exact.format(Math.abs(usd))}`;
}

/** USD as whole nano-dollars, so that sums and differences are exact. */
export function nano(usd) {
  return Math.round(usd * 1e9);
}

export function count(number) {
  return number === null || number === undefined ? DASH : whole.format(number);
}

export function compactCount(number) {
  if (number === null || number === undefined) return DASH;
  return Math.abs(number) < 10_000 ? whole.format(number) : compact.format(number);
}

export function percent(share, digits = 1) {
  return share === null || share === undefined ? DASH : `${(share * 100).toFixed(digits)} %`;
}

/** All input tokens: those sent, those read from the prompt cache, and those written to it. */
export function inputOf({ input_tokens: sent, cache_read_tokens: read, cache_creation_tokens: written }) {
  return sent + read + written;
}

/** The share of the input tokens that were read from the prompt cache; null without any. */
export function cacheHitRate(tokens) {
  const all = inputOf(tokens);
  return all > 0 ? tokens.cache_read_tokens / all : null;
}

/** A duration in seconds, shown in its two largest units. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const total = Math.round(seconds);
  for (const [unit, size, next, part] of [
    ["d", 86_400, "h", 3_600],
    ["h", 3_600, "min", 60],
    ["min", 60, "s", 1],
  ]) {
    if (total >= size) {
      const rest = Math.floor((total % size) / part);
      return rest ? `${Math.floor(total / size)} ${unit} ${rest} ${next}` : `${Math.floor(total / size)} ${unit}`;
    }
  }
  return DASH;
}

/** A duration in ms, shown as in `duration`. */
export function milliseconds(ms) {
  return duration(ms === null || ms === undefined ? null : ms / 1_000);
}

/** "20 Jan" of a day such as "2026-01-20"; with the year unless it is `present`. */
export function dayText(day, present = thisYear()) {
  const [year, month, date] = day.split("-");
  const name = MONTHS[month - 1];
  if (!name || !date) return day; // from an address that someone wrote
  return `${Number(date)} ${name}${year === present ? "" : ` ${year}`}`;
}

/** "20 Jan 10:30" of an RFC 3339 time; with the year unless it is `present`. */
export function moment(time, present = thisYear()) {
  if (!time) return DASH;
  const [day, clock = ""] = shown(time).split("T");
  return `${dayText(day, present)} ${clock.slice(0, 5)}`.trim();
}

/** "20 Jan 2026 10:30", for files, which are read in other years too. */
export function fullMoment(time) {
  return moment(time, null);
}

/** "10:30" of a time of today (ms since 1970, or RFC 3339); of other days as `moment`. */
export function shortMoment(time) {
  return dayOf(time) === dayOf(Date.now()) ? moment(time).slice(-5) : moment(time);
}

function thisYear() {
  return dayOf(Date.now()).slice(0, 4);
}

/** "10:30:07.123" of an RFC 3339 time. */
export function clockTime(time) {
  return time ? shown(time).slice(11) : DASH;
}

/** How long ago a time was: "3 min ago". */
export function ago(time, now = Date.now()) {
  if (!time) return DASH;
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** A change relative to the previous value: "+12 %", "no change", or "new". */
export function change(current, previous) {
  if (current === null || previous === null || current === undefined || previous === undefined) return null;
  if (previous === 0) return current === 0 ? "no change" : "new";
  const share = current / previous - 1;
  if (Math.abs(share) < 0.0005) return "no change";
  const digits = Math.abs(share) < 0.1 ? 1 : 0;
  return `${share > 0 ? "+" : "−"}${(Math.abs(share) * 100).toFixed(digits)} %`;
}

/** A change between two shares, in percentage points. */
export function changeInPoints(current, previous) {
  if (current === null || previous === null || current === undefined || previous === undefined) return null;
  const points = (current - previous) * 100;
  if (Math.abs(points) < 0.05) return "no change";
  return `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} points`;
}

/** "3 records", "1 record". */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A name from the API, or `without` for an absent one. */
export function named(name, without) {
  return name === null || name === undefined || name === "" ? without : name;
}

export function bytes(size) {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${(size / 1_024).toFixed(1)} KiB` : `${(size / 1_048_576).toFixed(1)} MiB`;
}
