// How the page speaks with the server.

import { t } from "./words.js";

export const pathOf = (id, rest = "") => `/api/desk/conversations/${encodeURIComponent(id)}${rest}`;

export async function request(path, options) {
  const response = await fetch(path, options);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw Object.assign(new Error(body.error || t("The server answered {status}.", response)), { status: response.status });
  }
  return body;
}

export const post = (path, body, headers = {}) =>
  request(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });

// isShut reports whether the server does not let us in.
export const isShut = (problem) => problem.status === 401 || problem.status === 403;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
