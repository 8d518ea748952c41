// The list on the left: who waits, who is being helped, who has left. It makes
// elements for what can be seen and a little more; the rest follows on scrolling.

import { byId, el, face, icon, nameOf, place, stateTag } from "./dom.js";
import { choose, count } from "./filter.js";
import { limits } from "./limits.js";
import { lateness, tag } from "./marks.js";
import { since, stamp } from "./time.js";
import { t } from "./words.js";

const filterKey = "filter";
const batch = 60; // conversations shown at first, and more at a time
const searchAfter = 250; // ms without a key
const titles = { waiting: "Waiting", active: "Active", copilot: "With the copilot", ended: "Ended" };

const view = { filter: sessionStorage.getItem(filterKey) ?? "all", found: null };
let limit = batch;
let items = new Map(); // id → { node, drawn }
let last = null; // what was drawn: the arguments of drawList
let pressed = false;

function preview(c) {
  if (c.typingUntil > Date.now() && c.state !== "ended") return el("em", null, t("is typing…"));
  if (!c.lastLine) return c.problem || t("No message yet");
  const { from, sender, message } = c.lastLine;
  return from === "agent" ? `${sender}: ${message}` : message;
}

// lateOf marks who waits too long for an agent, and what lies idle.
const lateOf = (c) => lateness({ state: c.state, since: c.state === "waiting" ? c.waitingSince : c.lastAt }, limits, Date.now());

function fill(link, c, selected) {
  const unread = c.state === "ended" ? 0 : c.unread;
  link.className = `item ${unread ? "unread" : ""}`;
  link.setAttribute("aria-current", String(c.id === selected));
  link.replaceChildren(
    face(nameOf(c), c.id),
    el("span", { class: "name", dir: "auto" }, nameOf(c)), " ",
    el("time", { class: "time", datetime: c.lastAt }, stamp(c.lastAt)), " ",
    el("span", { class: "last", dir: "auto" }, preview(c)), " ",
    unread > 0 ? el("span", { class: "badge" }, String(unread), el("span", { class: "hidden" }, ` ${t("unread")}`)) : "",
    el("span", { class: "status" },
      stateTag(c.state), " ", tag(lateOf(c)), " ",
      c.waitingSince && el("span", { class: "waits" }, el("span", { "data-since": c.waitingSince }, since(c.waitingSince))),
      c.unreachable && c.state !== "ended" && el("span", { class: "state unreachable" }, icon("unreachable"), t("Cannot be reached")),
      c.agent && c.state === "active" && el("span", { class: "holder", dir: "auto" }, c.agent)));
}

// itemOf returns the conversation's element, filled anew when it has changed.
function itemOf(c, selected) {
  const drawn = JSON.stringify([c, c.id === selected, c.typingUntil > Date.now(), lateOf(c)]);
  const item = items.get(c.id) ?? { node: el("li", null, el("a", { href: `#${c.id}` })) };
  if (item.drawn !== drawn) fill(item.node.firstChild, c, selected);
  return { ...item, drawn };
}

function drawFilters(conversations, me) {
  const counts = count(conversations, me);
  for (const button of document.querySelectorAll("[data-filter]")) {
    const name = button.dataset.filter;
    button.setAttribute("aria-pressed", String(!view.found && name === view.filter));
    const number = button.querySelector(".count");
    if (number) number.textContent = counts[name] || "";
  }
}

const emptyTexts = {
  mine: ["You have no conversation", "Accept one of those who wait, under Unassigned."],
  unassigned: ["Nobody is waiting", "When a user asks for a person, the conversation appears here by itself."],
  all: ["Nobody is waiting", "When a user asks for a person, the conversation appears here by itself."],
  ended: ["Nothing has ended yet", "What has ended can be read here."],
};

function drawEmpty(empty) {
  byId("no-conversations").hidden = !empty;
  const [title, text] = view.found ? ["Nothing found", "Try other words, or fewer."] : emptyTexts[view.filter];
  byId("no-conversations").querySelector("h2").textContent = t(title);
  byId("no-conversations").querySelector("p").textContent = t(text);
}

