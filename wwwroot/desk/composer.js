// Writing. A draft belongs to its conversation and survives a reload.

import { byId } from "./dom.js";
import { t } from "./words.js";

const draftKey = (id) => `draft ${id}`;

const typingEvery = 3000; // ms
const few = 1000; // characters left, from which on they are counted
const exact = 100; // and from which on exactly: each change is read out

function drawCount() {
  const left = byId("draft").maxLength - byId("draft").value.length;
  const said = left < exact ? left : Math.floor(left / exact) * exact;
  byId("draft-count").textContent = left < few ? t("{left} characters left", { left: said }) : "";
}

// composer wires the form: current tells which conversation is open, send takes
// its words, typing hears that there will be some.
export function composer(current, send, typing) {
  const form = byId("composer");
  const draft = byId("draft");
  let told = 0;
  draft.addEventListener("input", () => {
    sessionStorage.setItem(draftKey(current()), draft.value);
    drawCount();
    if (!draft.value || draft.value.startsWith("/") || Date.now() - told < typingEvery) return;
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
    drawCount();
    send(current(), words);
  });
}

export function showDraft(id) {
  byId("draft").value = sessionStorage.getItem(draftKey(id)) ?? "";
  drawCount();
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
