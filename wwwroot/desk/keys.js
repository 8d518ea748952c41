// The keyboard: one key for each thing one does all day, the map of them, and the
// palette. A key alone works outside fields only; each can be changed or switched
// off.

import { byId, el } from "./dom.js";
import { t } from "./words.js";

const keysKey = "keys";
const usual = {
  next: "j", previous: "k", reply: "r", note: "n", attach: "f", canned: "c", emoji: "m",
  search: "s", take: "a", leave: "l", transfer: "t", end: "e", endNext: "x", map: "?",
};

const names = {
  next: "Next conversation", previous: "Previous conversation", reply: "Write a reply", note: "Write a private note",
  attach: "Attach a file", canned: "Canned replies", emoji: "Emoji",
  search: "Search", take: "Accept, join or take back", leave: "Leave", transfer: "Transfer the conversation",
  end: "End conversation", endNext: "End and go to the next", map: "Show the keys",
};

const chosen = () => ({ ...usual, ...JSON.parse(localStorage.getItem(keysKey) ?? "{}") });
const writing = (node) => node.closest("input, textarea, select, [contenteditable]");

// leave gives up a field, so that keys work again.
function leave(field) {
  field.blur();
  if (byId("scroller").checkVisibility()) byId("scroller").focus({ preventScroll: true });
}

function drawMap() {
  const keys = chosen();
  byId("keys-list").replaceChildren(...Object.entries(names).map(([name, text]) => {
    const field = el("input", { id: `key-${name}`, maxlength: 1, value: keys[name], autocomplete: "off" });
    field.addEventListener("change", () => localStorage.setItem(keysKey, JSON.stringify({ ...chosen(), [name]: field.value })));
    return el("li", null, el("label", { for: `key-${name}` }, t(text)), field);
  }));
}

// shortcuts wires the keys. does holds what each does, by name; all returns
// the conversations the palette offers: [{name, run}].
export function shortcuts(does, all) {
  const work = { ...does, map: () => { drawMap(); byId("keys-dialog").showModal(); } };
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) palette.open();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (writing(event.target)) {
      if (event.key === "Escape") leave(event.target);
      return;
    }
    const [name] = Object.entries(chosen()).find(([, key]) => key && key === event.key) ?? [];
    if (!name) return;
    event.preventDefault();
    work[name]?.();
  });
  byId("keys-reset").addEventListener("click", () => { localStorage.removeItem(keysKey); drawMap(); });
  byId("keys-off").addEventListener("click", () => {
    localStorage.setItem(keysKey, JSON.stringify(Object.fromEntries(Object.keys(usual).map((name) => [name, ""]))));
    drawMap();
  });
  byId("show-keys").addEventListener("click", work.map);
  const palette = paletteOf(() => [...Object.entries(names).map(([name, text]) => ({ name: t(text), run: work[name] })), ...all()]);
}

function paletteOf(offers) {
  const [box, input, list] = ["palette-dialog", "palette", "palette-list"].map(byId);
  let shown = [];
  let at = 0;
  const draw = () => {
    input.setAttribute("aria-activedescendant", shown.length > 0 ? `palette-${at}` : "");
    list.replaceChildren(...shown.map(({ name }, i) =>
      el("li", { id: `palette-${i}`, role: "option", "aria-selected": String(i === at), "data-at": i, dir: "auto" }, name)));
    list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  };
  const choose = () => {
    const words = input.value.trim().toLowerCase();
    shown = offers().filter(({ name, run }) => run && name.toLowerCase().includes(words)).slice(0, 12);
    at = 0;
    draw();
  };
  const take = () => {
    const { run } = shown[at] ?? {};
    box.close();
    run?.();
  };
  input.addEventListener("input", choose);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length > 0) {
      at = (at + step + shown.length) % shown.length;
      draw();
    } else if (event.key !== "Enter" || event.isComposing) return;
    else take();
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-at]");
    if (!option) return;
    at = Number(option.dataset.at);
    take();
  });
  return { open: () => { input.value = ""; choose(); box.showModal(); } };
}
