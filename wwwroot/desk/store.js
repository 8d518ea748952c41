// What the page knows: snapshots, kept up to date by the stream of events. An
// event replaces what it is about, so one that comes twice does no harm, and a
// reader that names the last number it saw misses nothing.

import { isShut, pathOf, pause, post, request } from "./api.js";
import { concerns } from "./filter.js";
import { t } from "./words.js";

// Lines that only mark, in the order of things, what shows elsewhere.
const marks = new Set(["edited", "deleted", "queued"]);

const pendingKey = "on its way";
const typingLasts = 6000; // ms
const threadsKept = 30; // those opened last: a day has many

export class Store extends EventTarget {
  conversations = new Map(); // by id
  lines = new Map(); // of the threads loaded: conversation id → line id → line
  pending = new Map(); // conversation id → key → what is being sent
  past = new Map(); // conversation id → what was before it
  #seq = 0;
  #source = null;
  #oldest = ""; // the id of the last of the ended ones, as far as they are read

  #changed(id) {
    this.dispatchEvent(new CustomEvent("change", { detail: id }));
  }

  #status(connected) {
    this.dispatchEvent(new CustomEvent("connection", { detail: connected }));
  }

  // shut says that the server does not let us in (any more), and why.
  #shut(problem) {
    this.#source?.close();
    this.#source = null;
    this.dispatchEvent(new CustomEvent("shut", { detail: problem }));
  }

  // begin finds out who we are, loads the list and follows it until the server
  // shuts us out. It returns null then.
  async begin() {
    for (;;) {
      try {
        const me = await request("/api/desk/me");
        const list = await request("/api/desk/conversations");
        this.#seq = list.seq;
        for (const c of list.conversations) this.#keep(c);
        this.#oldest = list.conversations.filter((c) => c.endedAt).sort((a, b) => b.endedAt.localeCompare(a.endedAt)).at(-1)?.id ?? "";
        if (this.pending.size === 0) this.#recall();
        this.#status(true);
        this.#changed(null);
        this.#follow();
        return me;
      } catch (problem) {
        if (isShut(problem)) {
          this.#shut(problem);
          return null;
        }
        this.#status(false);
        await pause(2000);
      }
    }
  }

  #follow() {
    const source = new EventSource(`/api/desk/events?after=${this.#seq}`);
    this.#source = source;
    source.addEventListener("open", () => this.#status(true));
    source.addEventListener("change", (message) => this.#take(JSON.parse(message.data)));
    source.addEventListener("error", () => {
      this.#status(false);
      // The browser comes back by itself unless the answer was no stream.
      if (source.readyState === EventSource.CLOSED && source === this.#source) this.#again();
    });
  }

  // pause ends the stream of a page that the browser puts aside: it would keep one
  // of the few connections. Resume goes on where it was.
  pause() { this.#source?.close(); }
  resume() { if (this.#source) this.#follow(); }

  // again follows anew. A stream that is refused does not say why: me does.
  async #again() {
    try {
      await request("/api/desk/me");
    } catch (problem) {
      if (isShut(problem)) return this.#shut(problem);
    }
    await pause(2000);
    if (this.#source) this.#follow();
  }

  #take({ seq, conversation, line }) {
    this.#seq = seq;
    this.dispatchEvent(new CustomEvent("news", { detail: { before: this.conversations.get(conversation.id), now: conversation, line } }));
    this.#keep(conversation);
    if (line) this.#put(line);
    this.#changed(conversation.id);
  }

  #keep(conversation) {
    const until = Date.now() + typingLasts;
    if (conversation.userTyping) conversation.typingUntil = until;
    if (conversation.agentsTyping) conversation.agentsTypingUntil = until;
    this.conversations.set(conversation.id, conversation);
  }

  #put(line) {
    this.lines.get(line.conversationId)?.set(line.id, line);
    if (line.key && this.pending.get(line.conversationId)?.delete(line.key)) this.#remember();
  }

  // open loads a thread. Events that arrive meanwhile find it and are kept.
  async open(id) {
    const known = this.lines.get(id);
    const fresh = known ?? new Map();
    this.lines.delete(id); // behind those opened before
    this.lines.set(id, fresh);
    if (known) return;
    this.#forget();
    try {
      const { conversation, lines, past } = await request(pathOf(id));
      this.past.set(id, past);
      if (!this.conversations.has(id)) this.#keep(conversation);
      for (const line of lines) if (!fresh.has(line.id)) this.#put(line);
    } catch (problem) {
      this.lines.delete(id);
      if (isShut(problem)) this.#shut(problem);
      throw problem;
    } finally {
      this.#changed(id);
    }
  }

  #forget() {
    for (const id of [...this.lines.keys()].slice(0, -threadsKept)) {
      this.lines.delete(id);
      this.past.delete(id);
    }
  }

  async #search(query) {
    const { conversations, more } = await this.#try(request(`/api/desk/search?${new URLSearchParams(query)}`));
    // What the stream brings is as new or newer.
    for (const c of conversations) if (!this.conversations.has(c.id)) this.#keep(c);
    this.#changed(null);
    return { ids: conversations.map((c) => c.id), more };
  }

  // find returns the ids of the conversations in which words are found.
  async find(q) {
    return new Set((await this.#search({ q })).ids);
  }

  // older brings more of what has ended, and reports whether there was any.
  async older() {
    if (!this.#oldest) return false;
    const { ids, more } = await this.#search({ state: "ended", before: this.#oldest }).catch(() => ({ ids: [] }));
    if (ids.length > 0) this.#oldest = more ? ids.at(-1) : "";
    return ids.length > 0;
  }

  // thread returns the lines in order, then what is still on its way.
  thread(id) {
    const stored = [...(this.lines.get(id)?.values() ?? [])]
      .filter((line) => !marks.has(line.event)).sort((a, b) => a.position - b.position);
    return [...stored, ...(this.pending.get(id)?.values() ?? [])];
  }

  // unread counts the lines that wait for an agent's eyes: in their own
  // conversations and in nobody's.
  unread(me) {
    let sum = 0;
    for (const c of this.conversations.values()) sum += concerns(c, me) ? c.unread : 0;
    return sum;
  }

  // send shows the words at once. The key makes every repetition the same line.
  async send(id, message, sender) {
    const key = crypto.randomUUID();
    if (!this.pending.has(id)) this.pending.set(id, new Map());
    this.pending.get(id).set(key, {
      id: key, key, conversationId: id, from: "agent", event: "message",
      sender, message, timestamp: new Date().toISOString(), state: "sending",
    });
    this.#remember();
    await this.retry(id, key);
  }

  // remember keeps what is on its way over a reload, with its keys: what arrived
  // all the same is the same line.
  #remember() {
    const all = [...this.pending.values()].flatMap((lines) => [...lines.values()]);
    sessionStorage.setItem(pendingKey, JSON.stringify(all));
  }

  #recall() {
    for (const line of JSON.parse(sessionStorage.getItem(pendingKey) ?? "[]")) {
      if (!this.pending.has(line.conversationId)) this.pending.set(line.conversationId, new Map());
      this.pending.get(line.conversationId).set(line.key, { ...line, state: "unsent", failure: t("the page was closed meanwhile") });
    }
  }

  async retry(id, key) {
    const words = this.pending.get(id)?.get(key);
    if (!words) return;
    words.state = "sending";
    this.#changed(id);
    try {
      const line = await post(pathOf(id, "/messages"), { message: words.message, sender: words.sender }, { "Idempotency-Key": key });
      // The stream may have been faster, and knows more of the delivery by now.
      if (!this.lines.get(id)?.has(line.id)) this.#put(line);
    } catch (problem) {
      // If the stream has brought the line all the same, these words are shown no more.
      words.state = "unsent";
      words.failure = problem.status ? problem.message : t("No connection.");
      if (isShut(problem)) this.#shut(problem);
    }
    this.#changed(id);
  }

  read(id, through) {
    return post(pathOf(id, "/read"), { through }).catch(() => {}); // the next line asks again
  }

  async #try(work) {
    try {
      return await work;
    } catch (problem) {
      if (isShut(problem)) this.#shut(problem);
      throw problem;
    }
  }

  // act does what an agent does beside speaking: join, leave, transfer, end. It
  // outlives the page.
  act(id, deed, body) {
    return this.#try(request(pathOf(id, `/${deed}`), {
      method: "POST", body: JSON.stringify(body), keepalive: true,
      headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    }));
  }

  // amend changes what was said, or takes it back when there are no words.
  amend(id, line, message) {
    const path = pathOf(id, `/messages/${encodeURIComponent(line)}`);
    const change = message === null ? { method: "DELETE" }
      : { method: "PUT", body: JSON.stringify({ message }), headers: { "Content-Type": "application/json" } };
    return this.#try(request(path, change));
  }

  // received takes a line that a file's upload returned.
  received(line) {
    if (!this.lines.get(line.conversationId)?.has(line.id)) this.#put(line);
    this.#changed(line.conversationId);
  }

  // resend tells once more what was refused on its way to the user.
  resend(id, line) {
    return this.#try(post(pathOf(id, `/messages/${encodeURIComponent(line)}/retry`), {}));
  }

  // settle says a line again, or leaves it, of which it is told that it may not have
  // arrived.
  settle(id, line, how, sender) {
    return this.#try(post(pathOf(id, `/messages/${encodeURIComponent(line)}/${how}`), { sender }));
  }

  // note keeps a private note.
  note(id, text, sender, key) {
    return this.#try(post(pathOf(id, "/notes"), { text, sender }, { "Idempotency-Key": key }));
  }

  // notes returns a conversation's private notes.
  async notes(id) {
    return (await request(pathOf(id, "/notes"))).notes;
  }

  typing(id, sender) {
    return post(pathOf(id, "/typing"), { sender }).catch(() => {}); // the next key tells it again
  }

  // present says that we are there, and returns who is.
  async present(sender, away, accepts) {
    return (await post("/api/desk/presence", { sender, away, accepts })).agents;
  }

  // takeUnsent takes out what could not be sent: conversation id → words.
  takeUnsent() {
    const all = new Map();
    for (const [id, pending] of this.pending) {
      const words = [...pending.values()].filter((line) => line.state === "unsent");
      for (const line of words) pending.delete(line.key);
      this.#remember();
      if (words.length > 0) all.set(id, words.map((line) => line.message).join("\n"));
    }
    return all;
  }
}
