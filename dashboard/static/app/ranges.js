// Ranges of whole days in the reader's time zone, as the analytics routes accept them.

import { dayText } from "./format.js";
import { dayOf, midnight, zone } from "./zone.js";

const DAY_MS = 86_400_000;
const DAYS_MAX = 800;

export const PRESETS = {
  today: "Today",
  yesterday: "Yesterday",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  "90d": "Last 90 days",
  month: "This month",
  "last-month": "Last month",
};
export const DEFAULT_PRESET = "7d";

const text = (ms) => new Date(ms).toISOString().slice(0, 10);
const parse = (day) => (/^\d{4}-\d{2}-\d{2}$/.test(day ?? "") ? Date.parse(`${day}T00:00:00Z`) : NaN);

/**
 * Return the range of a preset, or of two days: `{preset, start, end, days, previous: {start, end}}`, days inclusive.
 * Invalid days, days in the wrong order and too many days give the default range.
 */
export function rangeOf(preset, start, end, now = Date.now()) {
  const today = parse(dayOf(now));
  const [first, last] = preset === "custom" ? [parse(start), parse(end)] : bounds(preset, today);
  const days = (last - first) / DAY_MS + 1;
  if (!(days >= 1 && days <= DAYS_MAX)) return rangeOf(DEFAULT_PRESET, null, null, now);
  return {
    preset: Object.hasOwn(PRESETS, preset) || preset === "custom" ? preset : DEFAULT_PRESET,
    start: text(first),
    end: text(last),
    days,
    includesToday: last >= today && first <= today,
    previous: { start: text(first - days * DAY_MS), end: text(first - DAY_MS), days },
  };
}

function bounds(preset, today) {
  const date = new Date(today);
  const month = (offset) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
  switch (preset) {
    case "today":
      return [today, today];
    case "yesterday":
      return [today - DAY_MS, today - DAY_MS];
    case "30d":
      return [today - 29 * DAY_MS, today];
    case "90d":
      return [today - 89 * DAY_MS, today];
    case "month":
      return [month(0), today];
    case "last-month":
      return [month(-1), month(0) - DAY_MS];
    default:
      return [today - 6 * DAY_MS, today];
  }
}

/** The days of a range as parameters of the analytics routes. */
export function dayParams({ start, end }) {
  return { start_date: start, end_date: end, tz: zone() };
}

/**
 * The same days as parameters of session lists, where the end is exclusive: of the sessions that `started` in them, or
 * of those that `spent` something in them.
 */
export function timeParams({ start, end }, what = "started") {
  const [after, before] = [midnight(start), midnight(addDays(end, 1))].map((ms) => new Date(ms).toISOString());
  return { [`${what}_after`]: after, [`${what}_before`]: before };
}

/** The interval that one bar covers in the charts of a range. */
export function intervalOf({ days }) {
  if (days <= 2) return "hour";
  return days <= 120 ? "day" : "week";
}

/** The name of the period before. */
export function previousName({ preset, days }) {
  if (preset === "today" || preset === "yesterday" || days === 1) return "the day before";
  return `the ${days} days before`;
}

/** The day `days` after this one. */
export function addDays(day, days) {
  return text(parse(day) + days * DAY_MS);
}

/** 0 for Monday … 6 for Sunday. */
export function weekday(day) {
  return (new Date(parse(day)).getUTCDay() + 6) % 7;
}

/** A range as text: "23 Nov – 29 Nov". */
export function rangeText({ start, end }) {
  const text = start.slice(0, 4) === end.slice(0, 4) ? (day) => dayText(day) : (day) => dayText(day, null);
  return start === end ? text(start) : `${text(start)} – ${text(end)}`;
}
