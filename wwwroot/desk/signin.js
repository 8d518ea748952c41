// Who is at the desk. With sign-in it is whom the issuer vouched for; without,
// whoever they say they are.

import { byId } from "./dom.js";
import { request } from "./api.js";
import { t } from "./words.js";

const placeKey = "place before sign-in";
const nameKey = "agent name";
const nobody = "Contoso Support";

const reasons = {
  late: "That took too long, or was begun in another window. Please try again.",
  denied: "You were not signed in. Please try again.",
  refused: "This account may not answer here. Ask whoever runs the desk, or choose another account.",
  failed: "The sign-in service could not be reached, or its answer could not be trusted. Please try again.",
};

// idle is what the server says of a session that was left alone.
export const idle = "signed out for doing nothing; sign in again";
// Other pages that one may have come from.
const pages = ["/supervisor", "/settings"];

let signedInName = "";

export const agentName = () => signedInName || byId("agent-name").value.trim() || nobody;

export const outside = () => !byId("sign-in").hidden;

// welcome shows who is there. A name that was vouched for cannot be edited.
export function welcome(me) {
  signedInName = me.name;
  byId("signed-in").hidden = !me.signedIn;
  byId("say-name").hidden = me.signedIn;
  byId("signed-in-name").textContent = me.name;
  byId("signed-in-name").title = me.name;
  byId("sign-in").hidden = true;
  byId("columns").hidden = false;
  byId("presence").hidden = false;
  byId("to-supervisor").hidden = !me.supervisor;
  if (location.search) history.replaceState(null, "", `/${location.hash}`); // what it says is over
}

// showSignIn puts the door before the desk; what is behind it stays as it is.
export function showSignIn(problem) {
  const closed = problem.status === 403;
  const why = reasons[new URLSearchParams(location.search).get("signin")] ?? "";
  byId("columns").hidden = true;
  byId("signed-in").hidden = true;
  byId("say-name").hidden = true;
  byId("presence").hidden = true;
  byId("to-supervisor").hidden = true;
  byId("connection").textContent = "";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  byId("sign-in-title").textContent = closed ? t("This desk is closed") : signedInName ? t("Your session has ended") : t("Sign in to answer");
  byId("sign-in-text").textContent = closed ? t("The server says: {message}.", problem)
    : problem.message === idle ? t("Nobody did anything here for long, so you were signed out. What you were writing is kept.")
    : signedInName ? t("Sign in again to go on. What you were writing is kept.")
      : t("Users who ask for a person are waiting behind this door.");
  byId("sign-in-problem").textContent = closed ? "" : t(why);
  byId("sign-in-link").hidden = closed;
  byId("sign-in-link").href = why === reasons.refused ? "/auth/signin?other=1" : "/auth/signin";
  byId("sign-in-link").textContent = why === reasons.refused ? t("Choose another account") : t("Sign in");
  byId("sign-in").hidden = false;
  byId("sign-in-title").focus();
}

// restorePlace opens what was open before the way to the issuer, which leads back
// to the desk and drops the part of the address after #.
export function restorePlace() {
  const place = sessionStorage.getItem(placeKey);
  sessionStorage.removeItem(placeKey);
  if (pages.includes(place)) return location.replace(place);
  if (place && !location.hash) history.replaceState(null, "", `/${location.search}${place}`);
}

async function signOut() {
  byId("sign-out").disabled = true;
  try {
    const { to } = await request("/auth/signout", { method: "POST" });
    // The next who sits here is somebody else.
    sessionStorage.clear();
    location.assign(to);
  } catch (problem) {
    byId("connection").textContent = problem.status ? problem.message : t("No connection: you are still signed in.");
    byId("sign-out").disabled = false;
  }
}

export function signInKeys() {
  byId("agent-name").value = localStorage.getItem(nameKey) ?? nobody;
  byId("agent-name").addEventListener("change", () => {
    byId("agent-name").value = agentName();
    localStorage.setItem(nameKey, agentName());
  });
  byId("sign-in-link").addEventListener("click", () => sessionStorage.setItem(placeKey, location.hash));
  byId("sign-out").addEventListener("click", signOut);
}
