// Who has control of a conversation on the users' page: the copilot, whom agents
// only watch until they take over, or people, who may return it.

import { byId } from "./dom.js";
import { later } from "./undo.js";
import { t } from "./words.js";

// drawControl shows what can be done with a conversation beside what drawDeeds
// does.
export function drawControl(c) {
  const copilot = c.state === "copilot";
  byId("return").hidden = c.origin !== "canvas" || copilot;
  byId("transfer").hidden = copilot;
  if (c.endedBy === "copilot") byId("ended-note").textContent = t("The copilot ended this conversation. A new request opens a new one.");
  if (!copilot) return;
  byId("composer").hidden = true;
  byId("ended-note").hidden = false;
  byId("ended-note").textContent = t("The user talks to the copilot. Take over to answer.");
}

// returning wires the dialog: current is the open conversation, nameOfCurrent its
// user; act does the deed, failed hears why it did not work.
export function returning(current, nameOfCurrent, act, failed) {
  const dialog = byId("return-dialog");
  byId("return").addEventListener("click", () => {
    for (const field of dialog.querySelectorAll("input, textarea")) field.value = "";
    byId("return-title").textContent = t("Return the conversation with {name} to the copilot?", { name: nameOfCurrent() });
    dialog.showModal();
  });
  // Enter in a field of one line is the wish to confirm.
  byId("return-reason").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    byId("return-confirm").click();
  });
  byId("return-confirm").addEventListener("click", () => {
    const [id, body] = [current(), { reason: byId("return-reason").value.trim(), summary: byId("return-summary").value.trim() }];
    later(t("The conversation with {name} is being returned.", { name: nameOfCurrent() }), () => act(id, body).catch(failed));
    dialog.close();
  });
}
