// Warnings in force on every map, each with its level in words; one that has ended leaves by the clock, whoever answers.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const POLL_MS = 4000, RARELY = 5, LOOK_MS = 1000, ANSWER_MS = 12000, DRAWN_MOST = 300;
  let found = [], words = null, drawn = "", asking = false, missed = false, failed = false, told = null, shown = null;

  const $ = (id) => document.getElementById(id);
  const t = (...given) => haidang.t(...given);
  const english = () => document.documentElement.lang === "en";
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const ask = async (path, body) => {
    const given = new AbortController(), late = setTimeout(() => given.abort(), ANSWER_MS);
    const more = body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {};
    try {
      const answer = await fetch(path, { ...more, signal: given.signal });
      return { ok: answer.ok, status: answer.status, said: await answer.json().catch(() => null) };
    } catch { return { ok: false, status: 0, said: null }; } finally { clearTimeout(late); }
  };

  // ---- a warning in words ------------------------------------------------------------------------------------------------
  const pick = (both) => (both ? (english() ? both.en : both.vi) : "");
  const named = (list, key) => pick(words?.[list]?.[key]) || key || "";
  const speech = (row) => { // what it says in the reader's language, else in Vietnamese, else in whichever there is
    const all = row.words || {}, own = english() ? "en" : "vi", of = (lang) => Object.keys(all).find((key) => key.toLowerCase().startsWith(lang));
    return all[of(own) ?? of("vi") ?? of("en") ?? Object.keys(all)[0]] || {};
  };
  const level = (row) => {
    const one = words?.levels?.[row.risk_level];
    if (!one) return { words: named("severities", row.severity), hex: "", ink: "", full: named("severities", row.severity) };
    const name = english() ? one.name_en : one.name_vi, colour = english() ? one.colour_en : one.colour_vi;
    return { words: name, hex: one.hex, ink: one.ink, full: `${name} · ${colour}` };
  };
  const badge = (row, full) => {
    const one = level(row), made = element("span", { class: `warning-level${one.hex ? "" : " none"}` }, full ? one.full : one.words);
    if (one.hex) { made.style.background = one.hex; made.style.color = one.ink; }
    return made;
  };
  const marks = (row) => [row.status === "Exercise" ? t("DIỄN TẬP") : "", row.simulated ? t("MÔ PHỎNG") : ""].filter(Boolean);
  const headline = (row) => { const said = speech(row); return said.headline || said.event || named("hazards", row.hazard) || t("Cảnh báo {n}", { n: row.id }); };
  const source = (row) => (row.origin === "own" ? t("của trung tâm") : t("nhận từ {source}", { source: row.origin }));
  const clock = (at) => {
    const ms = Date.parse(at), [time, day] = haidang.exact(ms).split(" "), today = haidang.exact(haidang.now()).split(" ")[1];
    return day === today ? time.slice(0, 5) : `${time.slice(0, 5)} ${day.slice(0, 5)}`;
  };
  const stamp = (at) => element("time", { datetime: at, title: haidang.exact(Date.parse(at)) }, clock(at));
  const badges = (row) => marks(row).map((mark) => element("span", { class: "badge warning-mark" }, mark));
  const address = (row) => `/warnings?id=${row.id}${english() ? "&lang=en" : ""}`;

  // ---- on the map ----------------------------------------------------------------------------------------------------------
  const holds = () => found.filter((one) => Date.parse(one.properties.ends_at) > haidang.now());
  const parts = (geometry) => (!geometry ? [] : geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : []);
  const latlngs = (geometry) => parts(geometry).map((rings) => rings.map((ring) => ring.map(([lon, lat]) => [lat, lon])));
  const group = (map) => {
    if (!map.haidangWarnings) {
      if (!map.getPane("warnings")) map.createPane("warnings").style.zIndex = 415; // below storms and the names of the base map
      map.haidangWarnings = L.layerGroup().addTo(map);
    }
    return map.haidangWarnings;
  };
  const card = (map, at, row) => {
    const inside = element("div", { class: "warning-card" },
      element("div", { class: "warning-line" }, badge(row, true), badges(row)),
      element("strong", {}, headline(row)),
      element("span", {}, [named("hazards", row.hazard), row.area_words].filter(Boolean).join(" · ")),
      element("span", { class: "muted" }, t("đến {at}", { at: clock(row.ends_at) }), ` · ${source(row)}`),
      element("a", { href: address(row) }, t("Xem cảnh báo")));
    const popup = L.popup({ className: "warning-popup", maxWidth: 340, autoPanPadding: [24, 24] }).setLatLng(at).setContent(inside).openOn(map);
    popup.of = row.id;
    told = popup;
    const close = popup.getElement()?.querySelector(".leaflet-popup-close-button");
    if (close) { close.setAttribute("aria-label", t("Đóng")); close.setAttribute("role", "button"); }
  };
  const one = (map, on, feature) => {
    const row = feature.properties, own = level(row), places = latlngs(feature.geometry), exercise = row.status === "Exercise" ? " exercise" : "";
    if (!places.length) return;
    L.polygon(places, { pane: "warnings", className: `warning-casing${exercise}`, interactive: false }).addTo(on);
    const area = L.polygon(places, { pane: "warnings", className: `warning-area${exercise}${own.hex ? "" : " none"}`, ...(own.hex ? { color: own.hex, fillColor: own.hex } : {}) }).addTo(on);
    const open = (at) => { if (!haidang.drawing && !haidang.warning.drawing) card(map, at, row); };
    area.on("click", (event) => { L.DomEvent.stopPropagation(event); open(event.latlng); });
    const largest = places.map((rings) => L.latLngBounds(rings[0])).sort((a, b) => size(b) - size(a))[0], top = [largest.getNorth(), largest.getCenter().lng];
    const label = element("span", { class: `warning-name${own.hex ? "" : " none"}` }, [...marks(row), own.words, named("hazards", row.hazard) || speech(row).event || headline(row)].filter(Boolean).join(" · "));
    if (own.hex) { label.style.background = own.hex; label.style.color = own.ink; }
    const words_of = [...marks(row), own.full, headline(row)].join(", ");
    L.marker(top, { icon: L.divIcon({ className: `warning-label${exercise}`, html: label, iconSize: null }), keyboard: true, title: words_of, alt: words_of, riseOnHover: true }).on("click", () => open(top)).addTo(on);
  };
  const size = (bounds) => (bounds.getNorth() - bounds.getSouth()) * (bounds.getEast() - bounds.getWest());
  const draw = () => {
    const map = haidang.map, now = holds();
    if (now.length !== found.length) found = now;
    if (!map || !window.L || !["map", "warnings-map"].includes(map.getContainer().id)) { shown = null; return; }
    const print = JSON.stringify([now.map((each) => [each.id, each.properties.version]), document.documentElement.lang, Boolean(words)]);
    if (shown === map && print === drawn) return;
    const on = group(map);
    on.clearLayers();
    for (const each of [...now].reverse().slice(-DRAWN_MOST)) one(map, on, each);
    if (told && !now.some((each) => each.id === told.of)) { told.remove(); told = null; }
    [shown, drawn] = [map, print];
    legend(now.length);
    document.dispatchEvent(new CustomEvent("haidang:warnings"));
  };
  const legend = (n) => {
    const entry = $("warning-entry");
    if (!entry) return;
    entry.hidden = !n;
    $("warning-count").textContent = haidang.number(n);
  };
  const refresh = async () => {
    if (asking || !haidang.map) return;
    asking = true;
    if (!words) { const lists = await ask("/api/v1/warnings/words"); if (lists.ok) words = lists.said; }
    const answer = await ask("/api/v1/warnings/in-force");
    asking = false;
    if (answer.ok && answer.said) found = answer.said.features;
    failed = !answer.ok;
    draw();
    if (missed) again();
  };
  // What is told while an answer is on its way may not be in it.
  const again = () => { missed = asking; if (!asking) refresh(); };
  setInterval(draw, LOOK_MS); // what has run out leaves though nobody answers
  // The live stream tells when there is something new; a screen that misses it, or a server that was away, is made up for.
  let mark = null;
  window.addEventListener("haidang:feed-hint", ({ detail: { warnings } }) => {
    if (!warnings || warnings === mark) return;
    mark = warnings;
    again();
  });
  let beats = 0;
  setInterval(() => { if (failed || mark === null || beats++ % RARELY === 0) refresh(); }, POLL_MS);
  const first = setInterval(() => { if (haidang.map) { clearInterval(first); refresh(); } }, 200);

  haidang.warning = {
    $, t, element, ask, named, pick, speech, level, badge, badges, marks, headline, source, clock, stamp, latlngs, parts, group, refresh,
    drawing: false, words: () => words, in_force: () => holds(),
    learn: async () => { if (!words) { const lists = await ask("/api/v1/warnings/words"); if (lists.ok) words = lists.said; } return words; },
  };
})();
