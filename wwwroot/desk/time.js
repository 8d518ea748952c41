// Times as people say them, in the agent's locale.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const sameDay = (a, b) => a.toDateString() === b.toDateString();

export const time = (iso) => clock.format(new Date(iso));
export const moment = (iso) => full.format(new Date(iso));

export function day(iso) {
  const at = new Date(iso);
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (sameDay(at, new Date())) return "Today";
  return sameDay(at, yesterday) ? "Yesterday" : date.format(at);
}

// stamp is the list's: the time today, else the day.
export function stamp(iso) {
  const at = new Date(iso);
  return sameDay(at, new Date()) ? clock.format(at) : short.format(at);
}

// since is how long ago, in two units at most.
export function since(iso) {
  const seconds = Math.max(0, Math.floor((Date.now() - new Date(iso)) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${seconds} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// localTime is the time in an IANA zone, or "" when the browser does not know it.
export function localTime(zone) {
  try {
    return new Intl.DateTimeFormat(undefined, { timeZone: zone, weekday: "short", hour: "numeric", minute: "2-digit" }).format(new Date());
  } catch {
    return "";
  }
}
