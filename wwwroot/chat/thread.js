// The conversation. Elements are kept by the line's key, so that a line on its way
// becomes the stored one without moving.

import { byId, el, face, icon, place, shape, size } from "../desk/dom.js";
import { parts } from "../desk/links.js";
import { day, moment, time } from "../desk/time.js";
import { t } from "../desk/words.js";
import { render } from "../teams/markdown.js";
import { delivery, note, offered } from "./note.js";

const near = 80; // px from the end that still count as being there
const double = "M1.500 8.500 5 12l6.500-7.500M8 11l1 1 6-7.500";

let elements = new Map();
let shown = null; // the conversation the elements belong to
let newestSeen = null;
let following = true; // the reader is at the end

const nameOfLine = (line) => line.key || line.id;

function button(text, work, kind = "again") {
  const node = el("button", { class: kind, type: "button" }, text);
  node.addEventListener("click", work);
  return node;
}

const trouble = (text) => el("span", { class: "trouble" }, icon("failed"), " ", text);

const reached = (...parts) => el("span", { class: "arrival" }, ...parts);

function arrival(line, actions) {
  const { retry, resend } = actions;
  switch (delivery(line, actions)) {
    case "sending": return [reached(t("Sending…"))];
    case "waiting": return [reached(icon("waiting"), t("Waiting for the copilot…"))];
    case "unsent": return [trouble(t("Not sent: {reason}", { reason: line.failure })), button(t("Send again"), () => retry(line.key))];
    case "failed": return [trouble(t("Not delivered")), button(t("Send again"), () => resend(line.id))];
    case "seen": return [reached(shape(double), t("Seen"))];
    default: return [reached(icon("sent"), t("Sent"))];
  }
}

// Kinds of pictures that can do nothing but be seen.
const pictures = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

function attachment(file, fileOf) {
  const href = fileOf(file.id);
  return el("a", { class: "file", href, download: file.name },
    file.name, el("span", { class: "muted" }, ` ${size(file.size)}`),
    pictures.has(file.contentType) && el("img", { class: "picture", src: href, alt: file.name, loading: "lazy" }));
}

function words(line, { fileOf }) {
  if (line.deleted) return [el("em", { class: "gone" }, t("Deleted"))];
  if (line.format === "markdown") return [render(line.message)];
  const said = parts(line.message).map(({ text, href }) =>
    (href ? el("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer nofollow" }, text) : text));
  return [...said, ...(line.attachments ?? []).map((file) => attachment(file, fileOf))];
}

function author({ from, sender }) {
  if (from === "user") return el("span", { class: "hidden" }, t("You"));
  const mark = from === "copilot" ? el("span", { class: "face", "aria-hidden": "true" }, icon("copilot")) : face(sender, sender);
  return el("span", { class: "author" }, mark, el("bdi", null, sender));
}

const clock = (line) => el("time", { datetime: line.timestamp, title: moment(line.timestamp) }, time(line.timestamp));

function makeLine(line) {
  if (line.from === "system") return el("li", { class: "note" });
  return el("li", null,
    author(line),
    el("div", { class: "words", dir: "auto" }),
    el("div", { class: "meta" }));
}

// redraw makes a part of a line anew when what it shows has changed: what stays
// is not read out again.
function redraw(part, look, children) {
  const now = JSON.stringify(look);
  if (part.dataset.look === now) return;
  part.dataset.look = now;
  part.replaceChildren(...children().filter(Boolean));
}

function updateNote(node, line, reason) {
  const why = line.event === "ended" && reason;
  redraw(node, [why], () => [t(note(line), line), ...(why ? [" ", el("bdi", null, why)] : []), " · ", clock(line)]);
}

