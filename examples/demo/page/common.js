// What the parts of the page share.

export const $ = (id) => document.getElementById(id);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ask sends a request and returns its whole answer, read once.
export async function ask(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  const text = await response.text();
  let body = text;
  try {
    body = JSON.parse(text);
  } catch { /* shown as it is */ }
  return { status: response.status, reason: response.statusText, body };
}

// post sends a form to a control of the demo; a refusal is an error with its text.
export async function post(path, fields) {
  const answer = await ask(path, { method: "POST", body: new URLSearchParams(fields) });
  if (answer.status !== 200) throw new Error(answer.body.said ?? `${path} answers ${answer.status}.`);
  return answer.body;
}

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export const badge = (status) => element("span", `badge ${status < 400 ? "good" : "bad"}`, `${status} ${reasons[status] ?? ""}`.trim());
const reasons = { 200: "OK", 201: "Created", 204: "No Content", 302: "Found", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 503: "Service Unavailable" };

// pretty is indented JSON with short lists on one line.
export function pretty(value) {
  return JSON.stringify(value, null, 2).replace(/\[\n([^[\]{}]*?)\n\s*\]/g, (_, list) => `[${list.split("\n").map((entry) => entry.trim()).join(" ")}]`);
}

export function say(text) {
  $("status").textContent = text;
}

// inform tells that the server is gone, once, and that it is back.
let here = true;
export function inform(answers) {
  if (answers !== here) say(answers ? "" : "The demo does not answer. Was it ended?");
  here = answers;
}

let before = () => {};
export function busy(hook) { before = hook; }

// onPress keeps a button from being pressed twice at a time and says what went wrong. The button keeps the keyboard's focus, which
// disabled would lose.
export function onPress(button, action) {
  const type = button.tagName === "FORM" ? "submit" : "click";
  button.addEventListener(type, async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    before();
    try {
      await action(event);
    } catch (error) {
      if (error instanceof TypeError) inform(false);
      else say(error.message);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

// later is a number of seconds with one digit.
export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
