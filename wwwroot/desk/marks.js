// What is marked beside a state: who waits too long, what lies idle, and who is
// at the desk. Each is a colour, an icon and a word.

import { el, shape } from "./dom.js";
import { t } from "./words.js";

const paths = {
  overdue: "M8 2.500 14.500 13.500h-13zM8 6.500v3.500M8 11.750v.01",
  idle: "M6 4v8M10 4v8",
  online: "M3 8.500 6.500 12 13 4.500",
  away: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM5.500 8h5",
  offline: "M4 4l8 8M12 4l-8 8",
};

const names = { overdue: "Overdue", idle: "Idle", online: "Online", away: "Away", offline: "Offline" };

// lateness is "overdue" for who has waited too long for an agent, "idle" for a
// conversation in which nobody has said anything for long, else "". A limit of 0
// marks nothing.
export function lateness({ state, since }, { waitMinutes, idleMinutes }, now) {
  const minutes = (now - new Date(since)) / 60_000;
  if (state === "waiting" && waitMinutes > 0 && minutes >= waitMinutes) return "overdue";
  if (state === "active" && idleMinutes > 0 && minutes >= idleMinutes) return "idle";
  return "";
}

// tag shows a mark; none without one.
export const tag = (mark) => (mark ? el("span", { class: `state ${mark}` }, shape(paths[mark]), t(names[mark])) : "");
