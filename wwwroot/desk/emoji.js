// The picker of emoji: opened by its button or key, searched by name, left by
// Escape. What is picked goes where the draft's caret was.

import { byId, el } from "./dom.js";
import { find } from "./emojis.js";
import { language } from "./words.js";

const columns = 8; // as the style has them

let shown = [];
let at = 0;

function draw() {
  byId("emoji-search").setAttribute("aria-activedescendant", shown.length > 0 ? `emoji-${at}` : "");
  byId("emoji-list").replaceChildren(...shown.map(({ emoji, names }, i) => {
    const name = names[language];
    return el("li", { id: `emoji-${i}`, role: "option", "aria-selected": String(i === at), "aria-label": name, title: name, "data-at": i }, emoji);
  }));
  byId("emoji-list").querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
}

function choose() {
  shown = find(byId("emoji-search").value, language);
  at = 0;
  draw();
}

function show(open) {
  byId("emoji-picker").hidden = !open;
  byId("emoji-button").setAttribute("aria-expanded", String(open));
}

function open() {
  show(true);
  byId("emoji-search").value = "";
  choose();
  byId("emoji-search").focus();
}

function close() {
  show(false);
  byId("draft").focus();
}

function take() {
  if (!shown[at]) return;
  const draft = byId("draft");
  draft.setRangeText(shown[at].emoji, draft.selectionStart, draft.selectionEnd, "end");
  close();
  draft.dispatchEvent(new Event("input"));
}

// stepOf is how far a key goes. Left and right are as they are seen.
function stepOf(key) {
  const ahead = document.dir === "rtl" ? -1 : 1;
  return { ArrowRight: ahead, ArrowLeft: -ahead, ArrowDown: columns, ArrowUp: -columns }[key];
}

// picking wires the picker.
export function picking() {
  const picker = byId("emoji-picker");
  byId("emoji-button").addEventListener("click", () => (picker.hidden ? open() : close()));
  byId("emoji-search").addEventListener("input", choose);
  picker.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = stepOf(event.key);
    if (step) {
      at = Math.max(0, Math.min(shown.length - 1, at + step));
      draw();
    } else if (event.key === "Enter") take();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  byId("emoji-list").addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the search keeps the focus
    const option = event.target.closest("[data-at]");
    if (!option) return;
    at = Number(option.dataset.at);
    take();
  });
  picker.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget !== byId("emoji-button") && !picker.contains(relatedTarget)) show(false);
  });
}