// position is "first" in what somebody says without a break, "last", both or
// neither.
function updateLine(node, line, position, actions) {
  const own = line.from === "user";
  const amendable = own && actions.mayAmend(line);
  node.className = ["line", line.from, position, line.position ? "" : "pending"].filter(Boolean).join(" ");
  redraw(node.querySelector(".words"), [line.message, line.deleted], () => words(line, actions));
  redraw(node.querySelector(".meta"), [line.deleted, line.edited, line.failure, own && delivery(line, actions), amendable], () => [
    clock(line), line.edited && !line.deleted && t("Edited"), ...(own && !line.deleted ? arrival(line, actions) : []),
    amendable && button(t("Change"), () => actions.amend(line), "amend"),
  ]);
}

function keep(key, make) {
  if (!elements.has(key)) elements.set(key, make());
  return elements.get(key);
}

const together = (one, other) => one && other && one.from === other.from && (one.from === "user" || one.sender === other.sender) && day(one.timestamp) === day(other.timestamp);

// standing says where a line stands among those of the same person. What has come
// less far than the next one ends them, so that each state is said once.
function standing(line, before, after, actions) {
  const breaks = !together(line, after) || line.from === "user" && delivery(line, actions) !== delivery(after, actions);
  return [!together(before, line) && "first", breaks && "last"].filter(Boolean).join(" ");
}

function nodesOf(all, actions) {
  const nodes = [];
  let before = null;
  const lines = all.filter((line) => line.from !== "system" || note(line));
  for (const [i, line] of lines.entries()) {
    if (!before || day(before.timestamp) !== day(line.timestamp)) {
      nodes.push(keep(`day ${day(line.timestamp)}`, () => el("li", { class: "day" }, day(line.timestamp))));
      before = null;
    }
    const node = keep(nameOfLine(line), () => makeLine(line));
    if (line.from === "system") updateNote(node, line, actions.reason);
    else updateLine(node, line, standing(line, before, lines[i + 1], actions), actions);
    nodes.push(node);
    before = line;
  }
  return nodes;
}

function replies(conversation, lines, choose) {
  const choices = offered(conversation, lines);
  if (choices.length === 0) return [];
  const key = `choices ${lines.findLast((line) => line.event === "message").id}`;
  return [keep(key, () => el("li", { class: "choices" }, el("ul", { "aria-label": t("Quick replies") }, ...choices.map((choice) =>
    el("li", null, button(choice.title, () => choose(choice), "choice"))))))];
}

// drawThread shows the conversation's lines. Whoever reads further up stays there
// and is told of new ones. The actions are retry, resend, amend, mayAmend, fileOf
// and choose.
export function drawThread(conversation, lines, actions) {
  const log = byId("log");
  const scroller = byId("scroller");
  const fresh = conversation.id !== shown;
  if (fresh) {
    shown = conversation.id;
    elements = new Map();
    newestSeen = null;
    log.replaceChildren();
  }
  // Lines that were there when the page was opened are no news to be read out.
  byId("live").setAttribute("aria-live", newestSeen === null ? "off" : "polite");
  const of = { ...actions, seen: conversation.seen, state: conversation.state, reason: conversation.reason };
  place(log, [...nodesOf(lines, of), ...replies(conversation, lines, actions.choose)]);

  const newest = lines.at(-1);
  const name = newest ? nameOfLine(newest) : "";
  const isNew = newestSeen !== null && newestSeen !== name;
  newestSeen = name;
  if (fresh || following || newest?.state === "sending") toEnd();
  else if (isNew) byId("to-newest").hidden = false;
}

function toEnd() {
  byId("scroller").scrollTop = byId("scroller").scrollHeight;
}

// threadKeys lets the reader jump to the end, and stay there when there is less
// room.
export function threadKeys() {
  const scroller = byId("scroller");
  byId("to-newest").addEventListener("click", toEnd);
  let height = 0;
  scroller.addEventListener("scroll", () => {
    if (scroller.clientHeight !== height) return; // the room has changed, not the reader's mind
    following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near;
    if (following) byId("to-newest").hidden = true;
  });
  new ResizeObserver(() => {
    height = scroller.clientHeight;
    if (following) toEnd();
  }).observe(scroller);
}
