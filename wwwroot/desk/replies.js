// Canned replies on the settings' page. They are stored one by one, at once.

import { byId, el } from "./dom.js";
import { ask, send, words } from "./office.js";
import { t } from "./words.js";

const path = "/api/desk/canned";

export async function drawReplies() {
  const { replies } = await ask(path);
  byId("replies").replaceChildren(...replies.map(({ name, text }) => {
    const change = el("button", { class: "button", type: "button", "aria-label": t("Change {name}", { name }) }, t("Change"));
    const remove = el("button", { class: "button", type: "button", "aria-label": t("Delete {name}", { name }) }, t("Delete"));
    change.addEventListener("click", () => {
      byId("reply-name").value = name;
      byId("reply-text").value = text;
      byId("reply-text").focus();
    });
    remove.addEventListener("click", () => store({ name, text: "" }));
    return el("li", null, el("div", null, el("strong", { dir: "auto" }, `/${name}`), " ", el("span", { class: "muted", dir: "auto" }, text)), change, remove);
  }));
}

async function store(reply) {
  try {
    await send("PUT", path, reply);
    await drawReplies();
    byId("reply-problem").textContent = "";
    byId("reply-name").value = byId("reply-text").value = "";
    byId("reply-name").focus();
  } catch (problem) {
    byId("reply-problem").textContent = words(problem);
  }
}

export function replyKeys() {
  byId("reply-form").addEventListener("submit", (event) => {
    event.preventDefault();
    store({ name: byId("reply-name").value.trim(), text: byId("reply-text").value.trim() });
  });
}
