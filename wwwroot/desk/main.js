// The desk. The address says what is open: #<id> a conversation, #<id>/details
// its details on a narrow screen; so links, reload and the back button work.

import { alertSwitches, drawCount, news, tell } from "./alerts.js";
import { pathOf } from "./api.js";
import { canned } from "./canned.js";
import { composer, keepDrafts, showDraft } from "./composer.js";
import { drawControl, returning } from "./control.js";
import { amending, deeds, drawDeeds, presence, showProblem } from "./deeds.js";
import { byId, el, icon, nameOf } from "./dom.js";
import { picking } from "./emoji.js";
import { attaching } from "./files.js";
import { drawHandover, split } from "./handover.js";
import { shortcuts } from "./keys.js";
import { followSettings } from "./limits.js";
import { drawList, holdWhilePressed, listKeys, neighbour, redrawList } from "./list.js";
import { drawNotes, noting } from "./notes.js";
import { drawPanel } from "./panel.js";
import { agentName, outside, restorePlace, showSignIn, signInKeys, welcome } from "./signin.js";
import { preferences } from "./preferences.js";
import { Store } from "./store.js";
import { drawThread, threadKeys } from "./thread.js";
import { localTime, moment, since, together } from "./time.js";
import { undoing } from "./undo.js";
import { speak, t } from "./words.js";

const store = new Store();
let selected = "";
let keyed = false; // the next conversation is opened by a key: the next key is one, too
let panelDrawn = "";
let notesDrawn = "";

const current = () => store.conversations.get(selected);

function drawHead(c) {
  byId("thread-name").textContent = nameOf(c);
  const state = byId("thread-state");
  if (c.state === "ended") state.textContent = t("Ended {when}", { when: moment(c.endedAt) });
  else if (c.state === "copilot") state.textContent = t("With the copilot");
  else if (!c.waitingSince) state.textContent = t("Active · the user has your answer");
  else {
    const ticking = document.createElement("span");
    ticking.dataset.since = c.waitingSince;
    ticking.textContent = since(c.waitingSince);
    state.replaceChildren(c.state === "waiting" ? t("Waiting for a first answer for") : t("Active · waiting for your answer for"), " ", ticking);
  }
  drawDeeds(c, agentName());
  drawUnreachable(c);
  drawTyping();
  byId("composer").hidden = c.state === "ended";
  byId("ended-note").hidden = c.state !== "ended";
  byId("ended-note").textContent = c.endedBy === "user" ? t("The user ended this conversation. A new request opens a new one.")
    : t("An agent ended this conversation. A new request opens a new one.");
  drawControl(c);
}

function drawUnreachable(c) {
  const banner = byId("unreachable");
  banner.hidden = !c.unreachable || c.state === "ended";
  banner.replaceChildren(...banner.hidden ? [] : [icon("unreachable"),
    el("span", null, t("The user cannot be reached: they blocked or removed the app, or an admin did. What you write is kept, and arrives when they write again."))]);
}

function drawTyping() {
  const c = current();
  const open = c && c.state !== "ended";
  byId("user-typing").textContent = open && c.typingUntil > Date.now() ? t("{name} is typing…", { name: nameOf(c) }) : "";
  const others = open && c.agentsTypingUntil > Date.now() ? c.agentsTyping.filter((name) => name !== agentName()) : [];
  say(byId("others-typing"), others.length > 0 ? t("Also writing a reply here: {names}", { names: together(others) }) : "");
}

// say shows a warning; what is shown already is not announced again.
function say(node, text) {
  if (node.textContent !== text) node.replaceChildren(...text ? [icon("warning"), text] : []);
}

// markRead tells the server what the agent has really seen.
function markRead() {
  const c = current();
  if (!c || c.unread === 0 || document.hidden || document.body.dataset.view === "list") return;
  const last = store.thread(selected).findLast((line) => line.from === "user" && line.position);
  if (last) store.read(selected, last.position);
}

function drawSelected() {
  const c = current();
  byId("no-selection").hidden = Boolean(c);
  byId("open-thread").hidden = !c;
  byId("panel").hidden = !c;
  if (!c) return;
  drawHead(c);
  const past = store.past.get(c.id);
  const { before, lines } = split(c, store.thread(selected), past?.transcript ?? []);
  drawThread(selected, lines, {
    retry: (key) => store.retry(selected, key),
    resend: (line) => store.resend(selected, line).catch((problem) => showProblem(problem.message)),
    settle: (line, how) => store.settle(selected, line.id, how, agentName()).catch((problem) => showProblem(problem.message)),
    open: () => current()?.state !== "ended",
    amend: amendLine,
    mayAmend: (line) => current()?.state !== "ended" && line.sender === agentName(),
  });
  // Redrawn only when it differs: a redraw would take the keyboard's place away.
  const facts = JSON.stringify([c.id, before.length, c.user, c.problem, c.variables, c.endedAt, c.agent, c.queue, c.ratingScore, c.ratingComment, past]);
  if (facts !== panelDrawn) {
    drawPanel(c, past);
    drawHandover(before);
  }
  panelDrawn = facts;
  showNotes(c);
  markRead();
}

// showNotes reads the notes when there are others than before.
async function showNotes(c) {
  const state = `${c.id} ${c.notes}`;
  if (state === notesDrawn) return;
  if (!notesDrawn.startsWith(`${c.id} `)) drawNotes([]);
  notesDrawn = state;
  const notes = c.notes > 0 ? await store.notes(c.id).catch(() => null) : [];
  if (notes && selected === c.id) drawNotes(notes);
  else notesDrawn = "";
}

