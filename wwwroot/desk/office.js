// What the supervisor's page and the settings' have in common: the door, who is
// there, and how a refusal is told.

import { byId } from "./dom.js";
import { idle } from "./signin.js";
import { request } from "./api.js";
import { speak, t } from "./words.js";

const placeKey = "place before sign-in";
const nameKey = "agent name";

let me = null;

// sender is who we say we are where nobody signs in.
export const sender = () => (me?.signedIn ? "" : localStorage.getItem(nameKey) ?? "");

export const words = (problem) => (problem.status ? problem.message : t("No connection. Try again in a moment."));

const isShut = (problem) => problem.status === 401 || problem.status === 403;

function shut(problem) {
  const closed = problem.status === 403;
  byId("page").hidden = true;
  byId("door-title").textContent = closed ? t("For supervisors only") : me ? t("Your session has ended") : t("Sign in to go on");
  byId("door-text").textContent = closed ? t("The server says: {message}.", problem)
    : problem.message === idle ? t("Nobody did anything here for long, so you were signed out.") : "";
  byId("door-link").hidden = closed;
  byId("door").hidden = false;
  byId("door-title").focus();
}

// ask is a request that shows the door when the server lets us in no more.
export async function ask(path, options) {
  try {
    return await request(path, options);
  } catch (problem) {
    if (isShut(problem)) shut(problem);
    throw problem;
  }
}

export const send = (method, path, body, more) =>
  ask(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, ...more });

// enter shows the page, by read, once the server lets us in. It goes on trying for
// want of a connection.
export async function enter(read) {
  speak();
  const [page, ...product] = document.title.split(" · ");
  document.title = [t(page), ...product].join(" · ");
  byId("door-link").addEventListener("click", () => sessionStorage.setItem(placeKey, location.pathname));
  for (;;) {
    try {
      me = await ask("/api/desk/me");
      if (!me.supervisor) throw Object.assign(new Error(t("this page is not for you")), { status: 403 });
      byId("signed-in-name").textContent = me.name;
      await read();
      byId("page").hidden = false;
      byId("connection").textContent = "";
      return;
    } catch (problem) {
      if (isShut(problem)) return shut(problem);
      byId("connection").textContent = t("Reconnecting…");
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}
