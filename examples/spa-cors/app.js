// A script on another site than the API: it logs in there with PKCE of its own, and keeps the tokens in memory alone.
const api = "https://api.example.org";
const redirect_uri = `${location.origin}/`;
let tokens = null; // gone at a reload: then the login runs again, mostly without a form

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// login leaves for the provider. The verifier and the state wait in this tab.
async function login() {
  const begun = { verifier: random(), state: random(), back: location.pathname + location.search };
  sessionStorage.setItem("login", JSON.stringify(begun));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(begun.verifier));
  const code_challenge = base64url(new Uint8Array(hash));
  location.assign(`${api}/auth/v2/login?` + new URLSearchParams({
    redirect_uri, code_challenge, code_challenge_method: "S256", state: begun.state, offline_access: "true",
  }));
  return new Promise(() => {}); // the page is left
}

// token posts to the token route, in the form that RFC 6749 has. In an outage it throws and keeps the tokens.
async function token(parameters) {
  const answer = await fetch(`${api}/auth/v2/token`, { method: "POST", body: new URLSearchParams(parameters) });
  if (answer.status >= 500) {
    throw new Error(`token: ${answer.status}`);
  }
  tokens = answer.ok ? { ...tokens, ...(await answer.json()) } : null;
  return answer.ok;
}

// finish redeems the code if the provider has just sent the browser back. A state that is not ours is somebody else's login.
export async function finish() {
  const query = new URLSearchParams(location.search);
  const begun = JSON.parse(sessionStorage.getItem("login"));
  if (!query.has("state")) {
    return;
  }
  sessionStorage.removeItem("login");
  history.replaceState(null, "", begun?.back ?? "/"); // the code leaves the address
  if (begun === null || query.get("state") !== begun.state || !query.has("code")) {
    throw new Error(query.get("error") ?? "this login was not begun here");
  }
  const code = query.get("code");
  if (!await token({ grant_type: "authorization_code", code, redirect_uri, code_verifier: begun.verifier })) {
    throw new Error("the login failed");
  }
}

// renew replaces a refused access token. It spends the refresh token once, however many requests wait for it.
let renewing = null;
function renew(refused) {
  if (tokens?.access_token !== refused || !tokens.refresh_token) {
    return tokens !== null && tokens.access_token !== refused; // true: another request has renewed it
  }
  renewing ??= token({ grant_type: "refresh_token", refresh_token: tokens.refresh_token }).finally(() => { renewing = null; });
  return renewing;
}

function send(path, options) {
  const headers = new Headers(options.headers);
  headers.set("Authorization", `Bearer ${tokens.access_token}`);
  return fetch(api + path, { ...options, headers });
}

// call is fetch for the API. After a 401 it renews the token once, and then leaves for the login.
export async function call(path, options = {}) {
  if (tokens === null) {
    return login();
  }
  const sent = tokens.access_token;
  let answer = await send(path, options);
  if (answer.status === 401 && await renew(sent)) {
    answer = await send(path, options);
  }
  return answer.status === 401 ? login() : answer;
}

// logout ends the session at the provider, whose page leads back.
export async function logout() {
  const answer = await send("/auth/v2/logout", {
    method: "POST", body: new URLSearchParams({ refresh_token: tokens.refresh_token ?? "", post_logout_redirect_uri: redirect_uri }),
  });
  if (!answer.ok) {
    throw new Error(`logout: ${answer.status}`);
  }
  tokens = null;
  location.assign((await answer.json()).logout_url);
}
