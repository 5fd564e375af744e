// The inspector: the server has a guard judge the token, and tells the parts of it without the signature.

import { $, element, onPress, post, pretty } from "/demo/common.js";

const marks = { passed: "✓", refused: "✕", "not reached": "–" };

$("token").addEventListener("change", () => { $("paste").hidden = $("token").value !== "pasted"; });

onPress($("inspect"), inspect);

// begin shows a first token: that of the session, or a good one.
export async function begin(pane) {
  $("token").value = pane ? "session" : "good";
  if (pane) $("judge").value = pane.path;
  $("paste").hidden = true;
  await inspect();
}

async function inspect() {
  const seen = await post("/demo/inspect", new FormData($("inspect")));
  $("inspection").hidden = false;
  $("verdict").replaceChildren(element("span", `badge ${seen.good ? "good" : "bad"}`, seen.good ? "accepted" : "refused"), ` by ${seen.service}${seen.good ? "" : `${seen.verdict.replace("refused", "")}`}`);
  $("checks").replaceChildren(...seen.checks.map((check) => {
    const says = Array.isArray(check.says) ? check.says.join(", ") : check.says ?? "none";
    const mark = element("span", "mark-of", marks[check.verdict]);
    mark.setAttribute("aria-hidden", "true");
    const name = element("th", "", check.check);
    name.scope = "row";
    return element("tr", check.verdict.replace(" ", "-"), name, element("td", "", mark, ` ${check.reason ?? check.verdict}`), element("td", "says", String(says)));
  }));
  $("claims").textContent = pretty({ header: seen.header, claims: seen.claims, signature: "not shown" });
}
