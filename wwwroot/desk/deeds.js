// What an agent does beside speaking: join, leave, transfer, end, change what was
// said; and being there or away.

import { byId } from "./dom.js";
import { later } from "./undo.js";
import { t } from "./words.js";

const awayKey = "away";
const limitKey = "accept at most";
const presenceEvery = 20_000; // ms

const words = (problem) => (problem.status ? problem.message : t("No connection. Try again in a moment."));

// showProblem says below the head why something did not work.
export function showProblem(text) {
  byId("deed-problem").textContent = text;
}

// drawDeeds shows what can be done with a conversation by who we are.
export function drawDeeds(c, me) {
  byId("deeds").hidden = c.state === "ended";
  byId("join").hidden = c.agent === me;
  byId("join").textContent = c.state === "waiting" ? t("Accept") : t("Take over");
  byId("join").classList.toggle("primary", c.state === "waiting");
  byId("leave").hidden = c.agent !== me;
}

// dialog wires a dialog's confirming buttons: each does its work, and the dialog
// closes when that worked.
function dialog(name, works) {
  const box = byId(`${name}-dialog`);
  const problem = byId(`${name}-problem`);
  for (const [button, work] of Object.entries(works)) {
    const confirm = byId(`${name}-${button}`);
    confirm.addEventListener("click", async () => {
      confirm.disabled = true;
      try {
        await work();
        box.close();
      } catch (error) {
        problem.textContent = words(error);
      } finally {
        confirm.disabled = false;
      }
    });
  }
  // Enter in a field of one line is the wish to confirm.
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    byId(`${name}-confirm`).click();
  });
  return () => {
    for (const field of box.querySelectorAll("input, textarea")) field.value = "";
    problem.textContent = "";
    box.showModal();
  };
}

const value = (id) => byId(id).value.trim();

// deeds wires the buttons: current is the open conversation, nameOfCurrent its
// user; act does a deed. It returns what asks for the end; then is done when that
// is decided.
export function deeds(current, nameOfCurrent, act) {
  let then = null;
  const endIt = dialog("end", { confirm: () => {
    const [id, body] = [current(), { reason: value("end-reason"), summary: value("end-summary") }];
    const end = () => act(id, "end", body).catch((problem) => showProblem(words(problem)));
    later(t("The conversation with {name} is being ended.", { name: nameOfCurrent() }), end);
    then?.();
  } });
  const ask = (next) => {
    then = next;
    byId("end-title").textContent = t("End the conversation with {name}?", { name: nameOfCurrent() });
    endIt();
  };
  byId("end").addEventListener("click", () => ask(null));
  byId("transfer").addEventListener("click", dialog("transfer", {
    confirm: () => act(current(), "transfer", { [byId("transfer-kind").value]: value("transfer-to"), note: value("transfer-note") }),
  }));
  for (const deed of ["join", "leave"]) {
    byId(deed).addEventListener("click", async () => {
      showProblem("");
      await act(current(), deed, {}).catch((problem) => showProblem(words(problem)));
    });
  }
  return ask;
}

// amending returns what opens a line's dialog; amend changes the line, with null
// for its words takes it back.
export function amending(amend) {
  let open = null;
  const show = dialog("edit", {
    confirm: () => amend(open, value("edit-text")),
    delete: () => amend(open, null),
  });
  return (line) => {
    open = line;
    show();
    byId("edit-text").value = line.message;
    byId("edit-text").disabled = !line.message;
    byId("edit-confirm").hidden = !line.message;
  };
}

// presence wires the switch, and says now and then that we are there; present
// tells it and returns who is.
export function presence(present) {
  const button = byId("presence");
  const isAway = () => localStorage.getItem(awayKey) === "yes";
  const tell = async () => {
    button.textContent = isAway() ? t("Away") : t("Online");
    button.setAttribute("aria-pressed", String(!isAway()));
    if (button.hidden) return;
    const agents = await present(isAway(), Number(localStorage.getItem(limitKey) ?? 0)).catch(() => []);
    byId("colleagues").replaceChildren(...agents.map(({ name, away }) => new Option(away ? t("away") : "", name)));
  };
  button.addEventListener("click", () => {
    localStorage.setItem(awayKey, isAway() ? "no" : "yes");
    tell();
  });
  byId("accept-limit").value = localStorage.getItem(limitKey) ?? 0;
  byId("accept-limit").addEventListener("change", () => {
    localStorage.setItem(limitKey, byId("accept-limit").value);
    tell();
  });
  setInterval(tell, presenceEvery);
  return tell;
}
