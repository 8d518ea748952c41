// The page: who you are, with whom you chat, what you say, what you see.

import { call } from "./call.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { button, find } from "./dom.js";
import { drawer } from "./faults.js";
import { people, switcher } from "./people.js";
import { settings } from "./settings.js";
import { Stream } from "./stream.js";

const copilot = { chat: "", name: "Contoso copilot", sub: "Built for Contoso", icon: "copilot.svg", hints: ["Hello", "talk to a person", "good bye"] };
const bot = { chat: "bot", name: "", sub: "Liaison's own bot: no copilot between", icon: "support.svg", hints: ["Hello", "Talk to a person"] };
const problem = find("problem");

let me = "";
let partner = copilot;
let refreshFaults = () => {};
let showApp = () => {};
const key = () => `${me}/${partner.chat}`;
const mine = (path) => `api/people/${encodeURIComponent(me)}/${path}${partner.chat && `?chat=${partner.chat}`}`;
const at = (line, more = "") => mine(`messages/${encodeURIComponent(line.id)}${more}`);
const composer = new Composer({
  send: (message) => attempt("The message could not be sent. Try again.", "POST", mine("messages"), message),
  edit: (line, text) => attempt("The message could not be changed. Try again.", "PUT", at(line), { text }),
  typing: () => call("POST", mine("typing")).catch(() => {}),
});
const chat = new Chat({
  press: (line, title, inputs) => attempt("The button could not be pressed. Try again.", "POST", mine("presses"), { line: line.id, title, inputs }),
  react: (line, emoji, on) => attempt("The reaction could not be sent. Try again.", "POST", mine("reactions"), { line: line.id, emoji, on }),
  remove: (line) => attempt("The message could not be deleted. Try again.", "DELETE", at(line)),
  restore: (line) => attempt("The message could not be restored. Try again.", "POST", at(line, "/restored")),
  edit: (line) => composer.edit(line),
  quote: (line) => composer.quote(line),
});

const stream = new Stream({
  reset() {
    chat.clear();
    chat.holder("copilot");
    showApp("installed");
  },
  line(line) {
    chat.line(line);
    if (line.author === "agent") refreshFaults();
  },
  holder(holder) {
    chat.holder(holder);
  },
  typing(since) {
    chat.typing(since);
  },
  app(app) {
    showApp(app);
  },
  online(on) {
    find("offline").hidden = on;
  },
});

// attempt reports whether the call was taken. Its failure is told to the user.
async function attempt(failure, method, url, body) {
  problem.textContent = "";
  const then = key();
  try {
    await call(method, url, body);
    return true;
  } catch {
    if (then === key()) problem.textContent = failure;
    return then !== key();
  }
}

// become shows the user's chat with somebody.
function become(name, other) {
  if (name === me && other === partner) return;
  const before = key();
  [me, partner] = [name, other];
  composer.become(before, key(), partner);
  problem.textContent = "";
  list.show(me);
  chats.show(partner.chat);
  chat.partner(partner);
  find("hints").replaceChildren(...partner.hints.map((hint) => button(hint, () => composer.say(hint))));
  find("to-copilot").href = `copilot/?as=${encodeURIComponent(me)}`;
  sessionStorage.setItem("me", me);
  sessionStorage.setItem("chat", partner.chat);
  document.title = `${me} | ${partner.name}`;
  stream.open(mine("events"));
}

// A page that the browser puts aside would keep one of the few connections.
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => { if (event.persisted) stream.open(mine("events")); });

const known = await call("GET", "api/people");
bot.name = known[0].bot ?? "";
const list = people(known, bot.name ? "" : copilot.name, (name) => {
  become(name, partner);
  composer.focus();
});
const chats = switcher(bot.name ? [copilot, bot] : [], (other) => {
  become(me, other);
  composer.focus();
});
find("to-copilot").hidden = !bot.name;
showApp = settings(call, mine, (on) => composer.enable(on));
const wanted = new URLSearchParams(location.search).get("chat") ?? sessionStorage.getItem("chat");
history.replaceState(null, "", location.pathname); // a reload stays where the user went
become(list.first, bot.name && wanted === bot.chat ? bot : copilot);
refreshFaults = await drawer(call);
