// What is about to be done, and can be undone for a few seconds.

import { byId } from "./dom.js";
import { t } from "./words.js";

const grace = 5000; // ms

let pending = null; // { work, timer }

// flush does at once what is about to be done.
function flush() {
  const { work, timer } = pending ?? {};
  clearTimeout(timer);
  pending = null;
  byId("undo").hidden = true;
  return work?.();
}

// later does work in a few seconds, unless the agent thinks better of it. What
// waited before is done now.
export function later(text, work) {
  flush();
  byId("undo-text").textContent = text;
  byId("undo").hidden = false;
  pending = { work, timer: setTimeout(flush, grace) };
}

// undoing wires the button. Who leaves the page has not thought better of it.
export function undoing() {
  byId("undo-button").addEventListener("click", () => {
    clearTimeout(pending?.timer);
    pending = null;
    byId("undo").hidden = true;
    byId("undo-done").textContent = t("Nothing was ended.");
  });
  addEventListener("pagehide", flush);
}
