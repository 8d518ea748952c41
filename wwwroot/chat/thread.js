// The conversation. Elements are kept by the line's key, so that a line on its way
// becomes the stored one without moving.

import { byId, el, icon, place, shape, size } from "../desk/dom.js";
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

function arrival(line, { seen, retry, resend }) {
  switch (delivery(line, seen)) {
    case "sending": return [t("Sending…")];
    case "unsent": return [trouble(t("Not sent: {reason}", { reason: line.failure })), button(t("Send again"), () => retry(line.key))];
    case "failed": return [trouble(t("Not delivered")), button(t("Send again"), () => resend(line.id))];
    case "seen": return [shape(double), t("Seen")];
    default: return [icon("sent"), t("Sent")];
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

function makeLine(line) {
  if (line.from === "system") return el("li", { class: "note" });
  return el("li", null,
    el("span", { class: "author", dir: "auto" }, line.from === "user" ? el("span", { class: "hidden" }, t("You")) : line.sender),
    el("div", { class: "words", dir: "auto" }),
    el("div", { class: "meta" }));
}

function updateLine(node, line, first, actions) {
  const own = line.from === "user";
  const face = JSON.stringify([line.state, line.failure, first, line.message, line.deleted, line.edited,
    own && [delivery(line, actions.seen), actions.mayAmend(line)]]);
  if (node.dataset.face === face) return;
  node.dataset.face = face;
  const clock = el("time", { datetime: line.timestamp, title: moment(line.timestamp) }, time(line.timestamp));
  if (line.from === "system") {
    const why = line.event === "ended" && actions.reason;
    node.replaceChildren(t(note(line), line), ...(why ? [" ", el("bdi", null, why)] : []), " · ", clock);
    return;
  }
  node.className = ["line", line.from, first && "first", line.position ? "" : "pending"].filter(Boolean).join(" ");
  node.querySelector(".words").replaceChildren(...words(line, actions));
  node.querySelector(".meta").replaceChildren(...[
    clock, line.edited && !line.deleted && t("Edited"), ...(own && !line.deleted ? arrival(line, actions) : []),
    own && actions.mayAmend(line) && button(t("Change"), () => actions.amend(line), "amend"),
  ].filter(Boolean));
}

function keep(key, make) {
  if (!elements.has(key)) elements.set(key, make());
  return elements.get(key);
}

function nodesOf(lines, actions) {
  const nodes = [];
  let before = null;
  for (const line of lines) {
    if (line.from === "system" && !note(line)) continue;
    if (!before || day(before.timestamp) !== day(line.timestamp)) {
      nodes.push(keep(`day ${day(line.timestamp)}`, () => el("li", { class: "day" }, day(line.timestamp))));
      before = null;
    }
    const node = keep(nameOfLine(line), () => makeLine(line));
    updateLine(node, line, before?.from !== line.from || before.sender !== line.sender, actions);
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
  const of = { ...actions, seen: conversation.seen, reason: conversation.reason };
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
  scroller.addEventListener("scroll", () => {
    following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near;
    if (following) byId("to-newest").hidden = true;
  });
  new ResizeObserver(() => { if (following) toEnd(); }).observe(scroller);
}
