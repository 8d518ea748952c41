// The users' chat: a copilot first, a person after.

import { byId } from "../desk/dom.js";
import { attaching } from "../desk/files.js";
import { language, languages, speak, speakOf, t } from "../desk/words.js";
import { composer } from "./composer.js";
import { amending, drawEnd, ending } from "./ending.js";
import { status } from "./note.js";
import { reason, Store } from "./store.js";
import { drawThread, threadKeys } from "./thread.js";
import { noticing } from "./unread.js";

const factsKey = "chat facts";

const store = new Store();
const peopleHelp = () => ["waiting", "active"].includes(store.conversation?.state);

function showProblem(text) {
  byId("problem").textContent = text;
}

function drawTyping() {
  const { state, agent } = store.conversation ?? {};
  const who = state === "copilot" ? t("The copilot") : agent || t("Somebody");
  byId("typing").textContent = store.typingUntil > Date.now() && state !== "ended" ? t("{who} is typing…", { who }) : "";
}

const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };

function draw() {
  const c = store.conversation;
  byId("start").hidden = Boolean(c);
  byId("open-thread").hidden = !c;
  if (!c) {
    byId("end").hidden = true;
    say(byId("status"), "");
    return;
  }
  say(byId("status"), t(...status(c)));
  byId("composer").hidden = c.state === "ended";
  byId("attach").hidden = !peopleHelp();
  drawTyping();
  drawThread(c, store.thread(), {
    retry: (key) => store.retry(key),
    resend: (line) => store.resend(line).catch((problem) => showProblem(reason(problem))),
    amend: ({ id }) => amendLine(store.lines.get(id)), // as it is now: its button may be older
    // What the copilot has heard cannot be unsaid.
    mayAmend: (line) => peopleHelp() && line.position && !line.state && !line.deleted,
    fileOf: (id) => store.pathOf(`/files/${encodeURIComponent(id)}`),
    choose: ({ title, value }) => {
      store.send(title, value);
      byId("draft").focus();
    },
  });
  drawEnd(c);
}

// start begins a conversation with what the user tells about themselves, and what
// the browser does.
async function start(told) {
  sessionStorage.setItem(factsKey, JSON.stringify(told));
  await store.start({ ...told, locale: navigator.language, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  byId("draft").focus();
}

function starting() {
  byId("start").addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = byId("start").querySelector(".primary");
    submit.disabled = true;
    byId("start-problem").textContent = "";
    const told = { name: byId("start-name").value.trim(), email: byId("start-email").value.trim() };
    await start(told).catch((problem) => { byId("start-problem").textContent = reason(problem); });
    submit.disabled = false;
  });
}

function speaking() {
  const choice = byId("language");
  choice.append(...Object.entries(languages).map(([code, name]) => new Option(name, code, false, code === language)));
  choice.addEventListener("change", () => speakOf(choice.value));
}

speak();
document.title = t(document.title);
speaking();
starting();
threadKeys();
composer((words) => { showProblem(""); store.send(words); }, () => store.typing());
attaching(() => store.conversation.id, (id, name) => store.pathOf(`/files?${new URLSearchParams({ name })}`), (line) => store.received(line));
const amendLine = amending((line, words) => store.amend(line, words));
ending({
  end: () => store.end(), rate: (score, comment) => store.rate(score, comment), failed: showProblem,
  again: () => start(JSON.parse(sessionStorage.getItem(factsKey) ?? "{}")),
});
store.addEventListener("change", draw);
noticing(store);
store.addEventListener("connection", (event) => {
  byId("connection").textContent = event.detail ? "" : t("Reconnecting…");
});
setInterval(() => {
  drawTyping();
  if (store.late()) draw();
}, 1000);
store.begin();
