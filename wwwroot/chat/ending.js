// The end: asking for it, what the user thinks of the help, and beginning anew.

import { byId, el } from "../desk/dom.js";
import { t } from "../desk/words.js";
import { reason } from "./store.js";

const names = ["Very bad", "Bad", "Fair", "Good", "Very good"];

// drawEnd shows what there is after the end, once: what the user writes there
// stays.
export function drawEnd(conversation) {
  const over = conversation.state === "ended";
  const came = over && byId("over").hidden;
  byId("over").hidden = !over;
  byId("end").hidden = over;
  byId("rating").hidden = conversation.score > 0;
  byId("thanks").textContent = over && conversation.score > 0 ? t("Thank you for the rating.") : "";
  if (came && document.activeElement?.closest("#composer, #end-dialog")) byId("over-title").focus();
}

// ending wires the buttons: end ends, rate rates, again begins anew.
export function ending({ end, rate, again, failed }) {
  const dialog = byId("end-dialog");
  byId("end").addEventListener("click", () => dialog.showModal());
  byId("end-cancel").addEventListener("click", () => dialog.close());
  byId("end-confirm").addEventListener("click", async () => {
    dialog.close();
    await end().catch((problem) => failed(reason(problem)));
  });
  byId("scores").append(...names.map((name, i) => el("label", { class: "score" },
    el("input", { type: "radio", name: "score", value: i + 1, required: true }), el("span", null, `${i + 1} · ${t(name)}`))));
  byId("rating").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("rating-problem").textContent = "";
    const { score } = Object.fromEntries(new FormData(byId("rating")));
    try {
      await rate(Number(score), byId("comment").value.trim());
      byId("rating").reset();
      byId("again").focus();
    } catch (problem) {
      byId("rating-problem").textContent = reason(problem);
    }
  });
  byId("again").addEventListener("click", async () => {
    byId("again").disabled = true;
    await again().catch((problem) => failed(reason(problem)));
    byId("again").disabled = false;
  });
}

// amending returns what opens a line's dialog; amend changes the line, with null
// for its words takes it back.
export function amending(amend) {
  const dialog = byId("edit-dialog");
  let open = null;
  const work = (words) => async () => {
    try {
      await amend(open.id, words());
      dialog.close();
    } catch (problem) {
      byId("edit-problem").textContent = reason(problem);
    }
  };
  byId("edit-cancel").addEventListener("click", () => dialog.close());
  byId("edit-confirm").addEventListener("click", work(() => byId("edit-text").value));
  byId("edit-delete").addEventListener("click", work(() => null));
  return (line) => {
    open = line;
    byId("edit-text").value = line.message;
    byId("edit-problem").textContent = "";
    byId("edit-confirm").hidden = !line.message;
    dialog.showModal();
  };
}
