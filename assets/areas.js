// Communes on the map: thin borders, names without clutter, one figure as shades with its legend, and the place under a resting pointer.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const t = (...words) => haidang.t(...words);
  const $ = (id) => document.getElementById(id);
  const BORDER = "1"; // what the address says when no figure is shown
  const AGAIN_MS = 60000, OUTLINES_MS = 600000, REST_MS = 500, NAMES_ZOOM = 10, NAMES_MOST = 60, GAP_PX = 4;
  let shown = null; // null, BORDER or a figure's key
  let outlines = null, readAt = 0, values = null, group = null, names = null, asked = 0, timer = 0;

  const map = () => haidang.map;
  const english = () => document.documentElement.lang === "en";
  const title = (p) => (english() ? p.title_en : p.title_vi);
  const figures = () => new Map(((values && values.kpi === shown && values.values) || []).map((one) => [one.code, one]));
  const say = (words) => { const box = $("area-said"); if (box) { box.textContent = words || ""; box.hidden = !words; } };

  // ---- reading ------------------------------------------------------------------------------------------------------------
  const read = async (path) => {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const refresh = async () => {
    clearTimeout(timer);
    if (!shown) return;
    asked += 1;
    const n = asked, wanted = shown;
    try {
      const [found, told] = await Promise.all([
        outlines && Date.now() - readAt < OUTLINES_MS ? outlines : read("/api/v1/areas"),
        wanted === BORDER ? null : read(`/api/v1/areas/values?kpi=${encodeURIComponent(wanted)}`),
      ]);
      if (n !== asked) return;
      if (found !== outlines) { outlines = found; readAt = Date.now(); }
      values = told;
      say("");
    } catch (error) {
      if (n !== asked) return;
      if (error.message === "404" && wanted !== BORDER) { show(BORDER); return; }
      say(t("Không đọc được số liệu xã, phường: hình đang là bản cũ."));
    }
    draw();
    timer = setTimeout(refresh, AGAIN_MS);
  };

  // ---- drawing ------------------------------------------------------------------------------------------------------------
  const pane = () => {
    if (!map().getPane("areas")) {
      map().createPane("areas").style.zIndex = 350; // under the zones' lines and every point
      map().createPane("area-names").style.zIndex = 360;
      for (const name of ["areas", "area-names"]) map().getPane(name).style.pointerEvents = "none";
      map().on("zoomend moveend resize haidang:away", place); // the last: the base map has written its own names
      map().on("unload", () => { group = names = null; });
    }
    if (!group) group = L.layerGroup().addTo(map());
    if (!names) names = L.layerGroup().addTo(map());
  };
  // Few classes take shades far apart.
  const look = (index) => `shade-${values.classes.length > 1 ? Math.round((index * 4) / (values.classes.length - 1)) : 2}`;
  const shade = (one) => (one && one.class !== null ? look(one.class) : "");
  const draw = () => {
    if (!map() || !window.L) return;
    pane();
    group.clearLayers();
    if (shown && outlines) {
      const told = figures(), renderer = L.svg({ pane: "areas", padding: 0.2 });
      for (const feature of outlines.features) {
        const p = feature.properties, name = `commune ${shade(told.get(p.code))}`;
        const options = { pane: "areas", renderer, interactive: false, className: name, smoothFactor: 1.2 };
        if (feature.geometry.type === "Point") L.circleMarker([p.lat, p.lon], { ...options, radius: told.size && shade(told.get(p.code)) ? 9 : 2.5, className: `${name} guessed` }).addTo(group);
        else L.geoJSON(feature, { ...options, style: () => options }).addTo(group);
      }
    }
    place();
    legend();
  };
  // The most telling names first; one that would lie over another, or over a name of the base map, waits for a closer look.
  const written = (frame) => [...map().getContainer().querySelectorAll(".basemap-name")].map((one) => one.getBoundingClientRect())
    .map((one) => [one.left - frame.left, one.top - frame.top, one.right - frame.left, one.bottom - frame.top]);
  const free = (box, taken) => !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
  const place = () => {
    if (!map() || !names) return;
    names.clearLayers();
    if (!shown || !outlines || map().getZoom() < NAMES_ZOOM) return;
    const told = figures(), size = map().getSize(), taken = written(map().getContainer().getBoundingClientRect());
    const weight = (p) => ((told.get(p.code) || {}).value || 0) * 1e4 + (p.kind === "ward" ? 5000 : 0) + (p.area_km2 || 0);
    const u = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--scale")) || 1;
    const inView = outlines.features.map((one) => one.properties).filter((p) => size.contains(map().latLngToContainerPoint([p.lat, p.lon])));
    let count = 0;
    for (const p of inView.sort((a, b) => weight(b) - weight(a))) {
      if (count >= NAMES_MOST) break;
      const at = map().latLngToContainerPoint([p.lat, p.lon]), one = told.get(p.code), value = one && one.value !== null ? haidang.number(one.value, 2) : "";
      const width = Math.max(p.name.length * 6.6, value.length * 8) * u + 2 * GAP_PX, height = (value ? 32 : 16) * u + GAP_PX;
      const lying = (down) => [at.x - width / 2, at.y + down - height / 2, at.x + width / 2, at.y + down + height / 2];
      const down = [0, height * 0.7, -height * 0.7].find((each) => free(lying(each), taken));
      if (down === undefined) continue;
      taken.push(lying(down));
      count += 1;
      const words = document.createElement("span");
      words.textContent = p.name;
      words.style.marginTop = `${down}px`;
      if (value) words.append(Object.assign(document.createElement("b"), { textContent: value }));
      L.marker([p.lat, p.lon], { pane: "area-names", interactive: false, keyboard: false, icon: L.divIcon({ className: "commune-name", html: words, iconSize: [0, 0] }) }).addTo(names);
    }
  };

  // ---- the legend ---------------------------------------------------------------------------------------------------------
  const row = (colour, words) => {
    const line = document.createElement("li"), mark = document.createElement("span");
    mark.className = `area-swatch ${colour}`;
    mark.setAttribute("aria-hidden", "true");
    line.append(mark, words);
    return line;
  };
  const legend = () => {
    const box = $("area-legend"), toggle = $("area-toggle"), pick = $("area-kpi");
    if (!box) return;
    toggle.setAttribute("aria-pressed", String(Boolean(shown)));
    $("area-more").hidden = !shown;
    pick.value = shown && shown !== BORDER ? shown : "";
    const told = values && values.kpi === shown ? values : null, lines = [];
    const number = (value) => haidang.number(value, 2);
    if (told) {
      const unit = english() ? told.unit_en : told.unit_vi;
      const none = told.values.filter((one) => one.class === null).length;
      [...told.classes].reverse().forEach((one, n) => {
        const index = told.classes.length - 1 - n, count = told.values.filter((each) => each.class === index).length;
        const range = one.low === one.high ? number(one.low) : `${number(one.low)} – ${number(one.high)}`;
        lines.push(row(look(index), t("{range} {unit} · {n} xã, phường", { range, unit, n: number(count) })));
      });
      lines.push(row("", t("Không có · {n} xã, phường", { n: number(none) })));
    }
    box.replaceChildren(...lines);
    const notes = [];
    if (told) {
      notes.push(t("Nguồn: {source}, lúc {at}", { source: english() ? told.source_en : told.source_vi, at: haidang.exact(Date.parse(told.at)) }));
      if (told.unplaced) notes.push(t("Nơi khác hoặc chưa rõ: {n}", { n: number(told.unplaced) }));
      if (told.simulated) notes.push(t("DỮ LIỆU MÔ PHỎNG"));
    }
    if (shown && outlines && outlines.features.some((one) => one.properties.estimated)) notes.push(t("Nơi chưa nhập ranh giới: chấm là điểm tham khảo"));
    $("area-notes").replaceChildren(...notes.map((words) => Object.assign(document.createElement("p"), { className: "note", textContent: words })));
  };

  const show = (what) => {
    shown = what || null;
    if (values && values.kpi !== shown) values = null;
    draw();
    refresh();
    if (haidang.write_url) haidang.write_url();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("#area-toggle")) show(shown ? null : BORDER);
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "area-kpi") show(event.target.value || BORDER);
  });

  // ---- the place under a pointer that rests --------------------------------------------------------------------------------
  let resting = 0, last = null;
  const told = (place) => {
    if (!place.commune) return "";
    const p = place.commune, plane = place.vn2000, metres = (value) => haidang.number(value, 1);
    const name = (english() ? p.title_en : p.title_vi) + (p.estimated ? ` (${t("theo điểm tham khảo")})` : "");
    if (!plane || plane.east_m === undefined) return [name, plane && (english() ? plane.refused_en : plane.refused_vi)].filter(Boolean).join(" · ");
    return `${name} · VN-2000 ${plane.meridian} E ${metres(plane.east_m)} N ${metres(plane.north_m)}`;
  };
  const box = () => {
    const ruler = map().getContainer().querySelector(".basemap-ruler");
    if (!ruler) return null;
    return ruler.querySelector(".area-place") || ruler.appendChild(Object.assign(document.createElement("span"), { className: "area-place" }));
  };
  const rest = async (at) => {
    const wanted = `${at.lng.toFixed(6)},${at.lat.toFixed(6)}`;
    last = wanted;
    try {
      const place = await read(`/api/v1/position?lon=${at.lng.toFixed(6)}&lat=${at.lat.toFixed(6)}`);
      const words = box();
      if (words && last === wanted) words.textContent = told(place);
    } catch { /* the degrees beside it stand */ }
  };
  const watch = () => {
    if (!map() || !window.L || map().haidangAreas) return;
    map().haidangAreas = true;
    map().on("mousemove", ({ latlng }) => {
      clearTimeout(resting);
      last = null;
      const words = map().getContainer().querySelector(".area-place");
      if (words) words.textContent = "";
      resting = setTimeout(rest, REST_MS, latlng.wrap());
    });
    map().on("mouseout", () => clearTimeout(resting));
    if (shown) draw();
  };

  const begin = () => {
    watch();
    const pick = $("area-kpi");
    if (!pick || pick.dataset.begun) return;
    pick.dataset.begun = "1";
    group = names = null;
    show(shown || pick.dataset.shown || null); // somebody may have pressed the switch already
  };
  window.addEventListener("haidang:second", begin);
  haidang.areas = { shown: () => shown };
})();
