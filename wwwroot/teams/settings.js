// The dialog with who the user is, the app, and Microsoft's side.

import { find } from "./dom.js";

const states = {
  removed: "The app is removed. Install it again in the settings.",
  blocked: "You have blocked the bot. Unblock it in the settings.",
};

// settings wires the dialog and returns what shows the state of the app. enable
// lets the user write, or not.
export function settings(call, mine, enable) {
  const dialog = find("settings");
  const profile = find("profile").elements;
  const switches = find("switches");
  let app = "installed";
  const told = (text) => {
    find("profile-state").textContent = text;
  };

  find("settings-open").addEventListener("click", async () => {
    told("");
    find("switches-state").textContent = "";
    dialog.showModal();
    const known = await call("GET", mine("profile"));
    for (const name of ["name", "email", "objectId", "locale", "timeZone", "platform"]) profile[name].value = known[name];
    profile.variables.value = known.variables ? JSON.stringify(known.variables) : "";
    const on = await call("GET", "api/switches");
    for (const field of switches.elements) {
      if (field.type === "checkbox") field.checked = on[field.name];
      else field.value = String(on[field.name]);
    }
  });
  find("settings-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  find("profile").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { variables, ...next } = Object.fromEntries(new FormData(event.target));
    try {
      next.variables = variables.trim() ? JSON.parse(variables) : null;
      await call("PUT", mine("profile"), next);
      told("Saved.");
    } catch {
      told("Not saved: check the variables.");
    }
  });
  switches.addEventListener("change", async () => {
    const next = {};
    for (const field of switches.elements) next[field.name] = field.type === "checkbox" ? field.checked : Number(field.value);
    const state = find("switches-state");
    state.textContent = "";
    try {
      await call("PUT", "api/switches", next);
      state.textContent = "Saved.";
    } catch {
      state.textContent = "Not saved. Try again.";
    }
  });

  const act = (word) => call("POST", mine("app"), { do: word }).catch(() => {});
  find("uninstall").addEventListener("click", () => act(app === "removed" ? "install" : "uninstall"));
  find("block").addEventListener("click", () => act(app === "blocked" ? "unblock" : "block"));
  find("cancel").addEventListener("click", () => act("cancel"));
  return (state) => {
    app = state;
    find("no-app").hidden = state === "installed";
    find("no-app").textContent = states[state] ?? "";
    find("uninstall").textContent = state === "removed" ? "Install the app" : "Uninstall the app";
    find("block").textContent = state === "blocked" ? "Unblock the bot" : "Block the bot";
    enable(state === "installed");
  };
}
