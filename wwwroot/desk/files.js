// Files on their way to the user: by button, paste or drop, with how far they
// have come. Each has a key, so that one which is tried again arrives once.

import { byId, el } from "./dom.js";
import { t } from "./words.js";

const underway = new Map(); // key → { id, file, bar, node, xhr }

function drop(key) {
  underway.get(key)?.node.remove();
  underway.delete(key);
  byId("uploads").hidden = underway.size === 0;
}

function fail(key, reason, again) {
  const upload = underway.get(key);
  upload.bar.hidden = true;
  upload.said.textContent = t("Not sent: {reason}", { reason });
  upload.retry.hidden = false;
  upload.retry.onclick = again;
}

// refusal is why the server took no file, in words for who gave it.
function refusal({ status, response }) {
  if (status === 429) return t("That was too much at once. Please wait a moment.");
  if (status === 413) return t("The file is too large, or there are too many.");
  return response?.error ?? t("The server answered {status}.", { status });
}

function show(key, id, file) {
  const bar = el("progress", { max: 1, value: 0, "aria-label": t("Sending {name}", { name: file.name }) });
  const said = el("span", { class: "trouble", role: "status" });
  const retry = el("button", { class: "again", type: "button", hidden: true }, t("Send again"));
  const cancel = el("button", { class: "again", type: "button", "aria-label": t("Cancel {name}", { name: file.name }) }, t("Cancel"));
  const node = el("li", null, el("span", { class: "upload-name", dir: "auto" }, file.name), bar, said, retry, cancel);
  cancel.addEventListener("click", () => {
    underway.get(key).xhr?.abort();
    drop(key);
  });
  underway.set(key, { id, file, bar, said, retry, node });
  byId("uploads").append(node);
  byId("uploads").hidden = false;
}

function post(key, path, done) {
  const { file, bar, said, retry } = underway.get(key);
  const again = () => post(key, path, done);
  const xhr = new XMLHttpRequest();
  underway.get(key).xhr = xhr;
  bar.hidden = false;
  retry.hidden = true;
  said.textContent = "";
  xhr.open("POST", path);
  xhr.responseType = "json";
  xhr.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  xhr.setRequestHeader("Idempotency-Key", key);
  xhr.upload.addEventListener("progress", ({ loaded, total }) => { bar.value = total ? loaded / total : 0; });
  xhr.addEventListener("error", () => fail(key, t("No connection."), again));
  xhr.addEventListener("load", () => {
    if (xhr.status !== 200) return fail(key, refusal(xhr), again);
    drop(key);
    done(xhr.response);
  });
  xhr.send(file);
}

// attaching wires button, paste and drop: current is the open conversation, pathOf
// tells where a file of some name goes, done takes the line that came of it.
export function attaching(current, pathOf, done) {
  const input = byId("attach-file");
  const take = (files) => {
    for (const file of files) {
      const key = crypto.randomUUID();
      show(key, current(), file);
      post(key, pathOf(current(), file.name), done);
    }
  };
  byId("attach").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  byId("draft").addEventListener("paste", (event) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
  const target = byId("open-thread");
  target.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  target.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    if (!byId("composer").hidden) take(event.dataTransfer.files);
  });
}
