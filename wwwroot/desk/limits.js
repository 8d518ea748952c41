// What supervisors have set, as far as the desk goes by it: when to mark who
// waits, and which queues there are.

import { byId } from "./dom.js";
import { request } from "./api.js";

const every = 60_000; // ms

export const limits = { waitMinutes: 0, idleMinutes: 0 };

let queues;

async function read() {
  const { waitMinutes, idleMinutes, queues: all } = await request("/api/desk/settings");
  Object.assign(limits, { waitMinutes, idleMinutes });
  queues.replaceChildren(...all.map(({ name }) => new Option("", name)));
}

// followSettings reads them now and then; may be called again. What cannot be read
// stays as it was.
export function followSettings() {
  if (!queues) {
    queues = document.createElement("datalist");
    queues.id = "queues";
    const kind = byId("transfer-kind");
    const to = byId("transfer-to");
    to.after(queues);
    kind.addEventListener("change", () => to.setAttribute("list", kind.value === "queue" ? queues.id : "colleagues"));
    setInterval(() => read().catch(() => {}), every);
  }
  return read().catch(() => {});
}
