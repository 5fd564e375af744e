// The television: the page shows its screen, and never has its tokens.

import { $, onPress, post } from "/demo/common.js";

const texts = {
  off: () => "Off", waiting: () => "Waits for an answer at the provider …", access_denied: () => "The login was refused.",
  expired_token: () => "The code has ended.", in: (screen) => `${screen.who} is logged in on the television.`,
};
let shown = "";

export function showDevice(screen) {
  const state = JSON.stringify(screen);
  if (state === shown) return;
  shown = state;
  const waits = screen.state === "waiting";
  if (waits) {
    $("tv-user-code").textContent = screen.code;
    $("tv-link").href = screen.link;
    $("tv-qr").src = `/demo/device.svg?${encodeURIComponent(screen.code)}`;
  }
  $("tv-code").hidden = !waits;
  $("tv-text").textContent = (texts[screen.state] ?? (() => `It did not work: ${screen.state}`))(screen);
  if (screen.state === "off" && document.activeElement === $("tv-off")) $("tv-start").focus(); // what is hidden loses the keyboard
  $("tv-off").hidden = screen.state === "off";
}

for (const [id, on] of [["tv-start", true], ["tv-off", false]]) onPress($(id), async () => showDevice(await post("/demo/device", { on })));
