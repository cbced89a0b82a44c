// The parts that run in the browser: the theme, times in the local zone, ages that advance between two renders, details on hover and focus, and
// the dialog that is shown while the server is unavailable. No framework: custom elements, which render into their own shadow root.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (stored() ?? (prefersDark.matches ? "dark" : "light")) === "dark";
  const applyTheme = () => { root.dataset.theme = dark() ? "dark" : "light"; };
  applyTheme();
  prefersDark.addEventListener("change", () => {
    applyTheme();
    document.querySelectorAll("theme-toggle").forEach(toggle => toggle.label());
  });

  // Ages are measured by the server's clock, which also wrote the time. The offset comes from the current time in the server's data; the
  // largest recent offset is the one with the least delay in transit.
  const offsets = [];
  const learnOffset = iso => {
    const offset = Date.parse(iso) - Date.now();
    if (Number.isNaN(offset)) return;
    offsets.push(offset);
    if (offsets.length > 20) offsets.shift();
  };
  const serverNow = () => Date.now() + (offsets.length ? Math.max(...offsets) : 0);

  const elements = new Set();
  setInterval(() => elements.forEach(element => element.tick()), 250);

  class Live extends HTMLElement {
    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({ mode: "open" }).append(this.text = document.createTextNode(""));
      elements.add(this);
      this.tick();
    }
    disconnectedCallback() { elements.delete(this); }
    attributeChangedCallback() { if (this.isConnected) this.tick(); }
    show(text) { if (this.text && this.text.data !== text) this.text.data = text; }
    tick() { }
  }

  const two = number => String(number).padStart(2, "0");
  const clock = date => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const day = date => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

  // <local-time datetime format="time|tenths|full" after>: local, with UTC on hover; full has the day, unless that is today or the day of `after`.
  customElements.define("local-time", class extends Live {
    static observedAttributes = ["datetime"];
    tick() {
      // At midnight a time becomes one of yesterday.
      const iso = this.getAttribute("datetime"), present = day(new Date());
      if (iso === this.shown && present === this.shownOn) return;
      [this.shown, this.shownOn] = [iso, present];
      const date = new Date(iso);
      if (Number.isNaN(date.getTime())) { this.show("–"); return; }
      const format = this.getAttribute("format");
      const time = format === "tenths" ? `${clock(date)}.${Math.floor(date.getMilliseconds() / 100)}` : clock(date);
      const known = [present, this.hasAttribute("after") ? day(new Date(this.getAttribute("after"))) : present];
      this.show(format === "full" && !known.includes(day(date)) ? `${day(date)} ${time}` : time);
      this.title = `${date.toISOString().replace("T", " ").replace("Z", "")} UTC`;
    }
  });

  const coarse = seconds =>
    seconds < 1 ? "now" : seconds < 60 ? `${Math.floor(seconds)} s` : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
      : seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;

  // <time-ago datetime ago>: 9 s ago, 3 min ago, now; without ago 9 s, 3 min; the time itself on hover.
  customElements.define("time-ago", class extends Live {
    static observedAttributes = ["datetime"];
    tick() {
      const iso = this.getAttribute("datetime");
      const at = Date.parse(iso);
      const age = coarse(Math.max(0, serverNow() - at) / 1000);
      this.show(Number.isNaN(at) ? "–" : this.hasAttribute("ago") && age !== "now" ? `${age} ago` : age);
      if (iso !== this.titled && !Number.isNaN(at)) {
        this.titled = iso;
        const date = new Date(at);
        this.title = `${day(date)} ${clock(date)} local, ${date.toISOString().slice(11, 19)} UTC`;
      }
    }
  });

  // <data-age datetime now>: age of the newest data, in tenths of a second; `now` gives the time of the server's clock.
  customElements.define("data-age", class extends Live {
    static observedAttributes = ["datetime", "now"];
    attributeChangedCallback(name, _, value) {
      if (name === "now") learnOffset(value);
      super.attributeChangedCallback();
    }
    tick() {
      const age = Math.max(0, serverNow() - Date.parse(this.getAttribute("datetime"))) / 1000;
      this.show(Number.isNaN(age) ? "–" : age < 60 ? `${age.toFixed(1)} s` : coarse(age));
      this.toggleAttribute("old", age > 4);
    }
  });

  customElements.define("wall-clock", class extends Live {
    tick() {
      const now = new Date();
      this.show(clock(now));
      this.title = `${now.toISOString().slice(11, 19)} UTC`;
    }
  });

  // Kept in localStorage; until the user makes a choice, the system's preference applies.
  customElements.define("theme-toggle", class extends HTMLElement {
    connectedCallback() {
      if (this.button) return;
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor"/></svg>';
      this.button.addEventListener("click", () => {
        try { localStorage.setItem("theme", dark() ? "light" : "dark"); } catch { /* a private window stores nothing, but the page must not break */ }
        applyTheme();
        this.label();
      });
      this.append(this.button);
      this.label();
    }
    label() { this.button.ariaLabel = this.button.title = dark() ? "Switch to the light theme" : "Switch to the dark theme"; }
  });

  // [data-tip]: details of a mark in a picture, for pointer and keyboard; Escape hides them, and the pointer can move onto them.
  let tip, tipFor, closing;
  // Times in the details are in ISO 8601 and are shown as everywhere else: local, and in UTC.
  const here = iso => {
    const date = new Date(iso);
    return `${day(date) === day(new Date()) ? "" : `${day(date)} `}${clock(date)}.${Math.floor(date.getMilliseconds() / 100)} (${date.toISOString().slice(11, 19)} UTC)`;
  };
  const hideTip = () => {
    if (tip) tip.hidden = true;
    if (tipFor?.getAttribute("aria-describedby") === "tip") tipFor.removeAttribute("aria-describedby");
    tipFor = null;
  };
  const showTip = target => {
    clearTimeout(closing);
    hideTip();
    if (!tip || !tip.isConnected) {
      tip = document.createElement("div");
      tip.id = "tip";
      tip.setAttribute("role", "tooltip");
      tip.addEventListener("pointerleave", () => { closing = setTimeout(hideTip, 150); });
      tip.addEventListener("pointerenter", () => clearTimeout(closing));
      document.body.append(tip);
    }
    tipFor = target;
    // A label that says the same is not read twice.
    if (!target.hasAttribute("aria-label") && !target.hasAttribute("aria-describedby")) target.setAttribute("aria-describedby", "tip");
    tip.textContent = target.dataset.tip.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, here);
    tip.hidden = false;
    const box = target.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - size.width / 2), innerWidth - size.width - 8);
    const above = box.top - size.height - 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 6}px`;
  };
  const tipped = event => event.target instanceof Element && event.target.closest("[data-tip]");
  document.addEventListener("pointerover", event => { const target = tipped(event); if (target && target !== tipFor) showTip(target); });
  document.addEventListener("pointerout", event => { if (tipped(event)) closing = setTimeout(hideTip, 150); });
  document.addEventListener("focusin", event => { const target = tipped(event); if (target && target.matches(":focus-visible")) showTip(target); else hideTip(); });
  // It closes nothing else then.
  document.addEventListener("keydown", event => { if (event.key === "Escape" && tip && !tip.hidden) { hideTip(); event.preventDefault(); } });
  document.addEventListener("scroll", hideTip, { passive: true, capture: true });
  // The next render may remove the target, and no event reports that the pointer has left it.
  setInterval(() => { if (tipFor && !tipFor.isConnected) hideTip(); }, 250);

  document.addEventListener("click", event => { if (event.target instanceof Element && event.target.closest("[data-print]")) print(); });

  // The menu of time ranges closes after a choice, at a click elsewhere, and at Escape.
  const ranges = () => document.querySelector(".range[open]");
  document.addEventListener("click", event => {
    const open = ranges();
    if (open && event.target instanceof Element && (!open.contains(event.target) || event.target.closest("a"))) open.open = false;
  });
  document.addEventListener("keydown", event => {
    const open = ranges();
    if (event.key !== "Escape" || event.defaultPrevented || !open) return;
    open.open = false;
    open.querySelector("summary").focus();
    event.preventDefault();
  });

  // In a wide window, a link to details opens them beside the page, as `detail` in its address. Blazor follows links in the bubbling phase.
  const isDetail = address => /^\/(alerts|sensors|consumers|producers|brokers)\/.|^\/(sensor|consumer|producer|broker)\?id=./.test(address);
  const soon = (ready, act, frames = 300) => { if (ready()) act(); else if (frames > 0) requestAnimationFrame(() => soon(ready, act, frames - 1)); };
  const drawer = () => document.querySelector(".drawer");
  let opener;
  document.addEventListener("click", event => {
    const link = event.target instanceof Element && event.target.closest("main a[href], .drawer a[href]:not([data-page])");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target || link.hasAttribute("download")) return;
    const [to, url] = [new URL(link.href), new URL(location.href)];
    const detail = to.pathname + to.search;
    if (to.origin !== url.origin || !isDetail(detail) || isDetail(url.pathname + url.search) || !window.Blazor?.navigateTo || !matchMedia("(min-width: 900px)").matches) return;
    event.preventDefault();
    if (!drawer()) opener = link;
    url.searchParams.set("detail", detail);
    window.Blazor.navigateTo(url.pathname + url.search);
    soon(() => drawer()?.dataset.detail === detail, () => drawer().focus());
  }, true);

  // A link to another page keeps the time range, as those of the bar of views do, unless it leads to a range of its own.
  const range = ["window", "from", "to"];
  document.addEventListener("click", event => {
    const link = event.target instanceof Element && event.target.closest("a[href]:not([data-range])");
    if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target || link.hasAttribute("download") || !window.Blazor?.navigateTo) return;
    const [to, here] = [new URL(link.href), new URL(location.href)];
    const kept = range.filter(name => here.searchParams.has(name));
    if (kept.length === 0 || to.origin !== here.origin || /^\/(api|openapi|sign-in)(\/|$)/.test(to.pathname) || range.some(name => to.searchParams.has(name))) return;
    event.preventDefault();
    for (const name of kept) to.searchParams.set(name, here.searchParams.get(name));
    window.Blazor.navigateTo(to.pathname + to.search + to.hash);
  }, true);
  document.addEventListener("click", event => {
    if (event.target instanceof Element && event.target.closest(".drawer .close")) soon(() => !drawer(), () => { if (opener?.isConnected) opener.focus(); });
  });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open], .mud-popover-open")) drawer()?.querySelector(".close").click();
  });

  // Dragging over a picture selects a part of its time range, which is then kept in the address.
  document.addEventListener("pointerdown", event => {
    const field = event.button === 0 && event.isPrimary && event.target instanceof Element && event.target.closest(".field[data-from]");
    if (!field) return;
    event.preventDefault();
    const box = field.getBoundingClientRect();
    const [from, to] = [Date.parse(field.dataset.from), Date.parse(field.dataset.to)];
    const share = x => Math.min(1, Math.max(0, (x - box.left) / box.width));
    const start = share(event.clientX);
    const mark = document.createElement("div");
    mark.className = "chosen";
    document.body.append(mark);
    const end = done => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", cancel);
      mark.remove();
      if (!done) return;
      const [first, last] = [Math.min(start, done.at), Math.max(start, done.at)];
      if (last - first < 0.01) return;
      const url = new URL(location.href);
      url.searchParams.set("from", new Date(from + first * (to - from)).toISOString());
      url.searchParams.set("to", new Date(from + last * (to - from)).toISOString());
      window.Blazor.navigateTo(url.pathname + url.search);
    };
    const move = moved => {
      const at = share(moved.clientX);
      Object.assign(mark.style, { left: `${box.left + Math.min(start, at) * box.width}px`, width: `${Math.abs(at - start) * box.width}px`, top: `${box.top}px`, height: `${box.height}px` });
    };
    const up = moved => end({ at: share(moved.clientX) });
    const cancel = () => end();
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", cancel);
  });

  // Entries of a list that wrapped out of sight can neither be seen nor focused.
  setInterval(() => {
    for (const entry of document.querySelectorAll(".side .list > li")) entry.inert = entry.offsetLeft > entry.parentElement.firstElementChild.offsetLeft;
  }, 500);

  // Scrolls the link of the current view into sight if the bar of views is wider than the window.
  const revealView = () => document.querySelector(".topbar > nav a.active")?.scrollIntoView({ block: "nearest", inline: "center" });
  new MutationObserver(changes => {
    // Blazor marks another view, or renders the whole page again when it becomes interactive.
    const isBar = node => node instanceof Element && (node.closest(".topbar > nav") || node.querySelector(".topbar > nav"));
    if (changes.some(change => change.type === "attributes" ? isBar(change.target) && change.target !== document.body : [...change.addedNodes].some(isBar))) revealView();
  }).observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
  addEventListener("load", revealView);

  // While the page's server is unavailable, shows a dialog; after Blazor has given up, reloads the page as soon as the server answers.
  document.addEventListener("DOMContentLoaded", () => {
    const dialog = document.getElementById("components-reconnect-modal");
    if (!dialog) return;
    // The page is not updated now: its contents are stale.
    const markStale = stale => ["stale", "lost"].forEach(name => document.body.classList.toggle(name, stale));
    const reloadWhenBack = async () => {
      try {
        if ((await fetch("/alive", { cache: "no-store" })).ok) { location.reload(); return; }
      } catch { /* still unavailable: retried below */ }
      setTimeout(reloadWhenBack, 1000);
    };
    dialog.addEventListener("components-reconnect-state-changed", event => {
      const state = event.detail.state;
      markStale(state !== "hide");
      if (state === "show" && !dialog.open) dialog.show();
      else if (state === "hide") dialog.close();
      else if (state === "failed" || state === "rejected" || state === "resume-failed") reloadWhenBack();
    });

    // Blazor reports a lost circuit, but not one that never began: the session has ended since the page was rendered, or too many pages are open.
    const began = Date.now();
    const watch = setInterval(async () => {
      if (document.querySelector("[data-interactive]")) {
        clearInterval(watch);
        if (dialog.hasAttribute("data-begin")) { delete dialog.dataset.begin; dialog.close(); markStale(false); }
        return;
      }
      if (Date.now() - began < 10000) return;
      if (Date.now() - began > 40000) { location.reload(); return; }
      if (!dialog.open) { dialog.dataset.begin = ""; markStale(true); dialog.show(); }
      try {
        if ([401, 403].includes((await fetch("/api/system-status", { cache: "no-store" })).status)) location.reload();
      } catch { /* unavailable: the page is reloaded in any case */ }
    }, 2000);
    document.getElementById("components-reconnect-button").addEventListener("click", () => location.reload());
  });
})();
