// The drawer that breaks things.

const find = (id) => document.getElementById(id);

export async function drawer(call) {
  const dialog = find("faults");
  const show = ({ standing }) => {
    find("standing").hidden = standing === 0;
    find("standing").textContent = standing;
    find("fault-state").textContent = standing === 0 ? "Everything works." : standing === 1 ? "One fault is on." : `${standing} faults are on.`;
  };
  const row = ({ id, title, text }) => {
    const item = document.createElement("li");
    const words = document.createElement("div");
    const name = document.createElement("b");
    name.textContent = title;
    const what = document.createElement("span");
    what.textContent = text;
    words.append(name, what);
    const order = document.createElement("button");
    order.type = "button";
    order.textContent = "Break";
    order.setAttribute("aria-label", `Break: ${title}`);
    order.addEventListener("click", async () => show(await call("POST", "api/faults", { id })));
    item.append(words, order);
    return item;
  };
  find("break").addEventListener("click", async () => {
    dialog.showModal();
    show(await call("GET", "api/faults"));
  });
  find("faults-close").addEventListener("click", () => dialog.close());
  find("mend").addEventListener("click", async () => show(await call("DELETE", "api/faults")));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  const state = await call("GET", "api/faults");
  find("fault-list").append(...state.faults.map(row));
  show(state);
  return () => call("GET", "api/faults").then(show, () => {});
}
