// All that can be done here can be done without this script. It saves a new page where a part of one will do.
"use strict";

const load = async (address, options) => {
  const answer = await fetch(address, options);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

// A try shows its answer beside the form.
const form = document.querySelector("form[data-try]");
if (form) {
  const answer = document.getElementById("answer");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (answer.ariaBusy === "true") return;
    answer.ariaBusy = "true";
    try {
      const page = await load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      answer.replaceChildren(...page.getElementById("answer").childNodes);
      document.getElementById("as").replaceChildren(...page.getElementById("as").childNodes); // one more after a sign-in
    } catch {
      answer.textContent = "The service does not answer.";
    }
    answer.ariaBusy = "false";
    answer.focus();
  });
}

// The list of endpoints gets shorter as one types.
const filter = document.querySelector("form.filter");
if (filter) {
  filter.hidden = false;
  filter.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("filter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const group of document.querySelectorAll(".group")) {
      group.hidden = true;
      for (const item of group.querySelectorAll("li:has(.method)")) {
        const text = item.textContent.toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
        if (item.hidden) continue;
        group.hidden = false;
        shown++;
      }
    }
    document.getElementById("matches").textContent = `${shown} shown`;
  });
}

// New requests come by themselves while Follow is on.
const follow = document.getElementById("follow");
if (follow) {
  follow.hidden = false;
  follow.addEventListener("click", () => { follow.ariaPressed = String(follow.ariaPressed !== "true"); });
  setInterval(async () => {
    if (follow.ariaPressed !== "true" || document.hidden) return;
    try {
      const fresh = (await load(location.href)).getElementById("requests");
      const list = document.getElementById("requests");
      if (!fresh.isEqualNode(list) && !list.contains(document.activeElement)) list.replaceWith(fresh);
    } catch { /* the service has stopped, or starts anew */ }
  }, 1000);
}
