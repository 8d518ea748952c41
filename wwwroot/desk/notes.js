// Private notes about a conversation: for agents, never for the user.

import { byId, el } from "./dom.js";
import { moment } from "./time.js";
import { t } from "./words.js";

// drawNotes shows the notes.
export function drawNotes(notes) {
  byId("notes").replaceChildren(...notes.map((note) => el("li", null,
    el("strong", { dir: "auto" }, note.agent), " ", el("time", { class: "muted", datetime: note.at }, moment(note.at)),
    el("p", { class: "words", dir: "auto" }, note.text))));
}

// noting wires the form; keep stores a note.
export function noting(current, keep) {
  const field = byId("note-text");
  let key = crypto.randomUUID(); // of this note: stored once, however often it is sent
  byId("note-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    try {
      await keep(current(), field.value.trim(), key);
      field.value = byId("note-problem").textContent = "";
      key = crypto.randomUUID();
    } catch (problem) {
      byId("note-problem").textContent = problem.status ? problem.message : t("No connection.");
    }
  });
}
