// The command palette (Ctrl+K), the keyboard help (Ctrl+/) and the wall mode (?wall=SECONDS). No framework: native dialogs of the browser.
// There are no single-letter shortcuts: they would interfere with speech input.
(() => {
  "use strict";
  const views = [["Overview", "/"], ["Partitions", "/partitions"], ["Consumers", "/consumers"], ["Sensors", "/sensors"], ["Brokers", "/brokers"], ["Alerts", "/alerts"], ["Fault lab", "/fault-lab"], ["Audit log", "/audit"]];
  const ranges = [["Recent", ""], ["Last 5 min", "5m"], ["Last 15 min", "15m"], ["Last 1 h", "1h"], ["Last 2 h", "2h"], ["Last 24 h", "24h"], ["Last 7 d", "7d"]]; // as in TimeRange
  const most = 12;
  const partitionsOfAPage = 50; // as in PartitionLoadPanel
  const fresh = 10_000;

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const ask = async path => {
    try {
      const answer = await fetch(path, { headers: { accept: "application/json" } });
      return answer.ok ? await answer.json() : null;
    } catch { return null; } // unavailable: the known items are offered
  };
  const parameter = name => new URLSearchParams(location.search).get(name);

  // Keeps the time range of the address, unless the path has one.
  const range = ["window", "from", "to"];
  const go = (path, replace = false) => {
    const url = new URL(path, location.origin);
    for (const name of [...range.some(each => url.searchParams.has(each)) ? [] : range, "wall"]) {
      const value = parameter(name);
      if (value && !url.searchParams.has(name)) url.searchParams.set(name, value);
    }
    const to = url.pathname + url.search + url.hash;
    if (window.Blazor?.navigateTo) window.Blazor.navigateTo(to, false, replace);
    else location.assign(to);
  };
  // As in ComponentPath on the server: an id that a path cannot contain is in the query.
  const page = (kind, id) => /^[A-Za-z0-9._~-]+$/.test(id) && id !== "." && id !== ".." ? `/${kind}s/${id}` : `/${kind}?id=${encodeURIComponent(id)}`;
  const link = (kind, name, path) => ({ kind, name, act: () => go(path) });
  const chooseRange = value => {
    const url = new URL(location.href);
    for (const name of [...range, "page"]) url.searchParams.delete(name);
    if (value) url.searchParams.set("window", value);
    window.Blazor?.navigateTo(url.pathname + url.search);
  };

  const fixed = [
    ...views.map(([name, path]) => link("view", name, path)),
    { kind: "command", name: "Switch theme", act: () => document.querySelector("theme-toggle button")?.click() },
    { kind: "command", name: "Wall mode: all views in turn", act: () => { const url = new URL(location.href); url.searchParams.set("wall", "20"); go(url.pathname + url.search); } },
    { kind: "command", name: "Keyboard help", act: () => help() },
  ];
  const times = ranges.map(([name, value]) => ({ kind: "time range", name, act: () => chooseRange(value) }));
  let known = [...fixed, ...times], knownAt = 0;
  const learn = async () => {
    if (Date.now() - knownAt < fresh) return;
    knownAt = Date.now();
    const [consumers, producers, cluster, alerts, lab] = await Promise.all(
      ["/api/consumer-health", "/api/producer-health", "/api/cluster", "/api/recent-alerts", "/api/experiments"].map(ask));
    known = [
      ...fixed,
      ...(consumers ?? []).map(each => link("consumer", each.consumer_id, page("consumer", each.consumer_id))),
      ...(producers ?? []).map(each => link("producer", each.producer_id, page("producer", each.producer_id))),
      ...(cluster?.brokers ?? []).map(each => link("broker", each.name, `/brokers/${each.id}`)),
      ...(cluster?.partitions ?? []).map(each => link("partition", `P${each.partition}${each.owner ? `, ${each.owner}` : ""}`, `/partitions?page=${Math.floor(each.partition / partitionsOfAPage) + 1}#p${each.partition}`)),
      ...(lab?.experiments ?? []).map(each => link("experiment", each.title, `/fault-lab?experiment=${encodeURIComponent(each.name)}`)),
      ...(alerts ?? []).map(each => link("alert", `${each.sensor_id}: ${each.anomaly_type.replaceAll("_", " ")}${each.resolved_at ? ", resolved" : ""}`, `/alerts/${each.alert_id}`)),
      ...times,
    ];
  };
  const sensors = async text => ((text.length > 1 && await ask(`/api/sensors?limit=8&q=${encodeURIComponent(text)}`)) || [])
    .map(each => link("sensor", each.sensor_id, page("sensor", each.sensor_id)));

  // Items that begin with the text come before items that contain it.
  const matching = (items, text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return items
      .map(item => ({ item, text: `${item.name} ${item.kind}`.toLowerCase() }))
      .filter(each => words.every(word => each.text.includes(word)))
      .sort((one, other) => words.length ? Number(!one.text.startsWith(words[0])) - Number(!other.text.startsWith(words[0])) : 0)
      .map(each => each.item);
  };

  let palette;
  const open = async () => {
    if (palette) return;
    const list = element("ul", { id: "palette-list", role: "listbox", "aria-label": "Matches" });
    const input = element("input", { type: "text", role: "combobox", "aria-label": "Go to", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder: "Go to a view, sensor, consumer, partition, alert, experiment or time range" });
    const dialog = palette = element("dialog", { class: "palette", "aria-label": "Command palette" }, input, list);
    let shown = [], at = 0, asked = 0, moved = false;
    const draw = () => {
      list.replaceChildren(...(shown.length === 0 ? [element("li", { class: "dim", role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing is called that.")] : shown.map((item, index) => {
        const option = element("li", { id: `palette-${index}`, role: "option", "aria-selected": String(index === at) }, element("span", {}, item.name), element("span", { class: "dim" }, item.kind));
        option.addEventListener("click", () => choose(item));
        return option;
      })));
      input.setAttribute("aria-activedescendant", shown.length ? `palette-${at}` : "");
      list.children[at]?.scrollIntoView({ block: "nearest" });
    };
    const find = async () => {
      const mine = ++asked, text = input.value.trim();
      [shown, at, moved] = [matching(known, text).slice(0, most), 0, false];
      draw();
      const found = await sensors(text);
      if (mine !== asked || found.length === 0) return;
      // The entry that the user has moved to stays selected, wherever it is now: Enter opens that one.
      const chosen = moved ? shown[at] : null;
      shown = [...found, ...matching(known, text)].slice(0, most);
      if (chosen && !shown.includes(chosen)) shown[shown.length - 1] = chosen;
      at = Math.max(0, shown.indexOf(chosen));
      draw();
    };
    const choose = item => { dialog.close(); item.act(); };
    input.addEventListener("input", find);
    input.addEventListener("keydown", event => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && shown.length) { moved = true; at = (at + step + shown.length) % shown.length; draw(); event.preventDefault(); }
      else if (event.key === "Enter" && shown[at]) { event.preventDefault(); choose(shown[at]); }
    });
    show(dialog, () => { palette = null; });
    input.focus();
    find();
    await learn();
    if (palette === dialog) find();
  };

  // Closing removes the dialog and returns the focus; a click outside closes it.
  const show = (dialog, closed) => {
    dialog.addEventListener("close", () => { dialog.remove(); closed?.(); });
    dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
  };

  const keys = [
    ["Ctrl K", "go to any view, sensor, consumer, producer, broker, partition, alert, experiment or time range"], ["Ctrl /", "this help"], ["Tab, Shift Tab", "the next or previous link, field or table"],
    ["Enter", "follow a link, open a row"], ["Space", "open or close a row"], ["← → ↑ ↓", "scroll a table that has the focus; choose in a list"], ["Escape", "close what is open, end the wall mode"],
  ];
  const help = () => {
    if (document.querySelector("dialog.keys")) return;
    const rows = keys.flatMap(([key, what]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)]);
    const close = element("button", { type: "button" }, "Close");
    const dialog = element("dialog", { class: "palette keys", "aria-labelledby": "keys-title" }, element("h2", { id: "keys-title" }, "Keyboard"), element("dl", {}, ...rows), close);
    close.addEventListener("click", () => dialog.close());
    show(dialog);
  };

  document.addEventListener("keydown", event => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey && event.key !== "/") return;
    if (event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
    else if (event.key === "/") { event.preventDefault(); help(); }
  });

  customElements.define("palette-button", class extends HTMLElement {
    connectedCallback() {
      if (this.firstChild) return;
      const button = element("button", { type: "button", "aria-label": "Go to (Ctrl+K)", title: "Go to (Ctrl+K); keyboard help: Ctrl+/" });
      button.innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5"><circle cx="7" cy="7" r="4.75"/><path d="M10.5 10.5 14.5 14.5"/></svg>';
      button.addEventListener("click", open);
      this.append(button);
    }
  });

  // Wall mode, for displays without a keyboard: shows the views in turn, each for the given number of seconds, until a user presses Escape or clicks.
  const turn = views.slice(0, 6).map(([, path]) => path);
  let since = Date.now(), last = "";
  setInterval(() => {
    const seconds = Math.min(Math.max(Number(parameter("wall")) || 0, 0), 3600);
    document.body.classList.toggle("wall", seconds > 0);
    if (location.pathname !== last) [last, since] = [location.pathname, Date.now()];
    if (seconds === 0 || Date.now() - since < seconds * 1000 || document.querySelector("dialog[open]")) return;
    since = Date.now();
    go(turn[(turn.indexOf(location.pathname) + 1) % turn.length], true);
  }, 250);
  const stop = () => {
    if (!parameter("wall")) return;
    const url = new URL(location.href);
    url.searchParams.delete("wall");
    history.replaceState(history.state, "", url);
    if (window.Blazor?.navigateTo) window.Blazor.navigateTo(url.pathname + url.search, false, true);
  };
  document.addEventListener("keydown", event => { if (event.key === "Escape") stop(); });
  document.addEventListener("pointerdown", event => { if (event.isTrusted) stop(); });
})();
