// Fetches the messages again when something changed, unless somebody is about to confirm.
(() => {
  const main = document.getElementById("messages");
  let waits = false;
  const show = async () => {
    if (main.querySelector("details[open]")) { waits = true; return; }
    waits = false;
    const answer = await fetch(main.dataset.from);
    if (answer.ok) main.innerHTML = await answer.text();
  };
  main.addEventListener("toggle", () => { if (waits) show(); }, true);
  const changes = new EventSource("/changes");
  changes.onmessage = show;
  changes.onopen = show;
})();
