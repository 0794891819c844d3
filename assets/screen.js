// Page glue: words and numbers, theme and language, the URL that holds the view, keys, clock, ticking ages.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const root = document.documentElement;
  const $ = (id) => document.getElementById(id);
  const store = (id, data) => dash.set_props(id, { data });
  const ZONE = "Asia/Ho_Chi_Minh";

  // ---- the address: keys and values whatever their case -------------------------------------------------------
  const query = () => {
    const found = {};
    for (const [key, value] of new URLSearchParams(location.search)) found[key.toLowerCase()] = value.trim();
    return found;
  };
  const asked = query();
  const remembered = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window: not remembered */ } };

  // ---- theme, language, scale ---------------------------------------------------------------------------------
  const setTheme = (theme) => {
    root.dataset.theme = theme;
    window.dispatchEvent(new Event("haidang:theme"));
  };
  const themeOf = (value) => (/^(dark|light)$/i.test(value || "") ? value.toLowerCase() : null);
  root.dataset.theme = themeOf(asked.theme) || themeOf(remembered("haidang-theme")) || "dark";
  root.lang = /^en/i.test(asked.lang || "") ? "en" : "vi";
  const scale = Number((asked.scale || "").replace(",", "."));
  if (scale >= 0.75 && scale <= 4) root.style.setProperty("--scale", String(scale));

  // ---- words and numbers: the same catalogue and table as pages/text.py -----------------------------------------
  let words = {};
  const t = (message, values) => {
    const text = words[message] || message;
    return values ? text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all)) : text;
  };
  const formats = new Map(); // as below
  const format = (digits) => {
    const key = `${root.lang} ${digits}`;
    if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(root.lang === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: digits }));
    return formats.get(key);
  };
  const number = (value, digits = 0) =>
    value === null || value === undefined || Number.isNaN(value) ? "–" : format(digits).format(value);
  const age = (seconds) => {
    if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return t("{n} s", { n: whole });
    if (whole < 3600) return t("{n} phút", { n: Math.floor(whole / 60) });
    if (whole < 86400) {
      const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
      return minutes ? t("{n} giờ {m}", { n: hours, m: String(minutes).padStart(2, "0") }) : t("{n} giờ", { n: hours });
    }
    return t("{n} ngày", { n: Math.floor(whole / 86400) });
  };
  const FORMAT = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit" }); // made once: making one costs more than a thousand uses
  const parts = (ms) => Object.fromEntries(FORMAT.formatToParts(ms).map((part) => [part.type, part.value]));
  const exact = (ms) => {
    const p = parts(ms);
    return `${p.hour}:${p.minute}:${p.second} ${p.day}/${p.month}/${p.year}`;
  };
  const dms = (value, plus, minus) => {
    const s = Math.round(Math.abs(value) * 3600), two = (n) => String(n).padStart(2, "0");
    return `${Math.floor(s / 3600)}°${two(Math.floor(s / 60) % 60)}'${two(s % 60)}"${value >= 0 ? plus : minus}`;
  };
  const position = (lat, lon) => `${dms(lat, "N", "S")} ${dms(lon, "E", "W")}`;
  const milliseconds = (at) => (typeof at === "number" ? (at < 1e11 ? at * 1000 : at) : at ? Date.parse(at) : NaN);

  // ---- server time ----------------------------------------------------------------------------------------------
  let offset = 0;
  const now = () => Date.now() + offset;

  // ---- live drawing may come later than the first callbacks -----------------------------------------------------
  const waiting = new Map();
  const live = (name, ...args) => {
    const api = haidang.live;
    if (api && typeof api[name] === "function") return api[name](...args);
    waiting.set(name, args); // the latest of each kind is enough
    return undefined;
  };
  setInterval(() => {
    if (!haidang.live || !waiting.size) return;
    const calls = [...waiting];
    waiting.clear();
    for (const [name, args] of calls) live(name, ...args);
  }, 200);

  // ---- choosing and flying ----------------------------------------------------------------------------------------
  const state = { view: null, filter: {}, chosen: null, show: { labels: true, trail: true, follow: false, events: false }, desk: {} };
  const choose = (layer, key, to, alarm) => {
    const chosen = layer && key ? { layer, key, ...(alarm ? { alarm } : {}) } : null;
    if (chosen) live("choose", layer, key, Boolean(to)); else live("clear");
    if (!haidang.live || alarm) store("chosen", chosen);
  };
  const fly = (lat, lon, zoom) => {
    if (!Number.isFinite(lat) || !Number.isFinite(lon)) return;
    const map = haidang.map;
    const to = Math.max(zoom || 0, map ? map.getZoom() : 0);
    if (haidang.live && haidang.live.fly) haidang.live.fly(lat, lon, to);
    else if (map) map.setView([lat, lon], to);
  };
  const go = (element) => {
    const d = element.dataset;
    if (d.lat !== undefined) fly(Number(d.lat), Number(d.lon), Number(d.zoom || 11));
    if (d.layer && d.key) choose(d.layer, d.key, true, d.alarm ? Number(d.alarm) : undefined);
  };

  // ---- the URL holds the view ---------------------------------------------------------------------------------------
  const chosenWords = (filter, pick) => Object.entries(filter || {}).flatMap(([layer, f]) => pick(layer, f));
  const write = () => {
    if (!state.view || !($("map") || $("desk"))) return;
    const v = state.view, p = new URLSearchParams();
    if ($("map")) {
      p.set("lat", v.lat.toFixed(5));
      p.set("lon", v.lon.toFixed(5));
      p.set("z", String(Math.round(v.zoom * 100) / 100));
    }
    const off = chosenWords(state.filter, (layer, f) => (f.off || []).map((kind) => (kind === "*" ? layer : `${layer}.${kind}`)));
    const opacity = chosenWords(state.filter, (layer, f) => (f.opacity < 1 ? [`${layer}:${Math.round(f.opacity * 100)}`] : []));
    if (off.length) p.set("off", off.join(","));
    if (opacity.length) p.set("opacity", opacity.join(","));
    if (state.chosen && state.chosen.key) p.set("chosen", `${state.chosen.layer}.${state.chosen.key}`);
    if (state.chosen && state.chosen.alarm) p.set("alarm", String(state.chosen.alarm));
    for (const [name, value] of Object.entries(state.desk || {})) if (value) p.set(name, value);
    if (!state.show.trail) p.set("trail", "none");
    if (!state.show.labels) p.set("labels", "0");
    if (state.show.follow) p.set("follow", "1");
    if (state.show.events) p.set("events", "1");
    if (haidang.areas && haidang.areas.shown()) p.set("areas", haidang.areas.shown());
    if (haidang.fence && haidang.fence.shown()) p.set("fence", haidang.fence.shown());
    p.set("theme", root.dataset.theme);
    p.set("lang", root.lang);
    if (asked.scale) p.set("scale", asked.scale);
    const next = `${location.pathname}?${p.toString().replace(/%2C/g, ",").replace(/%3A/g, ":")}`;
    if (next !== location.pathname + location.search) history.replaceState(history.state, "", next);
  };
  callbacks.url = (view, filter, chosen, show, desk) => {
    const before = state.chosen;
    Object.assign(state, { view, filter, chosen, show, desk });
    if (chosen && chosen.key && !before) { // a view that came with the address
      live("choose", chosen.layer, chosen.key, false);
      if (chosen.alarm) store("chosen", chosen);
    }
    write();
    return location.search;
  };
  callbacks.words = (data) => {
    words = (data && data.words) || {};
    if (data && data.lang !== root.lang) {
      root.lang = data.lang;
      window.dispatchEvent(new Event("haidang:theme"));
    }
    tick();
    return root.lang;
  };

  // ---- filter and show reach the drawing ----------------------------------------------------------------------------
  const everyKind = (layer, off) => {
    const entry = document.querySelector(`[data-layer-kinds^="${CSS.escape(layer)} "]`);
    return off.includes("*") && entry ? entry.dataset.layerKinds.split(" ").slice(1) : off;
  };
  const hide = (filter) =>
    live("filter", Object.fromEntries(Object.entries(filter).map(([layer, one]) => [layer, { ...one, off: everyKind(layer, one.off || []) }])));
  callbacks.show_live = (filter, show) => {
    hide(filter || {});
    haidang.legend?.pressed(filter || {});
    live("labels", Boolean(show && show.labels));
    live("follow", Boolean(show && show.follow));
    return ["zone", "storm", "warning"].map((name) => ((((filter || {})[name] || {}).off || []).includes("*") ? "off" : "on"));
  };
  callbacks.tool_pressed = (show, id) => String(Boolean((show || {})[id.name]));
  callbacks.tools = (...args) => {
    const trigger = dash.callback_context.triggered_id;
    if (!trigger || !trigger.name) return dash.no_update;
    return toggled(trigger.name);
  };
  const toggled = (name) => ({ ...state.show, [name]: !state.show[name] });
  const toggle = (name) => store("show", toggled(name));

  // ---- clock, shift, ticking ages -------------------------------------------------------------------------------------
  const shift = (hour) => (hour >= 6 && hour < 14 ? 1 : hour >= 14 && hour < 22 ? 2 : 3);
  const tick = () => {
    const p = parts(now());
    const clock = $("clock");
    if (clock) {
      clock.textContent = `${p.hour}:${p.minute}:${p.second}`;
      clock.dateTime = new Date(now()).toISOString();
      $("shift").textContent = t("Ca {n}", { n: shift(Number(p.hour)) });
    }
    for (const element of document.querySelectorAll("time.tick[datetime]")) {
      const seconds = (now() - Date.parse(element.dateTime)) / 1000;
      const text = age(seconds);
      if (element.firstChild && element.firstChild.nodeValue !== text) element.firstChild.nodeValue = text;
      if (element.dataset.expected) element.parentElement.dataset.fresh = seconds <= Number(element.dataset.expected) ? "fresh" : "stale";
    }
    window.dispatchEvent(new Event("haidang:second"));
  };
  setInterval(tick, 1000);

  // ---- connection and banner ----------------------------------------------------------------------------------------------
  const html = (type, props) => ({ namespace: "dash_html_components", type, props });
  callbacks.live_mark = (connection) => {
    const at = (connection && connection.state) || "live";
    const text = { live: t("TRỰC TIẾP"), reconnecting: t("ĐANG NỐI LẠI"), stale: t("DỮ LIỆU CŨ") }[at] || at;
    return [text, `live-mark ${at}`];
  };
  // Of what is heard by the second the banner is told only what changes its words.
  let hint = null, counts = null, toldTo = null, told = "";
  const sources = () => {
    const feeds = hint ? hint.feeds || [] : null;
    const heard = feeds && feeds.filter((feed) => feed.last_message_at).length;
    const empty = Boolean(counts) && !Object.values(counts).some((one) => one.total);
    const data = { away: hint?.database === "away", feeds: feeds && feeds.length, heard, empty }, print = JSON.stringify(data);
    if (!$("banner") || ($("banner") === toldTo && print === told)) return;
    [toldTo, told] = [$("banner"), print];
    store("sources", data);
  };
  window.addEventListener("haidang:feed-hint", ({ detail }) => {
    hint = detail;
    if (hint.server_ms) offset = hint.server_ms - Date.now();
    sources();
  });
  window.addEventListener("haidang:counts", ({ detail }) => { counts = detail; sources(); });
  callbacks.banner = (connection, database, known) => {
    const at = (connection && connection.state) || "live";
    root.dataset.connection = at;
    const since = (ms) => html("Time", { children: age((Date.now() - ms) / 1000), dateTime: new Date(ms + offset).toISOString(), className: "tick" });
    const say = (kind, ...children) => [children, false, `banner ${kind}`];
    if (at === "reconnecting") return say("bad", t("Mất kết nối với máy chủ, đang nối lại. Hình trên bản đồ đã dừng cách đây "), since(connection.since_ms || Date.now()), ".");
    if (at === "stale") return say("bad", t("Không có dữ liệu mới. Hình trên bản đồ đã dừng cách đây "), since(connection.since_ms || Date.now()), ".");
    if ((database && database.away) || (known && known.away)) return say("bad", t("Cơ sở dữ liệu không trả lời: báo động, tìm kiếm và vệt hành trình đang là bản cũ."));
    if (known && known.feeds !== null && known.empty) {
      if (!known.feeds) return say("quiet-note", t("Chưa có tàu nào: chưa có nguồn dữ liệu nào được cấu hình."));
      if (!known.heard) return say("quiet-note", t("Chưa có tàu nào: {n} nguồn đang mở nhưng chưa nhận được bản tin.", { n: known.feeds }));
      return say("quiet-note", t("Chưa có tàu nào: đã nhận bản tin nhưng chưa có vị trí hợp lệ."));
    }
    return ["", true, "banner"];
  };

  // ---- pressing things ----------------------------------------------------------------------------------------------------
  const copy = async (text, button) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const box = document.createElement("textarea");
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
    haidang.say(t("Đã sao chép {text}", { text }));
    if (button) button.focus();
  };
  haidang.say = (text) => {
    let box = $("toast");
    if (!box) {
      box = Object.assign(document.createElement("div"), { id: "toast", className: "toast" });
      box.setAttribute("role", "status");
      document.body.append(box);
    }
    box.textContent = text;
    box.hidden = false;
    clearTimeout(box.timer);
    box.timer = setTimeout(() => { box.hidden = true; }, 3500);
  };
  const help = (open) => {
    const dialog = $("help");
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  };
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button,[data-go]");
    if (!pressed) return;
    const d = pressed.dataset;
    if (d.go) go(pressed);
    if (d.copy) copy(d.copy, pressed);
    if (d.help) help(d.help === "1");
    if (d.keyPress) press(d.keyPress);
    if (d.lang) {
      const p = new URLSearchParams(location.search);
      for (const key of [...p.keys()]) if (key.toLowerCase() === "lang") p.delete(key);
      p.set("lang", d.lang);
      location.search = p.toString();
    }
    if (pressed.id === "switch-theme") {
      const theme = root.dataset.theme === "dark" ? "light" : "dark";
      remember("haidang-theme", theme);
      setTheme(theme);
      write();
    }
  });

  // ---- text boxes: the browser's own input in the place that a part laid out; see pages/mark.py -----------------------------
  const tell = (input) => {
    clearTimeout(input.resting);
    if (input.told === input.value) return;
    input.told = input.value;
    if (input.dataset.remember) remember(`haidang-${input.dataset.remember}`, input.value);
    store(`${input.id}-text`, input.value);
  };
  const fill = (place) => {
    const { entry: id, hint, most, remember: kept, lines, value } = place.dataset;
    const input = Object.assign(document.createElement(lines ? "textarea" : "input"), lines ? { rows: 5 } : { type: "text" });
    Object.assign(input, { id, placeholder: hint, maxLength: Number(most), autocomplete: "off", spellcheck: false });
    input.dataset.remember = kept || "";
    if (!place.closest("label")) input.setAttribute("aria-label", hint);
    place.append(input);
    input.value = value || (kept && remembered(`haidang-${kept}`)) || "";
    if (input.value) tell(input);
  };
  document.addEventListener("input", ({ target }) => {
    if (!target.parentElement?.dataset.entry) return;
    if (target.dataset.remember) remember(`haidang-${target.dataset.remember}`, target.value); // at once: the page may go
    clearTimeout(target.resting);
    target.resting = setTimeout(tell, 150, target);
  });
  document.addEventListener("change", ({ target }) => { if (target.parentElement?.dataset.entry) tell(target); });
  haidang.write = (id, text) => { const input = $(id); if (input) { input.value = text; tell(input); } };

  // ---- keys -----------------------------------------------------------------------------------------------------------------
  const press = (key) => {
    if (key === "/") { const box = $("search"); if (box) { box.focus(); box.select(); } }
    else if (key !== "?" && !document.querySelector(".screen-map, .screen-alarms")) return false; // neither map nor desk here
    else if (key === "l") toggle("labels");
    else if (key === "t") toggle("trail");
    else if (key === "h") toggle("events");
    else if (key === "f") { if (state.chosen || state.show.follow) toggle("follow"); else haidang.say(t("Chọn một tàu rồi nhấn F để bám theo.")); }
    else if (key === "v" && haidang.fence) haidang.fence.toggle();
    else if (key === "?") help(true);
    else if (key === "Escape") { if (state.show.follow) toggle("follow"); choose(null, null); }
    else return false;
    return true;
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]),textarea,select,[contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey || $("help")?.open) return;
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (press(key)) event.preventDefault();
  });
  const dirty = new MutationObserver(() => {
    for (const place of document.querySelectorAll("[data-entry]:empty")) fill(place);
    if ($("help-open") && !root.dataset.ready) { root.dataset.ready = "1"; tick(); }
  });
  dirty.observe(root, { childList: true, subtree: true });

  Object.assign(haidang, { t, number, age, exact, position, milliseconds, now, html, choose, go, fly, hide, callLive: live, state, write_url: write });
})();
