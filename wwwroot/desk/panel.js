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

// drawPanel shows one conversation's facts.
export function drawPanel(c) {
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
    Object.keys(c.variables).length > 0 && section("Variables", table(Object.entries(c.variables).sort())),
    section("Conversation", table([
      ["Started", moment(c.startedAt)],
      ["Ended", c.endedAt && `${moment(c.endedAt)}, by the ${c.endedBy}`],
      copyable("ID", c.id),
      copyable("Reference", c.reference),
      copyable("User ID", user.id),
    ])),
  ];
  byId("facts").replaceChildren(...sections.filter(Boolean));
}