function drawAll() {
  drawList([...store.conversations.values()], selected, agentName());
  drawCount(store.unread(agentName()));
}

// once returns what does some work once for the many changes that come together.
// A hidden page is drawn as well: its title is seen.
function once(work, ms) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      work();
    }, ms);
  };
}

// The list is long, and nobody reads it while it changes: it may come later.
const listSoon = once(drawAll, 150);
const threadSoon = once(drawSelected, 30);

function soon(id) {
  listSoon();
  if (!id || id === selected) threadSoon();
}

// load repeats what failed for want of a connection; an unknown id leads back to
// the list.
async function load(id) {
  try {
    await store.open(id);
  } catch (problem) {
    if (problem.status === 404 && id === selected) location.hash = "";
    else if (id === selected) setTimeout(load, 2000, id);
  }
}

const focus = (id) => { if (byId(id).checkVisibility()) byId(id).focus({ preventScroll: true }); };

// opened is what the address says is open, which is ahead of selected for a moment.
const opened = () => decodeURIComponent(location.hash.slice(1)).split("/");

function navigate() {
  const [id, details] = opened();
  const changed = id !== selected;
  selected = id;
  document.body.dataset.view = !id ? "list" : details ? "details" : "thread";
  byId("to-details").href = `#${id}/details`;
  byId("from-details").href = `#${id}`;
  if (changed && id) {
    byId("to-newest").hidden = true;
    showProblem("");
    showDraft(id);
    load(id);
  }
  drawAll();
  drawSelected();
  if (changed && id) focus(!keyed && matchMedia("(pointer: fine)").matches && !byId("composer").hidden ? "draft" : "scroller");
  keyed = false;
}

function tick() {
  for (const node of document.querySelectorAll("[data-since]")) node.textContent = since(node.dataset.since);
  drawTyping();
  redrawList();
  for (const node of document.querySelectorAll("[data-zone]")) node.textContent = localTime(node.dataset.zone);
}

let entering = false;

// enter begins, or goes on, as whoever the server says we are.
async function enter() {
  if (entering) return;
  entering = true;
  const me = await store.begin();
  entering = false;
  if (!me) return;
  welcome(me);
  followSettings().then(redrawList);
  navigate();
  tellPresence();
}

canned(() => ({
  "user.name": current()?.user.name, "user.email": current()?.user.email, "agent.name": agentName(),
  "conversation.problem": current()?.problem, "conversation.reference": current()?.reference,
}));
composer(() => selected, (id, words) => store.send(id, words, agentName()), (id) => store.typing(id, agentName()));
picking();
attaching(() => selected, (id, name) => pathOf(id, `/files?${new URLSearchParams({ name, sender: agentName() })}`), (line) => store.received(line));
noting(() => selected, (id, text, key) => store.note(id, text, agentName(), key));
const askEnd = deeds(() => selected, () => nameOf(current()), (id, deed, body) => store.act(id, deed, { ...body, sender: agentName() }));
returning(() => selected, () => nameOf(current()), (id, body) => store.act(id, "return", { ...body, sender: agentName() }),
  (problem) => showProblem(problem.message));
const amendLine = amending((line, words) => store.amend(line.conversationId, line.id, words));
const tellPresence = presence((away, accepts) => store.present(agentName(), away, accepts));
speak();
listKeys((words) => store.find(words), () => store.older());
holdWhilePressed();
alertSwitches();
preferences();
undoing();
const go = (by) => {
  const id = neighbour(opened()[0], by);
  keyed = Boolean(id);
  if (id) location.hash = id;
  return keyed;
};
const press = (id) => { if (selected && byId(id).checkVisibility()) byId(id).click(); };
shortcuts({
  next: () => go(1), previous: () => go(-1), reply: () => focus("draft"), search: () => focus("search"),
  note: () => { if (selected && !byId("note-text").checkVisibility()) location.hash = `${selected}/details`; focus("note-text"); },
  attach: () => press("attach"), emoji: () => press("emoji-button"),
  take: () => press("join"), leave: () => press("leave"), transfer: () => press("transfer"), end: () => press("end"),
  endNext: () => { if (selected && byId("end").checkVisibility()) askEnd(() => go(1) || go(-1)); },
  canned: () => { byId("draft").value = "/"; focus("draft"); byId("draft").dispatchEvent(new Event("input")); },
}, () => [...store.conversations.values()].filter((c) => c.state !== "ended")
  .map((c) => ({ name: nameOf(c), run: () => { location.hash = c.id; } })));
threadKeys();
store.addEventListener("change", (event) => soon(event.detail));
store.addEventListener("news", ({ detail: { before, now, line } }) => {
  const kind = news(before, now, line, agentName());
  if (kind && (document.hidden || now.id !== selected)) tell(kind, now, (id) => { location.hash = id; });
});
store.addEventListener("connection", (event) => {
  byId("connection").textContent = event.detail ? "" : t("Reconnecting…");
});
store.addEventListener("shut", (event) => {
  keepDrafts(store.takeUnsent(), selected);
  showSignIn(event.detail);
});
window.addEventListener("hashchange", navigate);
window.addEventListener("pagehide", () => store.pause());
window.addEventListener("pageshow", (event) => { if (event.persisted) store.resume(); });
document.addEventListener("visibilitychange", () => {
  // Somebody may have signed in in another tab.
  if (outside() && !document.hidden) enter();
  else markRead();
});
setInterval(tick, 1000);
signInKeys();
restorePlace();
enter();
