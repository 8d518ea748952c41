// The list on the left: who waits, who is being helped, who has left.

import { byId, el, face, nameOf, stateTag } from "./dom.js";
import { since, stamp } from "./time.js";

const newest = (a, b) => b.lastAt.localeCompare(a.lastAt);
const longest = (a, b) => a.startedAt.localeCompare(b.startedAt);

const groups = [
  { state: "waiting", title: "Waiting", order: longest },
  { state: "active", title: "Active", order: newest },
  { state: "ended", title: "Ended", order: newest },
];

function preview(c) {
  if (!c.lastLine) return c.problem || "No message yet";
  return c.lastLine.from === "agent" ? `${c.lastLine.sender}: ${c.lastLine.message}` : c.lastLine.message;
}

function item(c, selected) {
  const unread = c.state === "ended" ? 0 : c.unread;
  return el("li", null, el("a",
    { class: `item ${unread ? "unread" : ""}`, href: `#${c.id}`, "aria-current": String(c.id === selected) },
    face(nameOf(c), c.id),
    el("span", { class: "name" }, nameOf(c)),
    el("time", { class: "time", datetime: c.lastAt }, stamp(c.lastAt)),
    el("span", { class: "last" }, preview(c)),
    unread > 0 && el("span", { class: "badge" }, String(unread), el("span", { class: "hidden" }, " unread")),
    el("span", { class: "status" },
      stateTag(c.state),
      c.waitingSince && el("span", null, "for ", el("span", { "data-since": c.waitingSince }, since(c.waitingSince))))));
}

// A press and its release make a click only on the same element, so the list is
// not replaced while a pointer is down on it.
let pressed = false;
let postponed = null;

function release() {
  pressed = false;
  if (!postponed) return;
  const args = postponed;
  postponed = null;
  drawList(...args);
}

// holdWhilePressed watches for presses.
export function holdWhilePressed() {
  byId("groups").addEventListener("pointerdown", () => { pressed = true; });
  for (const type of ["pointerup", "pointercancel"]) {
    addEventListener(type, () => setTimeout(release)); // behind the click
  }
}

// drawList replaces the list and keeps the keyboard where it was.
export function drawList(conversations, selected) {
  if (pressed) {
    postponed = [conversations, selected];
    return;
  }
  const focused = byId("groups").contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const sections = groups.map(({ state, title, order }) => {
    const members = conversations.filter((c) => c.state === state).sort(order);
    return members.length > 0 && el("section", { class: "group", "aria-label": title },
      el("h2", null, title, el("span", { class: "muted" }, String(members.length))),
      el("ul", null, ...members.map((c) => item(c, selected))));
  });
  byId("groups").replaceChildren(...sections.filter(Boolean));
  byId("no-conversations").hidden = conversations.length > 0;
  if (focused) [...links()].find((a) => a.getAttribute("href") === focused)?.focus();
}

const links = () => byId("groups").querySelectorAll("a.item");

// listKeys lets the arrow keys move through the list.
export function listKeys() {
  byId("groups").addEventListener("keydown", (event) => {
    const all = [...links()];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    all[to].focus();
  });
}
