// Only theme, copy, keys, compare and counting need this file.
(() => {
  const root = document.documentElement, $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
  const themes = ["auto", "light", "dark"];
  const setTheme = t => { if (t === "auto") delete root.dataset.theme; else root.dataset.theme = t; };
  let theme = "auto";
  try { theme = localStorage.getItem("theme") || root.dataset.theme || "auto"; } catch {}
  setTheme(theme); // in <head>, so before the first paint

  const say = text => { const t = $("#toast"); if (!t) return; t.textContent = text; clearTimeout(say.t); say.t = setTimeout(() => (t.textContent = ""), 2600); };
  const copy = async text => { try { await navigator.clipboard.writeText(text); return true; } catch { return false; } };

  // the absolute time is in `title`
  const rtf = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
  const ago = (then, now) => { const s = (then - now) / 1000, a = Math.abs(s);
    return a < 60 ? rtf.format(Math.round(s), "second") : a < 3600 ? rtf.format(Math.round(s / 60), "minute") : a < 86400 ? rtf.format(Math.round(s / 3600), "hour") : rtf.format(Math.round(s / 86400), "day"); };
  const tick = () => { const off = +root.dataset.skew || 0; $$("time[data-rel]").forEach(t => (t.textContent = ago(Date.parse(t.dateTime), Date.now() + off))); };

  document.addEventListener("DOMContentLoaded", () => {
    const now = $("meta[name=now]"); if (now) root.dataset.skew = Date.parse(now.content) - Date.now(); // the server's clock
    tick(); setInterval(tick, 15000);
    const tb = $("#theme"); const label = () => tb && tb.setAttribute("aria-label", `Theme: ${theme}. Change`); label();
    tb?.addEventListener("click", () => { theme = themes[(themes.indexOf(theme) + 1) % 3]; setTheme(theme); label(); say(`Theme: ${theme}`);
      try { localStorage.setItem("theme", theme); } catch {} });
    const n = $("#u" + new URLSearchParams(location.search).get("tile")); if (n) n.checked = true;
    picked(); count(); compare();
  });

  // the button that pays names the tile
  function picked() {
    $$("form[data-picks]").forEach(f => { const r = $("input[name=index]:checked", f), b = $("[data-pay]", f) || $(`[data-pay][form="${f.id}"]`); if (!b) return;
      b.disabled = !r; $("[data-pay-word]", b).textContent = r ? `Pick U${r.value}` : "Choose a tile";
      $$("[data-tile]", f).forEach(e => { e.hidden = !r; if (r) e.querySelector("[data-tile-word]").textContent = r.value; }); });
  }
  function count() {
    const bar = $(".bulk"); if (!bar) return; const on = $$(".sel:checked"); bar.hidden = !on.length;
    $("[data-count]", bar).textContent = `${on.length} selected`;
    const cost = on.reduce((n, c) => n + (+c.dataset.cost || 0), 0); const w = $("[data-count-cost]", bar); if (w) w.textContent = cost ? `up to ${cost} if sent` : "";
  }
  function compare() { $$(".compare").forEach(c => { const r = $("input", c), put = () => c.style.setProperty("--x", r.value + "%"); r.addEventListener("input", put); put(); }); }

  document.addEventListener("change", e => {
    if (e.target.name === "index") picked();
    if (e.target.matches(".sel")) count();
    if (e.target.matches("[data-compare]")) { const img = $(e.target.dataset.compare), o = e.target.selectedOptions[0]; img.src = o.dataset.src; img.alt = o.text; $(e.target.dataset.compare + "-tag").textContent = o.text; }
  });
  document.addEventListener("click", async e => {
    const c = e.target.closest("[data-copy]"), r = e.target.closest("[data-reveal]"), x = e.target.closest("[data-row]"), cl = e.target.closest("[data-clear]");
    if (c) say(await copy(c.dataset.copy) ? "Copied" : "Could not copy: select it by hand");
    if (r) { const f = $(r.dataset.reveal), shown = r.getAttribute("aria-pressed") === "true"; f.textContent = shown ? f.dataset.masked : f.dataset.secret; r.setAttribute("aria-pressed", !shown); }
    if (x) { const open = x.getAttribute("aria-expanded") === "true"; x.setAttribute("aria-expanded", !open); document.getElementById(x.dataset.row).hidden = open; }
    if (cl) { $$(".sel:checked").forEach(i => (i.checked = false)); count(); }
  });

  // what the stream says: each part fetches itself; a lost connection is made up for by asking once for everything
  const live = (state, word) => { const l = $(".live"); if (l) { l.dataset.state = state; $(".w", l).textContent = word; } };
  let wasLost = false;
  document.addEventListener("htmx:sseOpen", () => { live("on", "Live");
    if (wasLost) $$("[hx-trigger]").forEach(e => { const n = /sse:[\w-]+/.exec(e.getAttribute("hx-trigger")); if (n) htmx.trigger(e, n[0]); });
    wasLost = false; });
  document.addEventListener("htmx:sseError", () => { live("off", "Reconnecting"); wasLost = true; });
  document.addEventListener("htmx:beforeRequest", e => { const by = e.detail.elt;
    if (by.matches("[data-news]") && window.scrollY > 400) { e.preventDefault(); const n = $("#news"); if (n) n.hidden = false; }
    else if (by.id === "rail" && $(":popover-open")) e.preventDefault(); // nothing is pulled away from under a hand
    else if (by.id === "inbox" && ($(":popover-open") || $(".sel:checked,input[name=index]:checked", by))) e.preventDefault(); });
  document.addEventListener("htmx:afterSettle", () => { tick(); picked(); count(); });

  // 1-4 choose and never pay
  document.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input:not([type=radio]):not([type=checkbox]):not([type=range]),select,textarea")) return;
    const items = $$("[data-item]"), at = items.findIndex(i => i.classList.contains("at")), here = items[at];
    const go = n => { if (!items.length) return; here?.classList.remove("at"); const el = items[Math.max(0, Math.min(items.length - 1, n))]; el.classList.add("at");
      ($("h2 a", el) || el).focus({ preventScroll: true }); el.scrollIntoView({ block: "nearest" }); };
    if (/^[1-4]$/.test(e.key)) { const f = items.length ? here && $("form[data-picks]", here) : $("form[data-picks]"); const r = f && $(`input[name=index][value="${e.key}"]`, f); if (r) { r.checked = true; r.focus(); picked(); } }
    else if (e.key === "j") go(at + 1); else if (e.key === "k") go(at - 1);
    else if (e.key === "x" && here) { const b = $(".sel", here); if (b) { b.checked = !b.checked; count(); } }
    else if ("csg".includes(e.key) && here) { const b = $(`[data-key="${e.key}"]`, here); if (b) b.click(); }
    else if (e.key === "/") { const s = $("input[type=search]"); if (s) { e.preventDefault(); s.focus(); } }
    else if (e.key === "?") $("#keys")?.togglePopover();
  });
})();
