// Calls of the sandbox's API.

export async function call(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: body && { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw Object.assign(new Error(`${method} ${url}: ${response.status}`), { status: response.status });
  return response.status === 204 ? null : response.json();
}
