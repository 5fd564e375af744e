// The command lines. They name files with the secrets, which the server writes when a line is shown or copied.

import { all, onPress, post } from "/demo/common.js";
import { list, panes } from "/demo/panes.js";

// lend has the server write the files for whoever is logged in.
async function lend(code) {
  const pane = panes.find((pane) => code.dataset.line.includes(`${pane.path}/`) && pane.me) ?? panes[0];
  await post("/demo/curl", { service: pane.path });
  await list();
}

for (const line of all(".curl")) {
  const code = line.querySelector("code");
  const masked = code.textContent;
  const show = line.querySelector(".reveal");
  if (show) {
    onPress(show, async () => {
      const hides = show.getAttribute("aria-pressed") === "true";
      if (!hides) await lend(code);
      code.textContent = hides ? masked : code.dataset.line;
      show.textContent = hides ? "Show" : "Hide";
      show.setAttribute("aria-pressed", String(!hides));
    });
  }
  const copy = line.querySelector(".copy");
  onPress(copy, async () => {
    if (show) await lend(code);
    await navigator.clipboard.writeText(code.dataset.line);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
}
