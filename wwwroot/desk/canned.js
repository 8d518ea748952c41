// Canned replies: "/" at the beginning of a draft offers them. All agents share
// them, and any agent can change them.

import { byId, el } from "./dom.js";
import { request } from "./api.js";
import { expand, matching } from "./template.js";
import { t } from "./words.js";

const path = "/api/desk/canned";
let replies = [];
let offered = [];
let at = 0;

async function load() {
  replies = (await request(path)).replies;
}

function draw() {
  const box = byId("canned");
  box.hidden = offered.length === 0;
  byId("draft").setAttribute("aria-expanded", String(!box.hidden));
  byId("draft").setAttribute("aria-activedescendant", box.hidden ? "" : `canned-${at}`);
  box.replaceChildren(...offered.map(({ name, text }, i) =>
    el("li", { id: `canned-${i}`, role: "option", "aria-selected": String(i === at), "data-at": i },
      el("strong", { dir: "auto" }, `/${name}`), " ", el("span", { class: "muted", dir: "auto" }, text))));
  box.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
}

function offer(list) {
  offered = list;
  at = 0;
  draw();
}

function take(values) {
  const draft = byId("draft");
  draft.value = expand(offered[at].text, values());
  offer([]);
  draft.dispatchEvent(new Event("input"));
  draft.focus();
}

// canned wires the offer; values returns what the open conversation knows. Its
// keys come before the composer's.
export function canned(values) {
  const draft = byId("draft");
  draft.addEventListener("input", async () => {
    if (draft.value === "/") await load().catch(() => {}); // the ones we know will do
    const [, words] = draft.value.match(/^\/(\S*)$/) ?? [];
    offer(words === undefined ? [] : matching(replies, words));
  });
  draft.addEventListener("blur", () => offer([]));
  byId("canned").addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the draft keeps the focus
    const option = event.target.closest("[data-at]");
    if (!option) return;
    at = Number(option.dataset.at);
    take(values);
  });
  draft.addEventListener("keydown", (event) => {
    if (offered.length === 0 || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = (at + step + offered.length) % offered.length;
      draw();
    } else if (event.key === "Enter" || event.key === "Tab") take(values);
    else if (event.key === "Escape") offer([]);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  editing();
}

function drawEditor() {
  byId("canned-list").replaceChildren(...replies.map(({ name, text }) => {
    const remove = el("button", { class: "button", type: "button", "aria-label": t("Delete {name}", { name }) }, t("Delete"));
    remove.addEventListener("click", () => store({ name, text: "" }));
    return el("li", null, el("div", null, el("strong", { dir: "auto" }, `/${name}`), " ", el("span", { class: "muted", dir: "auto" }, text)), remove);
  }));
}

async function store(reply) {
  try {
    await request(path, { method: "PUT", body: JSON.stringify(reply), headers: { "Content-Type": "application/json" } });
    await load();
    byId("canned-problem").textContent = "";
    byId("canned-name").value = byId("canned-text").value = "";
    drawEditor();
  } catch (problem) {
    byId("canned-problem").textContent = problem.status ? problem.message : t("No connection.");
  }
}

function editing() {
  byId("edit-canned").addEventListener("click", async () => {
    byId("canned-dialog").showModal();
    await load().catch(() => {});
    drawEditor();
  });
  byId("canned-save").addEventListener("click", () => store({ name: byId("canned-name").value.trim(), text: byId("canned-text").value.trim() }));
}
