// What the user and the copilot said before a person was asked for, folded above
// the conversation.

import { byId, el } from "./dom.js";
import { moment } from "./time.js";
import { t } from "./words.js";

const sides = { user: "User", copilot: "Copilot", agent: "Agent" };

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
