// What came while nobody looked: a number in the title and, in a frame of another
// site, at the button of widget.js that opens the frame. No words leave the frame,
// and what the site tells opens nothing but the reader's own eyes.

import { byId } from "../desk/dom.js";
import { t } from "../desk/words.js";

const seenKey = "chat seen";
const embedded = globalThis.parent !== globalThis;

// unread returns how many lines of others are behind the last one that was seen.
export const unread = (lines, seen) =>
  lines.filter((line) => line.position > seen && line.event === "message" && line.from !== "user").length;

// A conversation that was never seen here is one that the reader has just begun.
function seenOf(id) {
  const [of, position] = JSON.parse(sessionStorage.getItem(seenKey) ?? "[]");
  return of === id ? position : Infinity;
}

const tellSite = (news) => globalThis.parent.postMessage(news, "*"); // whose site it is, we do not know

function listenToSite(show) {
  addEventListener("message", ({ source, data }) => {
    if (source === globalThis.parent && typeof data?.chatOpen === "boolean") show(data.chatOpen, data.focus);
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]")) return;
    tellSite({ chatClose: true });
  });
  tellSite({ chatReady: true });
}

// noticing counts what the store learns while the reader looks elsewhere.
export function noticing(store) {
  const title = document.title;
  let open = true; // until a site says it is not
  let told = 0;
  let wanted = false; // the focus, as soon as there is where to write
  const focus = () => {
    const field = byId(store.conversation ? "draft" : "start-name");
    if (!wanted || !field.checkVisibility()) return;
    wanted = false;
    field.focus();
  };
  const draw = () => {
    const { id } = store.conversation ?? {};
    if (!id) return;
    const lines = [...store.lines.values()];
    if (open && document.visibilityState === "visible" || seenOf(id) === Infinity) {
      sessionStorage.setItem(seenKey, JSON.stringify([id, Math.max(0, ...lines.map((line) => line.position))]));
    }
    const count = unread(lines, seenOf(id));
    if (count === told) return;
    told = count;
    document.title = count > 0 ? `(${count}) ${title}` : title;
    if (embedded) tellSite({ chatUnread: count, text: t("New messages: {count}", { count }) });
  };
  store.addEventListener("change", draw);
  document.addEventListener("visibilitychange", draw);
  if (!embedded) return;
  store.addEventListener("change", focus);
  listenToSite((now, withFocus) => {
    open = now;
    wanted = open && withFocus;
    draw();
    focus();
  });
}
