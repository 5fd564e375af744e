// A pane is one service: who is logged in there, what it answers, and the list of the person's sessions, all by the library's routes.

import { all, ask, badge, element, onPress, pretty, seconds } from "/demo/common.js";

class Pane {
  constructor(root) {
    this.root = root;
    this.path = root.dataset.service;
    this.name = root.dataset.name;
    this.me = null; // as GET feed says; null for a guest
    this.stream = null;
    for (const button of all("[data-call]", root)) onPress(button, () => this.call(button.dataset.call));
    onPress(this.part(".end-others"), () => this.end("others=true"));
    onPress(this.part(".end-all"), () => this.end("all=true"));
  }

  part(selector) { return this.root.querySelector(selector); }

  // ask asks who is logged in, and opens the stream of the session.
  async ask() {
    const me = (await ask(`${this.path}/feed`)).body.reader ?? null;
    if (this.me?.session !== me?.session) this.rest();
    this.me = me;
    this.show();
    if (me) this.open();
  }

  // open follows the session: the server ends the stream with it (core.UntilEnded).
  open() {
    if (this.stream || document.hidden) return;
    this.stream = new EventSource(`${this.path}/events`);
    this.stream.addEventListener("ended", () => this.ended());
    this.stream.addEventListener("error", () => { if (this.stream?.readyState === EventSource.CLOSED) setTimeout(() => this.lost(), 500); });
  }

  // lost is called when the stream was refused as it connected again: the session may have ended in between.
  async lost() {
    const { me } = this;
    this.rest();
    await this.ask();
    if (me && !this.me) {
      this.me = me;
      this.ended();
    }
  }

  rest() {
    this.stream?.close();
    this.stream = null;
  }

  ended() {
    this.rest();
    if (!this.me) return;
    const took = pressed ? ` ${this.name} noticed after ${seconds(pressed)}.` : "";
    this.me = null;
    this.part(".answer").hidden = true; // it may show what only the person may see
    this.show(`The session has ended.${took}`);
    for (const listener of listeners) listener(this.name);
    list();
  }

  show(text) {
    const { me, root } = this;
    root.classList.toggle("in", Boolean(me));
    this.part(".who-text").textContent = text ?? (me ? `${me.username} is logged in` : "nobody is logged in");
    for (const part of all(".when-guest", root)) part.hidden = Boolean(me);
    for (const part of all(".when-caller", root)) part.hidden = !me;
    for (const part of all(".person-name", root)) part.textContent = me?.name ?? "";
    this.part(".person-email").textContent = me?.email ?? "";
    this.part(".person-roles").replaceChildren(...(me?.roles ?? []).map((role) => element("span", "tag", role)));
    if (!me) this.part(".sessions").replaceChildren();
  }

  async call(line) {
    const [method, route] = line.split(" ");
    const answer = await ask(this.path + route, { method });
    const box = this.part(".answer");
    box.hidden = false;
    box.querySelector("[role=status]").replaceChildren(badge(answer.status), ` ${method} ${this.path}${route}`);
    box.querySelector("pre").textContent = typeof answer.body === "string" ? answer.body : pretty(answer.body);
    if ((answer.status === 401) === Boolean(this.me)) await look();
  }

  // list shows the person's sessions at all services of the store.
  async list() {
    const answer = await ask(`${this.path}/auth/v2/sessions`);
    if (answer.status !== 200 || !this.me) return;
    const keep = document.activeElement?.dataset?.session; // a new list must not take the keyboard's focus away
    const rows = answer.body.sessions.map((session) => this.row(session));
    this.part(".sessions").replaceChildren(...rows);
    if (keep && this.root.contains(document.activeElement) === false) all("[data-session]", this.root).find((button) => button.dataset.session === keep)?.focus();
  }

  row(session) {
    const where = placeOf(session);
    const button = element("button", "small end", "End");
    button.type = "button";
    button.dataset.session = session.id;
    button.setAttribute("aria-label", `End the session ${where}, begun ${clock(session.started)}, at ${this.name}`);
    onPress(button, () => this.end(`id=${encodeURIComponent(session.id)}`));
    return element("li", session.current ? "current" : "", element("span", "where", where), element("span", "quiet", `since ${clock(session.started)}`), button);
  }

  async end(query) {
    pressed = performance.now();
    const answer = await ask(`${this.path}/auth/v2/sessions?${query}`, { method: "DELETE" });
    if (answer.status !== 204) throw new Error(answer.body.detail ?? `${this.name} answers ${answer.status}.`);
    await list();
  }
}

const clock = (time) => new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// placeOf says where a session is: in one of the panes, or elsewhere.
function placeOf(session) {
  const pane = panes.find((pane) => pane.me?.session === session.id);
  if (pane) return `${pane.name}, in this browser`;
  if (!session.agent) return "the command line";
  const browser = /(Firefox|Edg|Chrome|Safari)\//.exec(session.agent)?.[1] ?? session.agent.split(/[\s/]/)[0];
  return `elsewhere: ${browser === "Edg" ? "Edge" : browser}`;
}

let pressed = 0; // when something that ends sessions was last pressed
export function press() { pressed = performance.now(); }

const listeners = new Set();
export function onEnded(listener) { listeners.add(listener); }

export const panes = all(".pane").map((root) => new Pane(root));

// look asks every service who is logged in, and then for the sessions: a list says which of them are in the panes.
export async function look() {
  await Promise.all(panes.map((pane) => pane.ask()));
  await list();
}

export const list = () => Promise.all(panes.filter((pane) => pane.me).map((pane) => pane.list()));
