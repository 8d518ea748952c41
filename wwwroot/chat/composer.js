// Writing. The draft survives a reload.

import { byId } from "../desk/dom.js";
import { t } from "../desk/words.js";

const draftKey = "chat draft";
const typingEvery = 3000; // ms
const few = 500; // characters left, from which on they are counted

function drawCount() {
  const left = byId("draft").maxLength - byId("draft").value.length;
  byId("draft-count").textContent = left < few ? t("{left} characters left", { left }) : "";
}

// composer wires the form: send takes its words, typing hears that there will be
// some.
export function composer(send, typing) {
  const form = byId("composer");
  const draft = byId("draft");
  let told = 0;
  draft.value = sessionStorage.getItem(draftKey) ?? "";
  drawCount();
  draft.addEventListener("input", () => {
    sessionStorage.setItem(draftKey, draft.value);
    drawCount();
    if (!draft.value || Date.now() - told < typingEvery) return;
    told = Date.now();
    typing();
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
    sessionStorage.removeItem(draftKey);
    drawCount();
    told = 0;
    send(words);
  });
}
