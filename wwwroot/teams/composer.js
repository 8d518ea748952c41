// What the user writes: text, files, an answer to a line, or the change of one.

import { bytes } from "./card.js";
import { button, find, make } from "./dom.js";

const typingEvery = 3000; // Teams tells of typing about so often
const pictures = ["image/png", "image/jpeg", "image/gif"];

export class Composer {
  #drafts = new Map();
  #files = [];
  #about = null; // {line, edit}
  #told = 0;
  #on = true;

  // act: {send(message), edit(line, text), typing()}; both of the first tell whether it worked
  constructor(act) {
    this.act = act;
    this.text = find("text");
    find("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.text.addEventListener("input", () => {
      this.#ready();
      if (!this.text.value || Date.now() - this.#told < typingEvery) return;
      this.#told = Date.now();
      act.typing();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#clearAbout();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      find("composer").requestSubmit();
    });
    this.text.addEventListener("paste", (event) => {
      const pasted = [...event.clipboardData.files].filter(({ type }) => pictures.includes(type));
      if (pasted.length) this.#attach(pasted, true);
    });
    find("attach").addEventListener("click", () => find("files").click());
    find("files").addEventListener("change", ({ target }) => {
      this.#attach([...target.files], false);
      target.value = "";
    });
    find("about-cancel").addEventListener("click", () => this.#clearAbout());
  }

  focus() {
    this.text.focus();
  }

  // become keeps what was begun to write in one chat, and shows what was in another.
  become(before, now, { name }) {
    find("text-label").textContent = `Message to ${name}`;
    this.#drafts.set(before, this.text.value);
    this.#clearAbout();
    this.#files = [];
    this.#showFiles();
    this.#setText(this.#drafts.get(now) ?? "");
  }

  enable(on) {
    this.#on = on;
    this.text.disabled = !on;
    find("attach").disabled = !on;
    for (const hint of find("hints").children) hint.disabled = !on;
    this.#ready();
  }

  say(text) {
    return this.act.send({ text });
  }

  edit(line) {
    this.#setAbout({ line, edit: true }, "Editing a message");
    this.#setText(line.text);
  }

  quote(line) {
    this.#setAbout({ line, edit: false }, `Replying to: ${line.text}`);
  }

  async #submit() {
    const words = this.text.value.trim();
    const [files, about] = [this.#files, this.#about];
    if (!words && !files.length) return;
    this.#setText("");
    this.#files = [];
    this.#showFiles();
    this.#clearAbout();
    const taken = about?.edit
      ? await this.act.edit(about.line, words)
      : await this.act.send({ text: words, files, quote: about?.line.id ?? "" });
    if (!taken && !this.text.value) this.#setText(words);
  }

  async #attach(files, inline) {
    for (const file of files) {
      const { name, type, size } = file;
      this.#files.push({ name, type, inline, size, content: await base64(file) });
    }
    this.#showFiles();
    this.focus();
  }

  #showFiles() {
    find("attached").replaceChildren(
      ...this.#files.map((file) => {
        const drop = button("×", () => {
          this.#files = this.#files.filter((other) => other !== file);
          this.#showFiles();
        }, "tool");
        drop.setAttribute("aria-label", `Remove ${file.name}`);
        return make("li", {}, make("b", {}, file.name), make("small", {}, bytes(file.size)), drop);
      }),
    );
    this.#ready();
  }

  #setAbout(about, words) {
    this.#about = about;
    find("about").hidden = false;
    find("about-text").textContent = words;
    this.focus();
  }

  #clearAbout() {
    if (this.#about?.edit) this.#setText("");
    this.#about = null;
    find("about").hidden = true;
  }

  #setText(words) {
    this.text.value = words;
    this.#ready();
  }

  #ready() {
    find("send").disabled = !this.#on || (!this.text.value.trim() && !this.#files.length);
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
