// The settings' page. The form is what will be stored: business hours, queues and
// times after which the desk marks a conversation, all at once.

import { byId, el } from "./dom.js";
import { timetable } from "./hours.js";
import { ask, enter, send, sender, words } from "./office.js";
import { drawReplies, replyKeys } from "./replies.js";
import { moment } from "./time.js";
import { t } from "./words.js";

const route = "/api/desk/settings";

let version = 0;
let hours; // the editor of the hub's
let queues = []; // { id, node, name, hours }
let dirty = false;

function note(changed) {
  dirty = changed;
  byId("save").disabled = byId("discard").disabled = !dirty;
  if (changed) byId("saved").textContent = "";
}

function queueRow({ id, name, hours: own, open }) {
  const input = el("input", { value: name, maxlength: 100, dir: "auto", autocomplete: "off" });
  const remove = el("button", { class: "button", type: "button", disabled: open > 0, "aria-label": t("Remove {name}", { name: name || t("the new queue") }) }, t("Remove"));
  const row = { id, name: input, hours: timetable(t("Hours of its own, in place of the hub's"), own) };
  row.node = el("li", { class: "queue" },
    el("div", { class: "queue-head" },
      el("label", { class: "field" }, el("span", null, t("Name")), input), remove),
    el("p", { class: "muted" }, open > 0 ? t("Open conversations: {n}. It can be removed when it is empty.", { n: open }) : t("It is empty.")),
    row.hours.node);
  remove.addEventListener("click", () => {
    queues = queues.filter((each) => each !== row);
    row.node.remove();
    note(true);
    byId("add-queue").focus();
  });
  return row;
}

function draw(settings) {
  version = settings.version;
  hours = timetable(t("Only at these times, else at any time"), settings.hours);
  byId("hours").replaceChildren(hours.node);
  queues = settings.queues.map(queueRow);
  byId("queues").replaceChildren(...queues.map((row) => row.node));
  byId("wait-minutes").value = settings.waitMinutes;
  byId("idle-minutes").value = settings.idleMinutes;
  byId("changed").textContent = settings.changedBy
    ? t("Changed by {name}, {when}.", { name: settings.changedBy, when: moment(settings.changedAt) }) : "";
  note(false);
}

// read names the fields as the server does, and returns what they hold.
function read() {
  hours.rename("hours");
  queues.forEach((row, i) => {
    row.name.name = `queues[${i}].name`;
    row.hours.rename(`queues[${i}].hours`);
  });
  return {
    version, sender: sender(), hours: hours.read(),
    waitMinutes: Number(byId("wait-minutes").value), idleMinutes: Number(byId("idle-minutes").value),
    queues: queues.map((row) => ({ id: row.id, name: row.name.value.trim(), hours: row.hours.read() })),
  };
}

function clean() {
  byId("problem").textContent = "";
  byId("reread").hidden = true;
  for (const field of document.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

// refuse says what is wrong, at the field that the server names.
function refuse(problem) {
  const [, name, text] = problem.status === 400 ? problem.message.match(/^([\w.[\]]+): ([^]*)$/) ?? [] : [];
  const field = name && document.querySelector(`[name^="${CSS.escape(name)}"]`);
  byId("reread").hidden = problem.status !== 409;
  byId("problem").textContent = field ? `${field.labels[0].querySelector("span").textContent}: ${text}` : words(problem);
  if (!field) return byId("problem").focus();
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "problem");
  field.focus();
}

async function save() {
  clean();
  byId("save").disabled = true;
  try {
    draw(await send("PUT", route, read()));
    byId("saved").textContent = t("Saved.");
  } catch (problem) {
    byId("save").disabled = false;
    refuse(problem);
  }
}

async function load() {
  draw(await ask(route));
  clean();
}

function keys() {
  byId("settings").addEventListener("input", () => note(true));
  byId("settings").addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  byId("discard").addEventListener("click", () => load().catch(refuse));
  byId("reread").addEventListener("click", () => load().catch(refuse));
  byId("add-queue").addEventListener("click", () => {
    const row = queueRow({ id: 0, name: "", hours: null, open: 0 });
    queues.push(row);
    byId("queues").append(row.node);
    note(true);
    row.name.focus();
  });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
}

for (const zone of Intl.supportedValuesOf("timeZone")) byId("zones").append(new Option("", zone));
keys();
replyKeys();
enter(() => Promise.all([load(), drawReplies()]));
