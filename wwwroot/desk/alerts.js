// Tells an agent who looks elsewhere: by the title and the icon always, by
// a notification and a sound where these are switched on, and again until seen.

import { byId, nameOf } from "./dom.js";
import { t } from "./words.js";

const switches = { notify: "alert by notification", sound: "alert by sound" };
const again = 30_000; // ms between reminders of what nobody has seen
const isOn = (name) => localStorage.getItem(switches[name]) === "yes";

const reasons = {
  opened: "{name} is waiting",
  assigned: "{name} is now yours",
  replied: "{name} wrote",
};

let unseen = 0;

// Two short tones, without a file.
function ring() {
  const audio = new AudioContext();
  for (const [start, pitch] of [[0, 660], [0.16, 880]]) {
    const tone = new OscillatorNode(audio, { frequency: pitch });
    const volume = new GainNode(audio, { gain: 0.08 });
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + start);
    tone.stop(audio.currentTime + start + 0.12);
  }
  setTimeout(() => audio.close(), 1000);
}

// tell tells of something new in a conversation; open shows it.
export function tell(kind, conversation, open) {
  if (isOn("sound")) ring();
  if (!document.hidden || !isOn("notify") || globalThis.Notification?.permission !== "granted") return;
  const note = new Notification(t(reasons[kind], { name: nameOf(conversation) }), { tag: conversation.id, renotify: true });
  note.addEventListener("click", () => {
    window.focus();
    note.close();
    open(conversation.id);
  });
}

const mark = (count) => `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="#b3261e"/>`
  + `<text x="16" y="23" font-family="sans-serif" font-size="19" font-weight="700" text-anchor="middle" fill="#fff">${Math.min(count, 99)}</text></svg>`)}`;

// drawCount shows in the title and the icon how much nobody has read.
export function drawCount(count) {
  if (document.title === "" || count !== unseen) {
    document.querySelector('link[rel="icon"]').href = count ? mark(count) : "favicon.svg";
  }
  unseen = count;
  document.title = count ? `(${count}) Contoso Live Chat` : "Contoso Live Chat";
}

// alertSwitches wires the switches and the reminder.
export function alertSwitches() {
  for (const name of Object.keys(switches)) {
    const box = byId(`alert-${name}`);
    box.checked = isOn(name);
    box.addEventListener("change", async () => {
      if (name === "notify" && box.checked) box.checked = await globalThis.Notification?.requestPermission() === "granted";
      if (name === "sound" && box.checked) ring();
      localStorage.setItem(switches[name], box.checked ? "yes" : "no");
    });
  }
  setInterval(() => {
    if (unseen > 0 && document.hidden && isOn("sound")) ring();
  }, again);
}

// news tells what became new for an agent when a conversation changed from what
// it was, undefined for a new one; "" when nothing did.
export function news(before, now, line, me) {
  if (now.state === "waiting" && before?.state !== "waiting") return "opened";
  if (now.state === "active" && now.agent === me && before?.agent !== me && line?.sender !== me) return "assigned";
  if (line?.from === "user" && line.event === "message" && !line.edited && now.unread > (before?.unread ?? 0)
    && (now.agent === me || now.state === "waiting")) return "replied";
  return "";
}