// drawList brings the list up to date and keeps the keyboard where it was. While
// a pointer is down on it nothing moves: a press and its release make a click
// only on the same element.
export function drawList(conversations, selected, me) {
  last = [conversations, selected, me];
  if (pressed) return;
  const focused = byId("groups").contains(document.activeElement) ? document.activeElement : null;
  drawFilters(conversations, me);
  const kept = new Map();
  let left = limit;
  for (const { state, members } of choose(conversations, { ...view, me })) {
    const section = byId(`group-${state}`);
    section.hidden = members.length === 0;
    section.querySelector(".count").textContent = members.length;
    const shown = members.slice(0, left);
    left -= shown.length;
    for (const c of shown) kept.set(c.id, itemOf(c, selected));
    place(section.querySelector("ul"), shown.map((c) => kept.get(c.id).node));
  }
  items = kept;
  drawEmpty(kept.size === 0);
  rove(links().includes(focused) ? focused : null);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
}

export const redrawList = () => { if (last) drawList(...last); };

const links = () => [...byId("groups").querySelectorAll("a.item")];

// rove makes one link the list's stop for the Tab key.
function rove(at) {
  const all = links();
  const stop = at ?? all.find((a) => a.getAttribute("aria-current") === "true") ?? all[0];
  for (const link of all) link.tabIndex = link === stop ? 0 : -1;
}

// neighbour returns the id of the conversation by so many places further down.
export function neighbour(id, by) {
  const ids = links().map((a) => a.hash.slice(1));
  const at = ids.indexOf(id);
  return ids[at < 0 ? 0 : at + by];
}

// holdWhilePressed watches for presses.
export function holdWhilePressed() {
  byId("groups").addEventListener("pointerdown", () => { pressed = true; });
  for (const type of ["pointerup", "pointercancel"]) {
    addEventListener(type, () => setTimeout(() => { // behind the click
      if (!pressed) return;
      pressed = false;
      redrawList();
    }));
  }
}

function show(change) {
  Object.assign(view, change);
  limit = batch;
  redrawList();
}

// listKeys lets the arrow keys move through the list, and wires the filters and
// the search. find returns the ids of what holds some words; older brings more of
// what has ended, and reports whether it did.
export function listKeys(find, older) {
  for (const state of Object.keys(titles)) {
    byId("groups").append(el("section", { id: `group-${state}`, class: "group", "aria-label": t(titles[state]), hidden: true },
      el("h2", null, t(titles[state]), el("span", { class: "count muted" })), el("ul")));
  }
  byId("groups").addEventListener("keydown", (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    rove(all[to]);
    all[to].focus();
  });
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.addEventListener("click", () => {
      sessionStorage.setItem(filterKey, button.dataset.filter);
      byId("search").value = "";
      show({ filter: button.dataset.filter, found: null });
    });
  }
  searching(find);
  growing(older);
}

function searching(find) {
  let timer = 0;
  byId("search").addEventListener("input", () => {
    clearTimeout(timer);
    const words = byId("search").value.trim();
    if (!words) return show({ found: null });
    timer = setTimeout(async () => {
      const found = await find(words).catch(() => null);
      if (found && words === byId("search").value.trim()) show({ found });
    }, searchAfter);
  });
}

// growing shows more when the end of the list comes into sight.
function growing(older) {
  const end = byId("list-end");
  const watch = new IntersectionObserver(async (entries) => {
    if (!entries.at(-1).isIntersecting) return;
    const full = items.size === limit;
    if (full) {
      limit += batch;
      redrawList();
    } else if (view.filter !== "ended" || view.found || !await older()) {
      return;
    }
    watch.unobserve(end); // it tells again if the end is still in sight
    watch.observe(end);
  }, { root: document.querySelector(".list"), rootMargin: "400px" });
  watch.observe(end);
}
