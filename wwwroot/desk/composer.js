// Writing and attaching. A draft belongs to its conversation and survives a reload.

import { byId } from "./dom.js";

const draftKey = (id) => `draft ${id}`;

const typingEvery = 3000; // ms

// composer wires the form: current tells which conversation is open, send takes
// its words, typing hears that there will be some.
export function composer(current, send, typing) {
  const form = byId("composer");
  const draft = byId("draft");
  let told = 0;
  draft.addEventListener("input", () => {
    sessionStorage.setItem(draftKey(current()), draft.value);
    if (!draft.value || Date.now() - told < typingEvery) return;
    told = Date.now();
    typing(current());
  });
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

// attaching wires the button; send takes the file, and problem shows why not.
export function attaching(current, send, problem) {
  const button = byId("attach");
  const input = byId("attach-file");
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    button.disabled = true;
    problem("");
    try {
      await send(current(), file);
    } catch (error) {
      problem(error.status ? `${file.name}: ${error.message}` : "No connection: the file was not sent.");
    } finally {
      input.value = "";
      button.disabled = false;
    }
  });
}
