// The start of the page: what happens once a second, and when the page comes and goes.

import { $, ask, busy, inform, say } from "/demo/common.js";
import { look, panes } from "/demo/panes.js";
import { showStrip } from "/demo/strip.js";
import { showSwitches, switchesNow } from "/demo/switches.js";
import { showDevice } from "/demo/device.js";
import { begin } from "/demo/inspect.js";
import "/demo/lines.js";

let last = 0; // the newest event that the page has
let asking = false;

// tick asks for what has changed at the server. A page that nobody sees asks for nothing.
async function tick() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const turned = switchesNow();
    const { body } = await ask(`/demo/state?after=${last}`);
    last = Math.max(last, ...body.events.map((event) => event.id));
    showStrip(body.events);
    showSwitches(body.switches, turned);
    showDevice(body.device);
    inform(true);
  } catch {
    inform(false);
  } finally {
    asking = false;
  }
}

// A hidden page has no streams: a browser opens only six connections to a host.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) panes.forEach((pane) => pane.rest());
  else look().then(tick);
});

// A page from the browser's back-forward cache may show somebody who has logged out since.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

busy(() => say(""));
setInterval(tick, 1000);
$("read-aloud").addEventListener("change", (event) => { $("strip").setAttribute("aria-live", event.target.checked ? "polite" : "off"); });
await look().catch(() => inform(false));
await begin(panes.find((pane) => pane.me)).catch((error) => say(error.message));
await tick();
document.documentElement.dataset.ready = "true";
