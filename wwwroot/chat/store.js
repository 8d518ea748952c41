// What the page knows of its conversation: a snapshot, kept up to date by the
// stream of events. An event replaces what it is about, so one that comes twice
// does no harm, and a reader that names the last number it saw misses nothing.

import { t } from "../desk/words.js";

export async function request(path, options) {
  const response = await fetch(path, options);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw Object.assign(new Error(body.error || t("The server answered {status}.", response)), { status: response.status });
  }
  return body;
}

const json = (method, body, headers = {}) => ({ method, body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const pendingKey = "chat on its way";
const typingLasts = 6000; // ms
const tellingLasts = 20_000; // ms after which there is no connection

// reason is why something did not work, in words for the user.
export function reason(problem) {
  if (!problem.status) return t("No connection.");
  return problem.status === 429 ? t("That was too much at once. Please wait a moment.") : problem.message;
}

export class Store extends EventTarget {
  conversation = null;
  lines = new Map(); // by id
  pending = new Map(); // key → what is being sent
  typingUntil = 0;
  #seq = 0;
  #source = null;
  #wait = 1000; // ms; twice that before the next try
  #telling = Promise.resolve(); // ends with what was said last

  pathOf(rest = "") {
    return `/api/canvas/conversations/${encodeURIComponent(this.conversation.id)}${rest}`;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #status(connected) {
    this.dispatchEvent(new CustomEvent("connection", { detail: connected }));
  }

  // A busy server is asked less and less, and not by all at once.
  #patience() {
    this.#wait = Math.min(2 * this.#wait, 15_000);
    return pause(this.#wait * (0.75 + Math.random() / 2));
  }

  // begin loads the conversation this browser had last, if it had one, and follows
  // it. It repeats what fails for want of a connection.
  async begin() {
    for (;;) {
      try {
        this.#load(await request("/api/canvas/conversation"));
        this.#status(true);
        return;
      } catch {
        this.#status(false);
        await this.#patience();
      }
    }
  }

  // start begins a conversation, or goes on with the one that is open.
  async start(facts) {
    this.#load(await request("/api/canvas/start", json("POST", facts)));
  }

  #load({ seq, conversation, lines }) {
    if (conversation?.id !== this.conversation?.id) {
      this.lines = new Map();
      this.pending = new Map();
      this.typingUntil = 0;
    }
    this.#seq = seq;
    this.conversation = conversation;
    if (conversation) this.#recall();
    for (const line of lines) this.#put(line);
    this.#changed();
    if (conversation) this.#follow();
  }

  #follow() {
    this.#source?.close();
    const source = new EventSource(this.pathOf(`/events?after=${this.#seq}`));
    this.#source = source;
    source.addEventListener("open", () => {
      this.#wait = 1000;
      this.#status(true);
    });
    source.addEventListener("change", (message) => this.#take(JSON.parse(message.data)));
    source.addEventListener("error", async () => {
      this.#status(false);
      // The browser comes back by itself unless the answer was no stream: then we
      // are forgotten, or the server is busy.
      if (source.readyState !== EventSource.CLOSED) return;
      await this.#patience();
      if (source === this.#source) this.begin();
    });
  }

  #take({ seq, conversation, line }) {
    this.#seq = seq;
    this.conversation = conversation;
    this.typingUntil = conversation.typing ? Date.now() + typingLasts : 0;
    if (line) this.#put(line);
    if (line && line.from !== "user") this.typingUntil = 0;
    this.#changed();
  }

  #put(line) {
    line.since = this.lines.get(line.id)?.since ?? Date.now(); // by this clock
    this.lines.set(line.id, line);
    if (line.key && this.pending.delete(line.key)) this.#remember();
  }

  // thread returns the lines in order, then what is still on its way.
  thread() {
    return [...[...this.lines.values()].sort((a, b) => a.position - b.position), ...this.pending.values()];
  }

  // late reports whether something waits for the copilot's side.
  late() {
    return this.conversation?.state === "copilot" && [...this.lines.values()].some((line) => line.state === "queued");
  }

  // remember keeps what is on its way over a reload, with its keys: what arrived
  // all the same is the same line.
  #remember() {
    sessionStorage.setItem(pendingKey, JSON.stringify([this.conversation.id, ...this.pending.values()]));
  }

  #recall() {
    const [id, ...lines] = JSON.parse(sessionStorage.getItem(pendingKey) ?? "[]");
    const mine = id === this.conversation.id ? lines : [];
    for (const line of mine) {
      if (!this.pending.has(line.key)) this.pending.set(line.key, { ...line, state: "unsent", failure: t("the page was closed meanwhile") });
    }
  }

  // send shows the words at once, and tells them behind those before. The key makes
  // every repetition the same line.
  async send(message, value = "") {
    const key = crypto.randomUUID();
    this.pending.set(key, { id: key, key, from: "user", event: "message", sender: "", message, value, timestamp: new Date().toISOString(), state: "sending" });
    this.#remember();
    this.#changed();
    this.#telling = this.#telling.then(() => this.retry(key));
    await this.#telling;
  }

  async retry(key) {
    const words = this.pending.get(key);
    if (!words) return;
    words.state = "sending";
    this.#changed();
    try {
      const line = await request(this.pathOf("/messages"), {
        ...json("POST", { message: words.message, value: words.value }, { "Idempotency-Key": key }), signal: AbortSignal.timeout(tellingLasts),
      });
      if (!this.lines.has(line.id)) this.#put(line); // the stream may have been faster
    } catch (problem) {
      words.state = "unsent";
      words.failure = reason(problem);
    }
    this.#changed();
  }

  // resend tells the copilot once more what did not reach it.
  resend(line) {
    return request(this.pathOf(`/messages/${encodeURIComponent(line)}/retry`), { method: "POST" });
  }

  // amend changes what was said, or takes it back when there are no words.
  amend(line, message) {
    const path = this.pathOf(`/messages/${encodeURIComponent(line)}`);
    return request(path, message === null ? { method: "DELETE" } : json("PUT", { message }));
  }

  // received takes a line that a file's upload returned.
  received(line) {
    if (!this.lines.has(line.id)) this.#put(line);
    this.#changed();
  }

  typing() {
    return request(this.pathOf("/typing"), { method: "POST" }).catch(() => {}); // the next key tells it again
  }

  end() {
    return request(this.pathOf("/end"), { method: "POST" });
  }

  rate(score, comment) {
    return request(this.pathOf("/rate"), json("POST", { score, comment }));
  }
}
