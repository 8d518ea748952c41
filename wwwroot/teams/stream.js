// The events of one user's chat. The browser reconnects by itself and says which
// event it saw last; a browser that gave up is helped here.

export class Stream {
  #source = null;
  #retry = 0;
  #conversation = "";
  #seen = 0;

  // on: {reset, line, holder, typing, app, online}
  constructor(on) {
    this.on = on;
  }

  open(url) {
    this.close();
    this.#conversation = "";
    this.#seen = 0;
    this.#connect(url);
  }

  close() {
    clearTimeout(this.#retry);
    this.#source?.close();
  }

  #connect(url) {
    const source = new EventSource(`${url}${url.includes("?") ? "&" : "?"}after=${this.#seen}`);
    this.#source = source;
    const listen = (kind, take) =>
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) this.#seen = Number(event.lastEventId);
        take(JSON.parse(event.data));
      });
    listen("chat", ({ conversation }) => {
      this.on.online(true);
      if (this.#conversation && this.#conversation !== conversation) {
        this.open(url); // the sandbox began anew: so does the chat
        return;
      }
      if (!this.#conversation) this.on.reset();
      this.#conversation = conversation;
    });
    listen("line", (event) => this.on.line(event.line));
    listen("holder", (event) => this.on.holder(event.holder));
    listen("typing", (event) => this.on.typing(event.typing));
    listen("app", (event) => this.on.app(event.app));
    source.addEventListener("error", () => {
      this.on.online(false);
      if (source.readyState !== EventSource.CLOSED) return;
      this.#retry = setTimeout(() => this.#connect(url), 2000);
    });
  }
}
