// The strip of events.

import { $, element } from "/demo/common.js";

const most = 60;
let latest = null; // { text, count, item }

export function showStrip(events) {
  const strip = $("strip");
  for (const event of events) {
    const text = [event.where, event.kind, event.part, event.outcome].join(" ");
    if (latest?.text === text) { // the same again: counted
      latest.count += 1;
      latest.item.querySelector(".count").textContent = `×${latest.count}`;
      continue;
    }
    const good = ["ok", "cached", "on", "off", "pending"].includes(event.outcome);
    const item = element("li", "",
      element("time", "quiet", new Date(event.at).toLocaleTimeString()), element("b", "", event.where),
      element("span", "", [event.kind, event.part].filter(Boolean).join(" · ")),
      element("span", `outcome ${good ? "good" : event.outcome === "no_token" ? "" : "bad"}`, event.outcome), element("span", "count quiet", ""));
    latest = { text, count: 1, item };
    strip.prepend(item);
  }
  while (strip.children.length > most) strip.lastElementChild.remove();
}
