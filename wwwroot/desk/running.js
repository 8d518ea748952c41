// The open conversations of the supervisor's page: filtered, chosen and ended
// together. It makes rows for the first of them; the others on demand.

import { byId, el, place, stateTag } from "./dom.js";
import { lateness, tag } from "./marks.js";
import { lasting, stamp } from "./time.js";
import { t } from "./words.js";

const batch = 100;

let all = [];
let limits = {};
let shown = batch;
let rows = new Map(); // id → { node, drawn }
const chosen = new Set();

const value = (id) => byId(id).value;

// order puts who waits first, and the longest before all.
export const order = (a, b) => (a.state === b.state ? 0 : a.state === "waiting" ? -1 : 1) || a.since.localeCompare(b.since);

// choose returns those of the state or mark, the queue and the agent; "" is any.
// A queue and an agent come as "=name": one may have no name.
export function choose(conversations, { state, queue, agent }, limit, now) {
  return conversations.filter((c) => (!state || c.state === state || lateness(c, limit, now) === state)
    && (!queue || `=${c.queue}` === queue) && (!agent || `=${c.agent}` === agent)).sort(order);
}

const visible = () => choose(all, { state: value("by-state"), queue: value("by-queue"), agent: value("by-agent") }, limits, Date.now());

function cells(c, mark) {
  const name = c.user || t("Unnamed user");
  const box = el("input", { type: "checkbox", "data-choose": c.id, "aria-label": t("Choose {name}", { name }) });
  box.checked = chosen.has(c.id);
  return [
    el("td", { role: "cell", class: "pick" }, box),
    el("th", { role: "rowheader", scope: "row", class: "user" }, el("a", { class: "link", href: `/#${c.id}`, dir: "auto" }, name)),
    el("td", { role: "cell", class: "states" }, stateTag(c.state), " ", tag(mark)),
    el("td", { role: "cell" }, el("bdi", null, c.queue || t("the usual one"))),
    el("td", { role: "cell" }, el("bdi", null, c.agent || "–")),
    el("td", { role: "cell" }, el("time", { datetime: c.startedAt }, stamp(c.startedAt))),
    el("td", { role: "cell", class: "since" }, el("span", { "data-since": c.since }, lasting((Date.now() - new Date(c.since)) / 1000))),
  ];
}

function rowOf(c) {
  const mark = lateness(c, limits, Date.now());
  const drawn = JSON.stringify([c, mark]);
  const row = rows.get(c.id) ?? { node: el("tr", { role: "row", "data-row": c.id }) };
  if (row.drawn !== drawn) row.node.replaceChildren(...cells(c, mark));
  return { ...row, drawn };
}

// offer fills a filter with the names there are.
function offer(id, names, nameless) {
  const box = byId(id);
  const options = [...new Set(names)].sort((a, b) => a.localeCompare(b));
  const key = JSON.stringify(options);
  if (box.dataset.options === key) return;
  const was = box.value;
  box.dataset.options = key;
  box.replaceChildren(new Option(t("All"), ""), ...options.map((name) => new Option(name || nameless, `=${name}`)));
  box.value = was;
  if (box.selectedIndex < 0) box.value = "";
}

export function redrawRunning() {
  const list = visible();
  const part = list.slice(0, shown);
  const { activeElement: focused } = document;
  const row = focused?.closest("[data-row]");
  const kept = new Map(part.map((c) => [c.id, rowOf(c)]));
  place(byId("running-rows"), part.map((c) => kept.get(c.id).node));
  rows = kept;
  // What had the focus may have been made anew.
  if (row?.isConnected && !focused.isConnected) row.querySelector(focused.tagName)?.focus({ preventScroll: true });
  else if (row?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  byId("no-running").hidden = list.length > 0;
  byId("running").hidden = list.length === 0;
  byId("more").hidden = list.length <= shown;
  byId("running-count").textContent = t("Conversations: {n}", { n: list.length });
  byId("choose-all").checked = list.length > 0 && list.every((c) => chosen.has(c.id));
  byId("choose-all").indeterminate = !byId("choose-all").checked && list.some((c) => chosen.has(c.id));
  byId("end-chosen").disabled = chosen.size === 0;
  byId("end-chosen").textContent = chosen.size === 0 ? t("End the chosen") : t("End the chosen ({n})", { n: chosen.size });
}

// drawRunning takes the open conversations and when to mark them. What is open no
// more is chosen no more.
export function drawRunning(conversations, marks) {
  all = conversations;
  limits = marks;
  const open = new Set(all.map((c) => c.id));
  for (const id of chosen) if (!open.has(id)) chosen.delete(id);
  offer("by-queue", all.map((c) => c.queue), t("the usual one"));
  offer("by-agent", all.map((c) => c.agent), t("nobody"));
  redrawRunning();
}

export const theChosen = () => [...chosen];

// unchoose forgets what is chosen.
export function unchoose() {
  chosen.clear();
  for (const box of document.querySelectorAll("[data-choose]")) box.checked = false;
  redrawRunning();
}

export function runningKeys() {
  for (const id of ["by-state", "by-queue", "by-agent"]) {
    byId(id).addEventListener("change", () => {
      shown = batch;
      redrawRunning();
    });
  }
  byId("more").addEventListener("click", () => {
    shown += batch;
    redrawRunning();
  });
  byId("running-rows").addEventListener("change", ({ target }) => {
    if (!target.dataset.choose) return;
    if (target.checked) chosen.add(target.dataset.choose);
    else chosen.delete(target.dataset.choose);
    redrawRunning();
  });
  byId("choose-all").addEventListener("change", ({ target }) => {
    for (const { id } of visible()) {
      if (target.checked) chosen.add(id);
      else chosen.delete(id);
    }
    for (const box of document.querySelectorAll("[data-choose]")) box.checked = chosen.has(box.dataset.choose);
    redrawRunning();
  });
}
