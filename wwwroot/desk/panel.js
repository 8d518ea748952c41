// The panel on the right: what is known of the user and the conversation.

import { byId, el, face, icon, nameOf } from "./dom.js";
import { localTime, moment } from "./time.js";

const channels = { msteams: "Microsoft Teams", webchat: "Web chat", directline: "Direct Line", email: "E-mail" };

function languageOf(locale) {
  try {
    const name = new Intl.DisplayNames(undefined, { type: "language" }).of(locale);
    return name === locale ? locale : `${name} (${locale})`;
  } catch {
    return locale;
  }
}

function section(title, ...children) {
  return el("section", { class: "facts" }, el("h3", null, title), ...children);
}

// table shows the pairs that have a value; null when none has.
function table(pairs) {
  const known = pairs.filter(([, value]) => value);
  return known.length > 0 && el("dl", null, ...known.flatMap(([name, value]) => [el("dt", null, name), el("dd", null, value)]));
}

function copyable(name, value) {
  if (!value) return [name, null];
  const copy = el("button", { class: "icon-button", type: "button", "aria-label": `Copy ${name}`, title: `Copy ${name}` }, icon("copy"));
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(value).catch(() => {});
    byId("copied").textContent = `${name} copied`;
    copy.replaceChildren(icon("sent"));
    setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
  });
  return [name, el("span", { class: "id" }, el("code", { title: value }, value), copy)];
}

function transcript(lines) {
  return lines.length > 0 && section("Before", el("ol", { class: "before" }, ...lines.map((line) =>
    el("li", null, el("strong", null, line.sender || line.side || "?"), " ",
      el("span", { class: "words", dir: "auto" }, line.text), line.at && el("time", { class: "muted", datetime: line.at }, moment(line.at))))));
}

function earlier(escalations) {
  return escalations.length > 0 && section("Earlier", el("ul", { class: "before" }, ...escalations.map((e) =>
    el("li", null, el("strong", null, e.openedAt ? moment(e.openedAt) : "Some time ago"), " ",
      el("span", { class: "words" }, [e.problem, e.endedBy && `ended by the ${e.endedBy}`, e.reference].filter(Boolean).join(" · "))))));
}

// drawPanel shows one conversation's facts, and what was before it.
export function drawPanel(c, past) {
  const { user } = c;
  const here = user.timeZone && localTime(user.timeZone);
  const sections = [
    section("User",
      el("div", { class: "card" }, face(nameOf(c), c.id),
        el("div", null, el("strong", null, nameOf(c)), user.email && el("span", null, user.email))),
      table([
        ["Local time", here && el("span", { "data-zone": user.timeZone }, here)],
        ["Time zone", user.timeZone],
        ["Language", user.locale && languageOf(user.locale)],
        ["Channel", channels[c.channel] ?? c.channel],
        ["Client", user.client],
      ])),
    section("Problem", el("p", { class: c.problem ? "words" : "words muted" }, c.problem || "Nothing was said about it yet.")),
    c.summary && section("Summary", el("p", { class: "words" }, c.summary)),
    Object.keys(c.variables).length > 0 && section("Variables", table(Object.entries(c.variables).sort())),
    transcript(past?.transcript ?? []),
    earlier(past?.earlier ?? []),
    section("Conversation", table([
      ["Agent", c.agent],
      ["Queue", c.queue],
      ["Priority", c.priority && String(c.priority)],
      ["Skills", c.skills.join(", ")],
      ["Rating", c.ratingScore && `${c.ratingScore} of 5${c.ratingComment ? `: ${c.ratingComment}` : ""}`],
      ["Started", moment(c.startedAt)],
      ["Ended", c.endedAt && `${moment(c.endedAt)}, by the ${c.endedBy}`],
      copyable("ID", c.id),
      copyable("Reference", c.reference),
      copyable("User ID", user.id),
    ])),
  ];
  byId("facts").replaceChildren(...sections.filter(Boolean));
}
