// What a supervisor sees at a glance: the figures of now and today, the agents,
// and the audit.

import { byId, el } from "./dom.js";
import { tag } from "./marks.js";
import { lasting, moment, since } from "./time.js";
import { t } from "./words.js";

const unknown = "–";

// duration is exact to the second below ten minutes.
function duration(seconds) {
  if (seconds === null) return unknown;
  const rest = Math.floor(seconds % 60);
  return seconds < 60 || seconds >= 600 || rest === 0 ? lasting(seconds) : `${lasting(seconds - rest)} ${lasting(rest)}`;
}

export function drawFigures({ waiting, active, waitingSince, medianWaitSeconds, medianHandlingSeconds }) {
  byId("waiting").textContent = waiting;
  byId("longest").replaceChildren(...(waitingSince
    ? [t("longest for"), " ", el("span", { "data-since": waitingSince }, since(waitingSince))] : [t("nobody")]));
  byId("active").textContent = active;
  byId("median-wait").textContent = duration(medianWaitSeconds);
  byId("median-handling").textContent = duration(medianHandlingSeconds);
}

// load is what an agent has, against what they take by themselves.
function load({ open, accepts }) {
  if (accepts === 0) return [String(open)];
  return [t("{open} of {limit}", { open, limit: accepts }), " ",
    el("meter", { min: 0, max: accepts, value: Math.min(open, accepts), "aria-hidden": "true" })];
}

export function drawAgents(agents) {
  byId("no-agents").hidden = agents.length > 0;
  byId("agents").hidden = agents.length === 0;
  byId("agent-rows").replaceChildren(...agents.map((agent) => el("tr", null,
    el("th", { scope: "row" }, el("bdi", null, agent.name)),
    el("td", null, tag(agent.state)),
    el("td", { class: "load" }, ...load(agent)))));
}

const actions = {
  view: "read what has ended", export: "exported", settings: "changed the settings",
  canned: "changed a canned reply", end: "ended conversations",
};

// subject is what a row of the audit is about: ids lead to their conversations.
function subject({ action, subject: of }) {
  if (action !== "view" && action !== "end") return [el("bdi", null, of)];
  if (of === "all") return [t("All")];
  const ids = of.split(" ");
  const link = (id) => el("a", { class: "link", href: `/#${id}` }, id.slice(0, 8));
  if (ids.length === 1) return [link(ids[0])];
  return [el("details", null, el("summary", null, t("Conversations: {n}", { n: ids.length })), ...ids.flatMap((id) => [link(id), " "]))];
}

export function drawAudit(rows) {
  byId("no-audit").hidden = rows.length > 0;
  byId("audit").hidden = rows.length === 0;
  const cell = (attributes, ...children) => el("td", { role: "cell", ...attributes }, ...children);
  byId("audit-rows").replaceChildren(...rows.map((row) => el("tr", { role: "row" },
    cell({}, el("time", { datetime: row.at }, moment(row.at))),
    cell({}, el("bdi", null, row.actor || t("nobody signed in"))),
    cell({}, t(actions[row.action])),
    cell({ class: "of" }, ...subject(row)))));
}
