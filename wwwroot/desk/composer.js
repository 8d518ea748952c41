// Writing and ending. A draft belongs to its conversation and survives a reload.

import { byId } from "./dom.js";

const draftKey = (id) => `draft ${id}`;

// composer wires the form: current tells which conversation is open, send takes
// its words.
export function composer(current, send) {
  const form = byId("composer");
  const draft = byId("draft");
  draft.addEventListener("input", () => sessionStorage.setItem(draftKey(current()), draft.value));
  draft.addEventListener("keydown", (event) => {
    // Enter that confirms an input method's suggestion is not a wish to send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = draft.value.trim();
    draft.focus();
    if (!words) return;
    draft.value = ""; // before anything is awaited: a second click finds nothing to send
    sessionStorage.removeItem(draftKey(current()));
    send(current(), words);
  });
}

export function showDraft(id) {
  byId("draft").value = sessionStorage.getItem(draftKey(id)) ?? "";
}

// keepDrafts puts words that could not be sent before what is being written, so
// that they outlive the way to the issuer and back.
export function keepDrafts(unsent, open) {
  for (const [id, words] of unsent) {
    const draft = sessionStorage.getItem(draftKey(id));
    sessionStorage.setItem(draftKey(id), draft ? `${words}\n${draft}` : words);
    if (id === open) showDraft(id);
  }
}

// ending wires the button and its dialog.
export function ending(current, nameOfCurrent, end) {
  const dialog = byId("end-dialog");
  const confirm = byId("end-confirm");
  const finish = async () => {
    confirm.disabled = true;
    try {
      await end(current(), byId("end-reason").value.trim());
      dialog.close();
    } catch (problem) {
      byId("end-problem").textContent = problem.status ? problem.message : "No connection. Try again in a moment.";
    } finally {
      confirm.disabled = false;
    }
  };
  byId("end").addEventListener("click", () => {
    byId("end-title").textContent = `End the conversation with ${nameOfCurrent()}?`;
    byId("end-reason").value = "";
    byId("end-problem").textContent = "";
    dialog.showModal();
  });
  confirm.addEventListener("click", finish);
  byId("end-reason").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    finish();
  });
}
