// The drawer that breaks things, and tells beside each what came of it.

import { find, make } from "./dom.js";

const lookEvery = 1000; // ms, while it is open
const told = 3; // the latest of what came of one thing
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });

function happenedOf(happened, id) {
  return happened.filter((one) => one.id === id).slice(-told)
    .map(({ at, text }) => make("li", {}, make("time", { dateTime: at }, clock.format(new Date(at))), ` ${text}`));
}

export async function drawer(call) {
  const dialog = find("faults");
  const logs = new Map(); // id → list of what came of it
  let shown = "";
  const show = ({ standing, happened }) => {
    find("standing").hidden = standing === 0;
    find("standing").textContent = standing;
    find("fault-state").textContent = standing === 0 ? "Everything works." : standing === 1 ? "One fault is on." : `${standing} faults are on.`;
    const state = JSON.stringify(happened);
    if (state === shown) return; // what is read out is not read out again
    shown = state;
    for (const [id, log] of logs) log.replaceChildren(...happenedOf(happened, id));
  };
  const row = ({ id, title, text }) => {
    const order = make("button", { type: "button", "aria-label": `Break: ${title}` }, "Break");
    order.dataset.fault = id;
    order.addEventListener("click", async () => show(await call("POST", "api/faults", { id })));
    const log = make("ol", { className: "came", "aria-live": "polite" });
    logs.set(id, log);
    return make("li", {}, make("div", {}, make("b", {}, title), make("span", {}, text), log), order);
  };
  const look = () => call("GET", "api/faults").then(show, () => {});
  find("break").addEventListener("click", () => {
    dialog.showModal();
    look();
  });
  setInterval(() => {
    if (dialog.open) look();
  }, lookEvery);
  find("faults-close").addEventListener("click", () => dialog.close());
  find("mend").addEventListener("click", async () => show(await call("DELETE", "api/faults")));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const state = await call("GET", "api/faults");
  find("fault-list").append(...state.faults.map(row));
  show(state);
  return look;
}
