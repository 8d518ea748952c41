// Times as people say them, in the agent's language.

import { locale, t } from "./words.js";

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const date = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

const units = Object.fromEntries(["second", "minute", "hour", "day"].map((unit) =>
  [unit, new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow" })]));

const sameDay = (a, b) => a.toDateString() === b.toDateString();

export const time = (iso) => clock.format(new Date(iso));
export const moment = (iso) => full.format(new Date(iso));

export function day(iso) {
  const at = new Date(iso);
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (sameDay(at, new Date())) return t("Today");
  return sameDay(at, yesterday) ? t("Yesterday") : date.format(at);
}

// stamp is the list's: the time today, else the day.
export function stamp(iso) {
  const at = new Date(iso);
  return sameDay(at, new Date()) ? clock.format(at) : short.format(at);
}

// lasting is a number of seconds in two units at most.
export function lasting(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return units.second.format(whole);
  if (hours < 1) return units.minute.format(minutes);
  if (hours < 24) return `${units.hour.format(hours)} ${units.minute.format(minutes % 60)}`;
  return `${units.day.format(Math.floor(hours / 24))} ${units.hour.format(hours % 24)}`;
}

// since is how long ago.
export const since = (iso) => lasting((Date.now() - new Date(iso)) / 1000);

// together is a list of names as one says it.
export const together = (names) => new Intl.ListFormat(locale, { type: "conjunction" }).format(names);

// localTime is the time in an IANA zone, or "" when the browser does not know it.
export function localTime(zone) {
  try {
    return new Intl.DateTimeFormat(locale, { timeZone: zone, weekday: "short", hour: "numeric", minute: "2-digit" }).format(new Date());
  } catch {
    return "";
  }
}
