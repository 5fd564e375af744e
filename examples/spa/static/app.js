// The script knows no token: the browser sends the session's cookie with every request to this origin.
const element = (id) => document.getElementById(id);
const say = (text) => { element("status").textContent = text; };

// login leaves for the login; it comes back to this page.
function login(address) {
  const target = new URL(address, location.href);
  target.searchParams.set("return_to", location.pathname + location.search);
  location.assign(target);
}

// call is fetch for the API. Without a session it leaves for the login, and what waits for the answer never runs on. It throws
// for every other status that is not 2xx.
async function call(path, options) {
  const answer = await fetch(path, options);
  if (answer.status === 401) {
    login((await answer.json()).login_url);
    return new Promise(() => {});
  }
  if (!answer.ok) {
    throw new Error(`${path}: ${answer.status}`);
  }
  return answer.json();
}

// show asks who is logged in, without extending the session: a guest sees the login button.
async function show() {
  const answer = await fetch("/auth/v2/session?slide=false");
  if (!answer.ok && answer.status !== 401) {
    throw new Error(`session: ${answer.status}`);
  }
  const session = answer.ok ? await answer.json() : null;
  say(session ? `Hello ${session.name ?? session.preferred_username ?? session.sub}!` : "You are not logged in.");
  element("login").hidden = session !== null;
  element("order").hidden = element("logout").hidden = session === null;
}

async function order() {
  const { ordered_by } = await call("/api/orders", { method: "POST" });
  say(`Ordered by ${ordered_by}.`);
}

// logout ends the session here; the page of the provider ends the one there, and leads back.
async function logout() {
  const answer = await fetch("/auth/v2/logout", { method: "POST" });
  if (!answer.ok) {
    throw new Error(`logout: ${answer.status}`);
  }
  location.assign((await answer.json()).logout_url);
}

// run shows what went wrong in the place of an answer.
const run = (task) => task().catch((error) => say(`Please try again later (${error.message}).`));

element("login").addEventListener("click", () => login("/auth/v2/login"));
element("order").addEventListener("click", () => run(order));
element("logout").addEventListener("click", () => run(logout));
document.addEventListener("visibilitychange", () => document.hidden || run(show)); // another tab may have logged out
window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // back from another page
run(show);
