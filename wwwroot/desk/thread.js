// The chat in the middle. Elements are kept by the line's key, so that a line
// on its way becomes the stored one without moving.

import { byId, el, icon, place, size } from "./dom.js";
import { parts } from "./links.js";
import { noteText } from "./note.js";
import { day, moment, time } from "./time.js";
import { t } from "./words.js";

const near = 80; // px from the end that still count as being there
const together = 5 * 60 * 1000; // ms in which one author's lines share a heading

let shown = null; // the conversation the elements belong to
let elements = new Map();
let newestSeen = null;
let following = true; // the reader is at the end, and stays there

const reasons = { refused: "refused there", expired: "it took too long", fault: "the channel failed" };

const nameOfLine = (line) => line.key || line.id;

function offer(text, work) {
  const button = el("button", { class: "again", type: "button" }, text);
  button.addEventListener("click", work);
  return button;
}

const again = (work) => offer(t("Send again"), work);

const trouble = (text) => el("span", { class: "trouble" }, icon("failed"), " ", text);

// outcome is what became of a line behind the hub, and what to make of it.
function outcome(line, { settle, open }) {
  const said = line.report === "failed"
    ? trouble(t("Not delivered: {reason}", { reason: reasons[line.reportReason] ? t(reasons[line.reportReason]) : line.reportReason }))
    : el("span", { class: "slow" }, icon("unknown"), " ", t("Not certain: the user may have it"));
  if (line.reportSettled) return [said, line.reportSettled === "again" ? t("Said again") : t("Left as it is")];
  return [said, open() && line.message && again(() => settle(line, "again")), offer(t("Leave it"), () => settle(line, "leave"))];
}

function delivery(line, actions) {
  if (line.report && !line.deleted) return outcome(line, actions);
  const { retry, resend, open } = actions;
  switch (line.state) {
    case "sending": return [t("Sending…")];
    case "queued": return line.failure
      ? [el("span", { class: "slow" }, icon("queued"), " ", t("Trying again: {reason}", { reason: line.failure }))]
      : [icon("queued"), t("Queued")];
    case "sent": return [icon("sent"), t("Sent")];
    case "failed": return [trouble(t("Not delivered: {reason}", { reason: line.failure })), open() && again(() => resend(line.id))];
    case "unsent": return [trouble(t("Not sent: {reason}", { reason: line.failure })), again(() => retry(line.key))];
    default: return [];
  }
}

// A line is made once; what is in it may change.
function makeLine(line) {
  if (line.from === "system") return el("li", { class: "note" });
  return el("li", null,
    el("span", { class: "author", dir: "auto" }, line.sender || t("User")),
    el("div", { class: "words", dir: "auto" }),
    el("div", { class: "meta" }));
}

function updateNote(node, line) {
  const reason = line.reason ? `: ${line.reason}` : "";
  node.replaceChildren(`${noteText(line)}${reason} · `, el("time", { datetime: line.timestamp, title: moment(line.timestamp) }, time(line.timestamp)));
  if (line.note) node.append(el("span", { class: "aside" }, t("Note: {note}", line)));
  if (line.summary) node.append(el("span", { class: "aside" }, t("Summary: {summary}", line)));
}

// Kinds of pictures that can do nothing but be seen.
const pictures = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

function attachment(file) {
  const href = `/api/desk/files/${encodeURIComponent(file.id)}`;
  return el("a", { class: "file", href, download: file.name },
    file.name, el("span", { class: "muted" }, ` ${size(file.size)}`),
    pictures.has(file.contentType) && el("img", { class: "picture", src: href, alt: file.name, loading: "lazy" }));
}

function words(line) {
  if (line.deleted) return [el("em", { class: "gone" }, t("Deleted"))];
  const said = parts(line.message).map(({ text, href }) =>
    (href ? el("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer nofollow" }, text) : text));
  return [...said, ...(line.attachments ?? []).map(attachment)];
}

function change(line, { amend, mayAmend }) {
  if (line.from !== "agent" || line.deleted || !line.position || !mayAmend(line)) return null;
  const button = el("button", { class: "amend", type: "button" }, t("Change"));
  button.addEventListener("click", () => amend(line));
  return button;
}

function updateLine(node, line, first, actions) {
  const face = JSON.stringify([line.state, line.failure, line.report, line.reportSettled, first, line.id, line.message, line.deleted, actions.mayAmend(line), actions.open()]);
  if (node.dataset.face === face) return;
  node.dataset.face = face;
  if (line.from === "system") {
    updateNote(node, line);
    return;
  }
  const pending = line.state === "sending" || line.state === "unsent";
  node.className = ["line", line.from, first && "first", pending && "pending"].filter(Boolean).join(" ");
  node.querySelector(".words").replaceChildren(...words(line));
  node.querySelector(".meta").replaceChildren(...[
    el("time", { datetime: line.timestamp, title: moment(line.timestamp) }, time(line.timestamp)),
    line.edited && !line.deleted && t("Edited"), ...delivery(line, actions), change(line, actions),
  ].filter(Boolean));
}

// drawThread shows a conversation's lines. Whoever reads further up stays there
// and is told of new ones. The actions are retry, resend, settle, amend and mayAmend;
// open tells whether the conversation is.
export function drawThread(id, lines, actions) {
  const log = byId("log");
  const scroller = byId("scroller");
  if (id !== shown) {
    shown = id;
    following = true;
    elements = new Map();
    newestSeen = null;
    log.replaceChildren();
  }
  // Lines that were there when the thread was opened are no news to be read out.
  byId("live").setAttribute("aria-live", newestSeen === null ? "off" : "polite");
  place(log, nodesOf(lines, actions));

  const newest = lines.at(-1);
  if (!newest) return;
  const isNew = newestSeen !== null && newestSeen !== nameOfLine(newest);
  newestSeen = nameOfLine(newest);
  if (following || newest.state === "sending") scroller.scrollTop = scroller.scrollHeight;
  else if (isNew) byId("to-newest").hidden = false;
}

function nodesOf(lines, actions) {
  const nodes = [];
  let before = null;
  for (const line of lines) {
    if (!before || day(before.timestamp) !== day(line.timestamp)) {
      nodes.push(keep(`day ${day(line.timestamp)}`, () => el("li", { class: "day" }, day(line.timestamp))));
      before = null;
    }
    const first = before?.from !== line.from || before.sender !== line.sender
      || new Date(line.timestamp) - new Date(before.timestamp) > together;
    const node = keep(nameOfLine(line), () => makeLine(line));
    updateLine(node, line, first, actions);
    nodes.push(node);
    before = line;
  }
  return nodes;
}

function keep(key, make) {
  if (!elements.has(key)) elements.set(key, make());
  return elements.get(key);
}

// threadKeys lets the reader jump to the end.
export function threadKeys() {
  const scroller = byId("scroller");
  byId("to-newest").addEventListener("click", () => { scroller.scrollTop = scroller.scrollHeight; });
  scroller.addEventListener("scroll", () => {
    if (scroller.clientHeight === 0) return; // it is not to be seen, and nobody scrolled it
    following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near;
    if (following) byId("to-newest").hidden = true;
  });
  new ResizeObserver(() => {
    if (following) scroller.scrollTop = scroller.scrollHeight;
  }).observe(scroller);
}
