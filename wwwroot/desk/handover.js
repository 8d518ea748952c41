// What the user and the copilot said before a person was asked for, folded above
// the conversation.

import { byId, el } from "./dom.js";
import { moment } from "./time.js";
import { t } from "./words.js";

const sides = { user: "User", copilot: "Copilot", agent: "Agent" };

// split parts a conversation on the users' page where people got control of it:
// what was said before is the copilot's part, as the copilot tells it or as it was.
export function split(c, lines, told) {
  if (c.origin !== "canvas") return { before: told, lines };
  let at = lines.findIndex((line) => line.event === "passed" || line.event === "joined");
  // What the user said while the copilot let go is in nobody's telling: it is for people.
  const heard = new Set(told.map((line) => line.text));
  const unheard = (line) => line?.from === "user" && line.event === "message" && !heard.has(line.message);
  while (told.length > 0 && unheard(lines[at - 1])) at -= 1;
  if (at < 0 || c.state === "copilot") return { before: [], lines };
  const said = lines.slice(0, at).filter((line) => line.event === "message" && line.message)
    .map((line) => ({ side: line.from, sender: line.sender, text: line.message, at: line.timestamp }));
  return { before: told.length > 0 ? told : said, lines: lines.slice(at) };
}

// drawHandover shows the lines; none show nothing.
export function drawHandover(lines) {
  byId("handover").hidden = lines.length === 0;
  byId("handover").replaceChildren(
    el("details", { class: "fold" },
      el("summary", null, t("What was said before ({count})", { count: lines.length })),
      el("ol", null, ...lines.map((line) => el("li", { class: line.side ?? "" },
        el("strong", { dir: "auto" }, line.sender || t(sides[line.side] ?? "User")), " ",
        el("span", { class: "said", dir: "auto" }, line.text), " ",
        line.at && el("time", { class: "muted", datetime: line.at }, moment(line.at)))))),
    el("p", { class: "divide" }, el("span", null, t("Handed over here"))));
}
