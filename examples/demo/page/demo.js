// The page's only script. It keeps the tokens in memory; the server keeps them beside a cookie that no script reads, so
// that a reload finds them again.

const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

let login = { token: null, caller: null }; // as GET /session says
let subject = ""; // an access token of the provider, to be exchanged
let device = null; // a device login under way: { start, pace, ends, timer }

// --- requests ---

// ask sends a request and returns its whole answer, read once.
async function ask(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  const text = await response.text();
  let body = text;
  try {
    body = JSON.parse(text);
  } catch { /* shown as it is */ }
  return { status: response.status, reason: response.statusText, challenge: response.headers.get("WWW-Authenticate"), body };
}

const form = (fields) => ({ method: "POST", body: new URLSearchParams(fields) });
const bearer = () => (login.token && $("send").checked ? { Authorization: `Bearer ${login.token.access_token}` } : {});

// keep hands new tokens to the server and shows whose they are.
async function keep(token) {
  const answer = await ask("/session", { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(token) });
  if (answer.status !== 200) throw new Error("The application does not take the new token.");
  login = answer.body;
  show();
}

// --- showing ---

function element(name, className, ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

// showAnswer writes status, challenge and JSON below a request's line. A screen reader hears the status alone.
function showAnswer(box, answer, note = "", waiting = false) {
  const [status, rest] = box.children;
  const kind = waiting ? "wait" : answer.status < 400 ? "good" : "bad";
  const badge = element("span", `badge ${kind}`, `${answer.status} ${reasons[answer.status] ?? answer.reason}`);
  const text = element("p", "", badge, note && ` ${note}`);
  if (status.innerHTML !== text.innerHTML) status.replaceChildren(...text.childNodes);
  const json = element("pre", "json", typeof answer.body === "string" ? answer.body : pretty(answer.body));
  json.tabIndex = 0;
  json.setAttribute("aria-label", "Body of the answer");
  rest.replaceChildren(json);
  if (answer.challenge) rest.prepend(element("p", "challenge", element("span", "quiet", "WWW-Authenticate: "), answer.challenge));
  box.classList.add("told");
}

for (const box of all(".answer")) {
  const status = element("p", "");
  status.setAttribute("role", "status");
  box.append(status, element("div", "rest"));
}

// pretty is indented JSON with short lists on one line.
function pretty(value) {
  return JSON.stringify(value, null, 2).replace(/\[\n([^[\]{}]*?)\n\s*\]/g, (_, list) => `[${list.split("\n").map((entry) => entry.trim()).join(" ")}]`);
}

const reasons = { 200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 502: "Bad Gateway", 503: "Service Unavailable" };

function show() {
  const { token, caller } = login;
  for (const part of all("[data-when]")) part.hidden = part.dataset.when !== (token ? "caller" : "guest");
  $("nobody").hidden = Boolean(token);
  $("profile").hidden = !token;
  for (const field of all("[data-claim]")) {
    const value = caller?.[field.dataset.claim] ?? "";
    const words = Array.isArray(value) ? value : [value];
    field.replaceChildren(...(Array.isArray(value) ? words.map((word) => element("span", "tag", word)) : words));
    if (!words.join("")) field.replaceChildren("none");
  }
  $("claims").hidden = !token;
  $("claims-text").textContent = token ? pretty(claimsOf(token.access_token)) : "";
  showCurl();
  showExpiry();
}

// claimsOf reads the middle part of a JWT. It checks nothing: only the guards do.
function claimsOf(jwt) {
  const bytes = Uint8Array.from(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

// showCurl inserts the tokens into the command lines; for a missing one it inserts a shell variable.
function showCurl() {
  const values = { refresh_token: login.token?.refresh_token, device_code: device?.start.device_code, subject_token: subject };
  for (const line of all("[data-line]")) {
    let text = line.dataset.line.replace(/\{(\w+)\}/g, (_, name) => (values[name] ? encodeURIComponent(values[name]) : `$${name.toUpperCase()}`));
    if ("bearer" in line.dataset && bearer().Authorization) text += ` -H "Authorization: ${bearer().Authorization}"`;
    line.textContent = text;
  }
}

function showExpiry() {
  if (!login.token) return;
  const left = Math.max(0, Math.round(login.token.expires - Date.now() / 1000));
  const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  $("expiry").textContent = left ? `in ${clock}` : "it has ended: refresh, or log in again";
  $("expiry").classList.toggle("late", left < 30);
}

function say(text) {
  $("status").textContent = text;
}

// busy keeps a button from being pressed twice and says what went wrong.
function onClick(button, action) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true"); // it keeps the keyboard's focus, which disabled would lose
    say("");
    try {
      await action();
    } catch (error) {
      say(error instanceof TypeError ? "The application does not answer. Was it ended?" : error.message);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

// --- what the buttons do ---

for (const step of all("[data-route]")) {
  onClick(step.querySelector("button"), async () => {
    showAnswer(step.querySelector(".answer"), await ask(step.dataset.route, { headers: bearer() }));
  });
}

const end = (text) => `…${text.slice(-6)}`;

onClick($("refresh"), async () => {
  const old = login.token;
  const answer = await ask("/api/auth/v2/token", form({ refresh_token: old.refresh_token }));
  if (answer.status !== 200) return showAnswer($("refresh-answer"), answer);
  await keep(answer.body);
  const change = (name, was, is) => `${name} ${was === is ? "unchanged" : `${end(was)} is now ${end(is)}`}`;
  const notes = [change("Access token", old.access_token, login.token.access_token), change("refresh token", old.refresh_token, login.token.refresh_token)];
  showAnswer($("refresh-answer"), { ...answer, body: shortened(answer.body) }, `${notes.join("; ")}.`);
});

// shortened shows a token answer without filling the page with it.
const shortened = (token) => ({ ...token, access_token: end(token.access_token), refresh_token: token.refresh_token && end(token.refresh_token) });

onClick($("exchange"), async () => {
  const user = login.caller?.username ?? "";
  subject = (await ask(`/provider-token?${new URLSearchParams({ user })}`)).body.access_token;
  showCurl();
  const answer = await ask("/api/auth/v2/token", form({ grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: subject }));
  if (answer.status !== 200) return showAnswer($("exchange-answer"), answer);
  const { iss, sub } = claimsOf(subject);
  const claims = claimsOf(answer.body.access_token);
  showAnswer($("exchange-answer"), { ...answer, body: { ...shortened(answer.body), claims } }, `From a token of ${iss} for ${sub} to one of ${claims.iss}.`);
});

onClick($("logout"), async () => {
  const address = `/api/auth/v2/logout?${new URLSearchParams({ post_logout_redirect_uri: `${location.origin}/` })}`;
  await fetch(address, { headers: { Authorization: `Bearer ${login.token.access_token}` }, redirect: "manual" }); // revokes
  await ask("/session", { method: "DELETE" });
  location.assign(address); // the provider ends its own session and sends the browser back
});

$("send").addEventListener("change", showCurl);

// --- device login (RFC 8628) ---

onClick($("device"), async () => {
  stop();
  $("poll-step").hidden = true;
  $("device-code").hidden = true;
  const answer = await ask("/api/auth/v2/device", { method: "POST" });
  showAnswer($("device-answer"), answer);
  if (answer.status !== 200) return;
  const start = answer.body;
  device = { start, pace: start.interval, ends: Date.now() + start.expires_in * 1000 };
  showAnswer($("device-answer"), { ...answer, body: { ...start, device_code: end(start.device_code) } });
  $("user-code").textContent = start.user_code;
  $("device-link").href = start.verification_uri_complete ?? start.verification_uri;
  $("device-code").hidden = false;
  $("poll-answer").classList.remove("told");
  $("poll-step").hidden = false;
  for (const button of [$("poll"), $("stop")]) button.hidden = false;
  showCurl();
  next();
});

onClick($("poll"), poll);
onClick($("stop"), async () => stop("Stopped."));

function stop(text) {
  clearTimeout(device?.timer);
  device = null;
  const buttons = [$("poll"), $("stop")];
  if (buttons.includes(document.activeElement)) $("device").focus({ preventScroll: true }); // what is hidden loses the keyboard
  for (const button of buttons) button.hidden = true;
  $("pace").textContent = text ?? "";
}

function next() {
  clearTimeout(device.timer);
  $("pace").textContent = `Every ${device.pace} s.`;
  device.timer = setTimeout(poll, device.pace * 1000);
}

// poll sends one request. authorization_pending and slow_down continue the polling, every other answer ends it.
async function poll() {
  if (!device) return;
  const asked = device;
  clearTimeout(asked.timer);
  const answer = await ask("/api/auth/v2/token", form({ device_code: asked.start.device_code }));
  if (device !== asked) return;
  if (answer.status === 200) {
    stop();
    await keep(answer.body);
    showAnswer($("poll-answer"), { ...answer, body: shortened(answer.body) }, `Logged in as ${login.caller.username}.`);
    return;
  }
  const code = answer.body.error;
  const goesOn = !code || code === "authorization_pending" || code === "slow_down";
  showAnswer($("poll-answer"), answer, meanings[code], goesOn);
  if (code === "slow_down") asked.pace += 5;
  if (goesOn) next();
  else stop();
}

const meanings = {
  authorization_pending: "You have not answered yet.", slow_down: "Asked too soon: the pause grows by 5 s.",
  access_denied: "You refused.", expired_token: "The code has ended.",
};

// --- copy buttons ---

for (const box of all(".curl")) {
  const line = box.querySelector("code");
  const button = element("button", "copy", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy: ${box.querySelector("pre").getAttribute("aria-label")}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(line.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  box.append(button);
}

// A page from the browser's back-forward cache may show a user who has logged out since.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

setInterval(showExpiry, 1000);
show();
login = (await ask("/session")).body;
show();
