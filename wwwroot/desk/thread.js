// The chat in the middle. Elements are kept by the line's key, so that a line
// on its way becomes the stored one without moving.

import { byId, el, icon, place, size } from "./dom.js";
import { day, moment, time } from "./time.js";

const near = 80; // px from the end that still count as being there
const together = 5 * 60 * 1000; // ms in which one author's lines share a heading

let shown = null; // the conversation the elements belong to
let elements = new Map();
let newestSeen = null;

const nameOfLine = (line) => line.key || line.id;

function delivery(line, retry) {
  switch (line.state) {
    case "sending": return ["Sending…"];
    case "queued": return line.failure
      ? [el("span", { class: "slow" }, `Trying again: ${line.failure}`)]
      : [icon("queued"), "Queued"];
    case "sent": return [icon("sent"), "Sent"];
    case "failed": return [el("span", { class: "trouble" }, `Not delivered: ${line.failure}`)];
    case "unsent": {
      const again = el("button", { class: "again", type: "button" }, "Send again");
      again.addEventListener("click", () => retry(line.key));
      return [el("span", { class: "trouble" }, `Not sent: ${line.failure}`), again];
    }
    default: return [];
  }
}

// A line is made once; what is in it may change.
function makeLine(line) {
  if (line.from === "system") return el("li", { class: "note" });
  return el("li", null,
    el("span", { class: "author" }, line.sender || "User"),
    el("div", { class: "words", dir: "auto" }),
    el("div", { class: "meta" }));
}

function updateNote(node, line) {
  const reason = line.reason ? `: ${line.reason}` : "";
  node.replaceChildren(`${line.message}${reason} · `, el("time", { datetime: line.timestamp, title: moment(line.timestamp) }, time(line.timestamp)));
  if (line.note) node.append(el("span", { class: "aside" }, `Note: ${line.note}`));
  if (line.summary) node.append(el("span", { class: "aside" }, `Summary: ${line.summary}`));
}

function attachment(file) {
  return el("a", { class: "file", href: `/api/desk/files/${encodeURIComponent(file.id)}`, download: file.name },
    file.name, el("span", { class: "muted" }, ` ${size(file.size)}`));
}

function words(line) {
  if (line.deleted) return [el("em", { class: "gone" }, "Deleted")];
  return [line.message, ...(line.attachments ?? []).map(attachment)];
}

function change(line, { amend, mayAmend }) {
  if (line.from !== "agent" || line.deleted || !line.position || !mayAmend(line)) return null;
  const button = el("button", { class: "amend", type: "button" }, "Change");
  button.addEventListener("click", () => amend(line));
  return button;
}

function updateLine(node, line, first, actions) {
  const face = JSON.stringify([line.state, line.failure, first, line.id, line.message, line.deleted, actions.mayAmend(line)]);
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
    line.edited && !line.deleted && "Edited", ...delivery(line, actions.retry), change(line, actions),
  ].filter(Boolean));
}

// drawThread shows a conversation's lines. Whoever reads further up stays there
// and is told of new ones. The actions are retry, amend and mayAmend.
export function drawThread(id, lines, actions) {
  const log = byId("log");
  const scroller = byId("scroller");
  const fresh = id !== shown;
  if (fresh) {
    shown = id;
    elements = new Map();
    newestSeen = null;
    log.replaceChildren();
  }
  const atEnd = fresh || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near;
  // Lines that were there when the thread was opened are no news to be read out.
  log.setAttribute("aria-live", newestSeen === null ? "off" : "polite");
  place(log, nodesOf(lines, actions));

  const newest = lines.at(-1);
  if (!newest) return;
  const isNew = newestSeen !== null && newestSeen !== nameOfLine(newest);
  newestSeen = nameOfLine(newest);
  if (atEnd || newest.state === "sending") scroller.scrollTop = scroller.scrollHeight;
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
    if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < near) byId("to-newest").hidden = true;
  });
}
