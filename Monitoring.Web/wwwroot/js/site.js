// What the browser does by itself: the theme, times in its own zone, ages that go on between two renders, details on hover and focus, and
// the dialog shown while the server is away. No framework: custom elements, which keep what they draw in a shadow root of their own.
(() => {
  "use strict";
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (stored() ?? (prefersDark.matches ? "dark" : "light")) === "dark";
  const applyTheme = () => { root.dataset.theme = dark() ? "dark" : "light"; };
  applyTheme();
  prefersDark.addEventListener("change", applyTheme);

  // Server clocks rule: an age is measured against the clock that wrote the time. The offset is taken from what the server says is now;
  // the largest seen lately is the one that waited least on its way.
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

  // <local-time datetime format="time|tenths|full">: local, with UTC on hover.
  customElements.define("local-time", class extends Live {
    static observedAttributes = ["datetime"];
    tick() {
      const iso = this.getAttribute("datetime");
      if (iso === this.shown) return;
      this.shown = iso;
      const date = new Date(iso);
      if (Number.isNaN(date.getTime())) { this.show("–"); return; }
      const format = this.getAttribute("format");
      const time = format === "tenths" ? `${clock(date)}.${Math.floor(date.getMilliseconds() / 100)}` : clock(date);
      const today = day(date) === day(new Date());
      this.show(format === "full" && !today ? `${day(date)} ${time}` : time);
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

  // <data-age datetime now>: how old the newest data are, in tenths; `now` teaches the server's clock.
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

  // Kept in localStorage; until a choice is made the system's preference holds.
  customElements.define("theme-toggle", class extends HTMLElement {
    connectedCallback() {
      if (this.button) return;
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="6.25" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor"/></svg>';
      this.button.addEventListener("click", () => {
        try { localStorage.setItem("theme", dark() ? "light" : "dark"); } catch { /* a private window forgets, the page must not break */ }
        applyTheme();
        this.label();
      });
      this.append(this.button);
      this.label();
    }
    label() { this.button.ariaLabel = this.button.title = dark() ? "Switch to the light theme" : "Switch to the dark theme"; }
  });

  // [data-tip]: details of a mark in a picture, for the pointer and for the keyboard; Escape puts them away, and the pointer may enter them.
  let tip, tipFor, closing;
  // Times in them come in ISO 8601 and are shown as everywhere: local, and in UTC.
  const here = iso => {
    const date = new Date(iso);
    return `${clock(date)}.${Math.floor(date.getMilliseconds() / 100)} (${date.toISOString().slice(11, 19)} UTC)`;
  };
  const hideTip = () => { if (tip) tip.hidden = true; tipFor = null; };
  const showTip = target => {
    clearTimeout(closing);
    if (!tip || !tip.isConnected) {
      tip = document.createElement("div");
      tip.id = "tip";
      tip.setAttribute("role", "tooltip");
      tip.addEventListener("pointerleave", () => { closing = setTimeout(hideTip, 150); });
      tip.addEventListener("pointerenter", () => clearTimeout(closing));
      document.body.append(tip);
    }
    tipFor = target;
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
  document.addEventListener("keydown", event => { if (event.key === "Escape") hideTip(); });
  document.addEventListener("scroll", hideTip, { passive: true, capture: true });
  // What was pointed at may be gone with the next drawing, and nothing tells that the pointer left it.
  setInterval(() => { if (tipFor && !tipFor.isConnected) hideTip(); }, 250);

  document.addEventListener("click", event => { if (event.target instanceof Element && event.target.closest("[data-print]")) print(); });

  // A part of a picture over time is chosen by dragging over it, and stands in the address from then on.
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

  // The view one is on is in sight, also where the bar of views is wider than the window.
  const revealView = () => document.querySelector(".topbar nav a.active")?.scrollIntoView({ block: "nearest", inline: "center" });
  new MutationObserver(changes => {
    // Blazor marks another view, or draws the whole page anew when it takes it over.
    const isBar = node => node instanceof Element && (node.closest(".topbar nav") || node.querySelector(".topbar nav"));
    if (changes.some(change => change.type === "attributes" ? isBar(change.target) && change.target !== document.body : [...change.addedNodes].some(isBar))) revealView();
  }).observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
  addEventListener("load", revealView);

  // The server of the page is away: say so, and once Blazor has given up, load the page anew as soon as it answers.
  document.addEventListener("DOMContentLoaded", () => {
    const dialog = document.getElementById("components-reconnect-modal");
    if (!dialog) return;
    const reloadWhenBack = async () => {
      try {
        if ((await fetch("/alive", { cache: "no-store" })).ok) { location.reload(); return; }
      } catch { /* still away: asked again below */ }
      setTimeout(reloadWhenBack, 1000);
    };
    dialog.addEventListener("components-reconnect-state-changed", event => {
      const state = event.detail.state;
      // Nobody draws the page now: what it shows is old.
      ["stale", "lost"].forEach(name => document.body.classList.toggle(name, state !== "hide"));
      if (state === "show" && !dialog.open) dialog.show();
      else if (state === "hide") dialog.close();
      else if (state === "failed" || state === "rejected" || state === "resume-failed") reloadWhenBack();
    });
    document.getElementById("components-reconnect-button").addEventListener("click", () => location.reload());
  });
})();
