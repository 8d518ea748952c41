// The supervisor's page. It is read anew when something has happened, and now and
// then: who is at the desk is no event.

import { drawAgents, drawAudit, drawFigures } from "./board.js";
import { drawChart, watchChart } from "./chart.js";
import { byId } from "./dom.js";
import { ask, enter, send, sender, words } from "./office.js";
import { drawRunning, redrawRunning, runningKeys, theChosen, unchoose } from "./running.js";
import { since } from "./time.js";
import { later, undoing } from "./undo.js";
import { t } from "./words.js";

const route = "/api/desk/supervisor";
const pause = 2000; // ms between two readings, at least
const atLeastEvery = 15_000; // ms
const mostAtOnce = 500;
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();

let seq = 0;
let reading = false;
let news = false; // something happened since the last reading
let lastRead = 0;

async function read() {
  const board = await ask(`${route}?${new URLSearchParams({ zone: timeZone })}`);
  seq = board.seq;
  drawFigures(board.figures);
  drawAgents(board.agents);
  drawChart(board.hours);
  drawRunning(board.open, board);
}

async function readAudit() {
  drawAudit((await ask(`${route}/audit`)).audit);
}

async function refresh() {
  if (reading) return;
  reading = true;
  news = false;
  try {
    await read();
    byId("connection").textContent = "";
  } catch (problem) {
    if (!problem.status) byId("connection").textContent = t("Reconnecting…");
  }
  lastRead = Date.now();
  reading = false;
}

function tick() {
  for (const node of document.querySelectorAll("[data-since]")) node.textContent = since(node.dataset.since);
  redrawRunning();
  const due = Date.now() - lastRead;
  if (!byId("page").hidden && (due >= atLeastEvery || (news && due >= pause))) refresh();
}

function follow() {
  const source = new EventSource(`/api/desk/events?after=${seq}`);
  source.addEventListener("change", () => { news = true; });
  source.addEventListener("error", () => {
    byId("connection").textContent = t("Reconnecting…");
    if (source.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
    ask("/api/desk/me").then(() => setTimeout(follow, pause), (problem) => { if (!problem.status) setTimeout(follow, pause); });
  });
  source.addEventListener("open", () => {
    byId("connection").textContent = "";
    news = true;
  });
}

// aside gives the keyboard a place when the one it had is about to go.
const aside = () => { if (byId("undo").contains(document.activeElement) || document.activeElement === document.body) byId("choose-all").focus(); };

// endChosen ends what was chosen when it was confirmed, unless that is undone.
async function endChosen(ids, reason) {
  aside();
  try {
    const { ended } = await send("POST", `${route}/end`, { ids, reason, sender: sender() }, { keepalive: true });
    byId("done").textContent = t("Conversations ended: {n}.", { n: ended });
    await Promise.all([refresh(), readAudit()]);
  } catch (problem) {
    byId("end-result").textContent = words(problem);
  }
}

function bulk() {
  const dialog = byId("end-dialog");
  let ids = [];
  byId("end-chosen").addEventListener("click", () => {
    ids = theChosen().slice(0, mostAtOnce);
    byId("end-title").textContent = t("End these conversations ({n})?", { n: ids.length });
    byId("end-reason").value = byId("end-problem").textContent = byId("end-result").textContent = "";
    dialog.showModal();
  });
  const confirm = () => {
    const reason = byId("end-reason").value.trim();
    if (!reason) {
      byId("end-problem").textContent = t("Say why: the users are told.");
      return byId("end-reason").focus();
    }
    dialog.close();
    unchoose();
    later(t("These conversations are being ended ({n}).", { n: ids.length }), () => endChosen(ids, reason));
    byId("undo-button").focus();
  };
  byId("end-confirm").addEventListener("click", confirm);
  byId("undo-button").addEventListener("click", aside);
  byId("end-reason").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    confirm();
  });
}

// exporting keeps the link to what its fields say.
function exporting() {
  const [from, to, link] = ["export-from", "export-to", "export"].map(byId);
  const day = (date) => [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
  const now = new Date();
  from.value = day(new Date(now.getFullYear(), now.getMonth(), 1));
  to.value = day(now);
  const point = () => {
    const wrong = !from.value || !to.value || to.value < from.value;
    byId("export-problem").textContent = wrong ? t("Choose two days, the earlier one first.") : "";
    if (wrong) link.removeAttribute("href");
    else link.href = `${route}/export?${new URLSearchParams({ from: from.value, to: to.value, zone: timeZone, sender: sender() })}`;
  };
  from.addEventListener("change", point);
  to.addEventListener("change", point);
  link.addEventListener("click", () => setTimeout(() => readAudit().catch(() => {}), pause));
  point();
}

runningKeys();
undoing();
bulk();
enter(async () => {
  await Promise.all([read(), readAudit()]);
  lastRead = Date.now();
}).then(() => {
  if (byId("page").hidden) return;
  exporting();
  watchChart();
  follow();
  setInterval(tick, 1000);
});
