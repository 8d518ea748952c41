// The panel on the right: what is known of the user and the conversation.

import { byId, el, face, icon, nameOf } from "./dom.js";
import { localTime, moment } from "./time.js";
import { language, t } from "./words.js";

const channels = { msteams: "Microsoft Teams", webchat: "Web chat", directline: "Direct Line", email: "E-mail" };

function languageOf(locale) {
  try {
    const name = new Intl.DisplayNames(language, { type: "language" }).of(locale);
    return name === locale ? locale : `${name} (${locale})`;
  } catch {
    return locale;
  }
}

const enders = { user: "ended by the user", agent: "ended by an agent", copilot: "ended by the copilot" };
const endedBy = (who) => t(enders[who] ?? "ended");

function section(title, ...children) {
  return el("section", { class: "facts" }, el("h3", null, t(title)), ...children);
}

// table shows the pairs that have a value; null when none has.
function table(pairs) {
  const known = pairs.filter(([, value]) => value);
  return known.length > 0 && el("dl", null, ...known.flatMap(([name, value]) => [el("dt", { dir: "auto" }, name), el("dd", { dir: "auto" }, value)]));
}

function copyable(name, value) {
  if (!value) return [name, null];
  const copy = el("button", { class: "icon-button", type: "button", "aria-label": t("Copy {name}", { name }), title: t("Copy {name}", { name }) }, icon("copy"));
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(value).catch(() => {});
    byId("copied").textContent = t("{name} copied", { name });
    copy.replaceChildren(icon("sent"));
    setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
  });
  return [name, el("span", { class: "id" }, el("code", { title: value }, value), copy)];
}

function earlier(escalations) {
  return escalations.length > 0 && section("Earlier", el("ul", { class: "before" }, ...escalations.map((e) =>
    el("li", null, el("strong", null, e.openedAt ? moment(e.openedAt) : t("Some time ago")), " ",
      el("span", { class: "words" }, [e.problem, e.endedBy && endedBy(e.endedBy), e.reference].filter(Boolean).join(" · "))))));
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
        [t("Local time"), here && el("span", { "data-zone": user.timeZone }, here)],
        [t("Time zone"), user.timeZone],
        [t("Language"), user.locale && languageOf(user.locale)],
        [t("Channel"), channels[c.channel] ?? c.channel],
        [t("Client"), user.client],
      ])),
    section("Problem", el("p", { class: c.problem ? "words" : "words muted" }, c.problem || t("Nothing was said about it yet."))),
    c.summary && section("Summary", el("p", { class: "words" }, c.summary)),
    Object.keys(c.variables).length > 0 && section("Variables", table(Object.entries(c.variables).sort())),
    earlier(past?.earlier ?? []),
    section("Conversation", table([
      [t("Agent"), c.agent],
      [t("Queue"), c.queue],
      [t("Priority"), c.priority && String(c.priority)],
      [t("Skills"), c.skills.join(", ")],
      [t("Rating"), c.ratingScore && t("{score} of 5", { score: c.ratingScore }) + (c.ratingComment ? `: ${c.ratingComment}` : "")],
      [t("Started"), moment(c.startedAt)],
      [t("Ended"), c.endedAt && `${moment(c.endedAt)} · ${endedBy(c.endedBy)}`],
      copyable(t("ID"), c.id),
      copyable(t("Reference"), c.reference),
      copyable(t("User ID"), user.id),
    ])),
  ];
  byId("facts").replaceChildren(...sections.filter(Boolean));
}
