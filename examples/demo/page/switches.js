// The switches at the provider, and what happens then: the page asks every service each second, and lists what changes.

import { $, all, ask, element, onPress, post, seconds } from "/demo/common.js";
import { look, onEnded, panes, press } from "/demo/panes.js";

const watching = 20; // seconds
let run = 0; // counts the switches that were pressed: a new one ends the watch of the last
let begun = 0;
let turned = 0; // counts the switches that have been turned

// switchesNow is for showSwitches: an answer that was asked for before a switch was turned tells of how it was before.
export const switchesNow = () => turned;

export function showSwitches(state, asked) {
  if (asked !== turned) return;
  for (const button of all("[role=switch]")) button.setAttribute("aria-checked", String(Boolean(state[button.dataset.switch])));
}

function tell(text, kind = "") {
  $("then")[kind === "first" ? "prepend" : "append"](element("li", kind, element("span", "quiet", kind === "first" ? "now" : `+${seconds(begun)}`), element("span", "", text)));
  $("then").scrollTop = $("then").scrollHeight;
}

// asked are two routes of each service at which somebody is logged in. probe asks them; one that has answered 401 is not asked again.
const asked = () => new Map(panes.filter((pane) => pane.me).flatMap((pane) => [[`${pane.path}/me`, 0], [`${pane.path}/admin`, 0]]));
const probe = async (known) => new Map(await Promise.all([...known].map(async ([path, status]) => [path, status === 401 ? 401 : (await ask(path)).status])));

for (const button of all("[data-switch]")) onPress(button, () => turn(button));

async function turn(button) {
  const name = button.dataset.switch;
  const on = button.getAttribute("role") !== "switch" || button.getAttribute("aria-checked") !== "true";
  const target = panes.find((pane) => pane.me) ?? panes[0];
  const known = await probe(asked());
  const mine = ++run;
  begun = performance.now();
  press();
  $("then").replaceChildren(); // now: a session may end before the answer is here
  turned += 1; // what has been asked for by now may be answered before the switch is turned, or after
  const { said } = await post("/demo/switch", { name, on, service: target.path });
  turned += 1;
  tell(said, "first");
  if (button.getAttribute("role") === "switch") button.setAttribute("aria-checked", String(on));
  watch(mine, name, known, target);
}

// watch lists changes until the time is over.
async function watch(mine, name, before, target) {
  let known = before;
  let changes = 0;
  while (run === mine && performance.now() - begun < watching * 1000) {
    await new Promise((done) => setTimeout(done, 1000));
    if (run !== mine || document.hidden) continue;
    const now = await probe(known).catch(() => known);
    for (const [path, status] of now) {
      if (status === known.get(path)) continue;
      changes += 1;
      tell(`GET ${path}: ${known.get(path)} is now ${status}`, status < 400 ? "good" : "bad");
    }
    if (name === "steal" && now.get(`${target.path}/me`) === 401 && known.get(`${target.path}/me`) !== 401) {
      tell((await post("/demo/switch", { name: "again", on: true, service: target.path })).said);
    }
    known = now;
    await look();
  }
  if (run === mine && known.size) tell(changes ? "No further change." : `Nothing changed: ${[...known].map(([path, status]) => `${path} ${status}`).join(", ")}.`, "last");
}

onEnded((name) => { if (performance.now() - begun < watching * 1000) tell(`${name}: the session has ended`, "bad"); });
