// One user's chat on the page: lines, who has the conversation, typing.

import { button, find } from "./dom.js";
import { content } from "./line.js";

const names = { copilot: "Copilot", waiting: "Waiting for a person", person: "Talking to a person" };
const typingLasts = 3000; // Teams shows the dots for about three seconds
const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });

export class Chat {
  #items = new Map(); // line id -> list item
  #last = null; // the latest line
  #typing = 0;
  #partner = null;

  // act: what the user can do with a line, and press
  constructor(act) {
    this.act = act;
    this.log = find("log");
    this.scroll = find("scroll");
    this.newer = find("newer");
    this.newer.addEventListener("click", () => this.#toEnd());
    this.scroll.addEventListener("scroll", () => {
      if (this.#atEnd()) this.newer.hidden = true;
    });
    this.scroll.addEventListener("grown", () => {
      if (this.newer.hidden) this.#toEnd();
    });
    new ResizeObserver(() => {
      if (this.newer.hidden) this.#toEnd();
    }).observe(this.scroll);
  }

  // partner says with whom the chat is.
  partner(partner) {
    this.#partner = partner;
    const { name, sub, icon, chat } = partner;
    find("with").textContent = name;
    find("with-sub").textContent = sub;
    find("empty-title").textContent = `Say hello to ${name}`;
    find("empty-text").textContent = chat
      ? "Ask it for a person. Whoever comes by a card of Copilot brings along what they were asking."
      : "It answers a few things itself. Ask it for a person, and Liaison brings one in.";
    find("typing-text").textContent = `${name} is typing`;
    find("said").setAttribute("aria-label", `Chat with ${name}`);
    find("holder").hidden = Boolean(chat);
    for (const image of document.querySelectorAll("[data-partner]")) image.src = icon;
  }

  clear() {
    this.#items.clear();
    this.#last = null;
    this.log.replaceChildren();
    this.newer.hidden = true;
    find("empty").hidden = false;
    this.#hideTyping();
  }

  line(line) {
    const follow = this.#atEnd() || line.author === "user";
    const known = this.#items.get(line.id);
    if (known) {
      const held = known.contains(document.activeElement);
      known.querySelector(".content").replaceWith(content(line, this.act));
      if (held) known.querySelector(".tools button")?.focus();
      if (follow) this.#toEnd();
      return;
    }
    find("empty").hidden = true;
    if (line.author !== "user") this.#hideTyping();
    const at = new Date(line.at);
    if (!this.#last || new Date(this.#last.at).toDateString() !== at.toDateString()) this.#day(at);
    this.log.querySelectorAll(".suggestions").forEach((node) => node.remove());
    const item = this.#item(line, at);
    this.#items.set(line.id, item);
    this.log.append(item);
    this.#last = line;
    if (follow) this.#toEnd();
    else this.newer.hidden = false;
  }

  holder(holder) {
    find("holder").dataset.holder = holder;
    find("holder-text").textContent = names[holder];
  }

  typing(since) {
    const left = new Date(since).getTime() + typingLasts - Date.now();
    if (left <= 0) return;
    const follow = this.#atEnd();
    clearTimeout(this.#typing);
    find("typing").hidden = false;
    this.#typing = setTimeout(() => this.#hideTyping(), left);
    if (follow) this.#toEnd();
  }

  #hideTyping() {
    clearTimeout(this.#typing);
    find("typing").hidden = true;
  }

  #day(at) {
    const item = document.createElement("li");
    item.className = "day";
    item.textContent = at.toDateString() === new Date().toDateString() ? "Today" : day.format(at);
    this.log.append(item);
    this.#last = null; // what follows names its author again
  }

  #item(line, at) {
    const mine = line.author === "user";
    const item = document.createElement("li");
    item.className = mine ? "said mine" : "said";
    item.dataset.author = line.author;
    if (this.#follows(line)) item.classList.add("next");
    const avatar = document.createElement("img");
    Object.assign(avatar, { src: this.#partner.icon, alt: "", width: 32, height: 32 });
    const by = document.createElement("p");
    by.className = "by";
    const name = document.createElement("b");
    name.textContent = mine ? "You" : line.through ? `${line.through} through ${this.#partner.name}` : this.#partner.name;
    const clock = document.createElement("time");
    clock.dateTime = line.at;
    clock.textContent = time.format(at);
    by.append(name, clock);
    item.append(avatar, by, content(line, this.act));
    if (line.suggested) item.append(this.#suggestions(line));
    return item;
  }

  // follows reports whether line goes under its predecessor's name: same side,
  // within five minutes.
  #follows(line) {
    const last = this.#last;
    return last && (last.through ?? "") === (line.through ?? "") && (last.author === "user") === (line.author === "user") && new Date(line.at) - new Date(last.at) < 300_000;
  }

  #suggestions(line) {
    const group = document.createElement("div");
    group.className = "suggestions";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Suggested answers");
    group.append(...line.suggested.map(({ title }) => button(title, () => this.act.press(line, title))));
    return group;
  }

  #atEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    return scrollHeight - scrollTop - clientHeight < 48;
  }

  #toEnd() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.newer.hidden = true;
  }
}
