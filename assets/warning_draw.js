// The area of a warning drawn on the screen's map: parts without holes, by pressing, by dragging, or by coordinates typed.
(() => {
  "use strict";
  const haidang = window.haidang;
  const { $, t } = haidang.warning;
  const NEAR_PX = 8, HANDLES_MOST = 300, UNDO_MOST = 100, WORD = /^\s*(-?\d{1,2}(?:[.,]\d+)?)(?:\s*;\s*|,?\s+)(-?\d{1,3}(?:[.,]\d+)?)\s*$/, DOTTED = /^\s*(-?\d{1,2}\.\d+)\s*,\s*(-?\d{1,3}\.\d+)\s*$/;
  let parts = [], active = false, drawing = false, undo = [], group = null, rubber = null, changed = () => {};

  const at = (latlng) => { const { lat, lng } = latlng.wrap(); return [Math.round(lat * 1e6) / 1e6, Math.round(lng * 1e6) / 1e6]; };
  const map = () => haidang.map;
  const keep = () => { undo.push(JSON.stringify(parts)); if (undo.length > UNDO_MOST) undo.shift(); };
  const whole = () => parts.filter((ring) => ring.length > 2);
  const tell = (from) => { draw(); changed(from); };
  const hint = () => {
    const box = $("warnings-hint");
    if (!box) return;
    const corners = parts.reduce((sum, ring) => sum + ring.length, 0);
    box.textContent = !active ? "" : drawing ? t("Nhấn lên bản đồ để thêm đỉnh; nhấn đúp hoặc Enter để xong; Backspace bỏ đỉnh cuối") : corners > HANDLES_MOST ? "" : corners ? t("Kéo đỉnh để dời, kéo điểm giữa để thêm, nhấn phải để bỏ đỉnh") : "";
    box.hidden = !box.textContent;
  };
  const handle = (place, name, title) => {
    const px = (name ? 9 : 11) * (parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--scale")) || 1);
    return L.marker(place, { icon: L.divIcon({ className: `fence-handle ${name}`, iconSize: [px, px] }), draggable: true, keyboard: false, title, autoPan: true });
  };
  const draw = () => {
    hint();
    if (!map() || !window.L) return;
    if (!group || group._map !== map()) group = L.layerGroup().addTo(map());
    group.clearLayers();
    rubber = null;
    if (!active) return;
    const shape = L.polygon(parts.map((ring) => [ring]), { className: "fence-draft", interactive: false }).addTo(group);
    if (parts.reduce((sum, ring) => sum + ring.length, 0) > HANDLES_MOST) return;
    const again = () => shape.setLatLngs(parts.map((ring) => [ring]));
    parts.forEach((ring, r) => ring.forEach((point, p) => {
      const corner = handle(point, "", t("Đỉnh {n}", { n: p + 1 })).addTo(group);
      corner.on("dragstart", keep).on("drag", () => { ring[p] = at(corner.getLatLng()); again(); }).on("dragend", () => tell());
      corner.on("click", () => { if (drawing && p === 0 && ring.length > 2) finish(); });
      corner.on("contextmenu", () => { keep(); ring.splice(p, 1); if (!ring.length) parts.splice(r, 1); tell(); });
      if (drawing || ring.length < 2) return;
      const next = ring[(p + 1) % ring.length], middle = handle([(point[0] + next[0]) / 2, (point[1] + next[1]) / 2], "middle-one", t("Thêm đỉnh")).addTo(group);
      let put = false;
      middle.on("dragstart", () => { keep(); ring.splice(p + 1, 0, at(middle.getLatLng())); put = true; });
      middle.on("drag", () => { if (put) { ring[p + 1] = at(middle.getLatLng()); again(); } }).on("dragend", () => tell());
    }));
  };
  const begin = (anew) => {
    keep();
    if (anew) parts = [];
    parts = whole();
    parts.push([]);
    drawing = haidang.warning.drawing = true;
    document.documentElement.dataset.drawing = "polygon";
    map()?.doubleClickZoom.disable();
    tell();
  };
  const finish = () => {
    if (!drawing) return;
    drawing = haidang.warning.drawing = false;
    delete document.documentElement.dataset.drawing;
    map()?.doubleClickZoom.enable();
    parts = whole();
    tell();
  };
  const press = (event) => {
    if (!drawing) return;
    const place = at(event.latlng), ring = parts.at(-1), last = ring.at(-1);
    // The second press of a double one is no corner of its own.
    if (last && map().latLngToContainerPoint(last).distanceTo(event.containerPoint) < NEAR_PX) return;
    keep();
    ring.push(place);
    tell();
  };
  const follow = (event) => {
    const ring = drawing && parts.at(-1);
    if (!ring || !ring.length) return;
    const places = [ring.at(-1), event.latlng, ...(ring.length < 2 ? [] : [ring[0]])];
    if (rubber) rubber.setLatLngs(places); else rubber = L.polyline(places, { className: "fence-rubber", interactive: false }).addTo(group);
  };
  const hooked = new WeakSet();
  const hook = () => {
    const on = map();
    if (!on) { if (active) setTimeout(() => { hook(); draw(); }, 200); return; } // the map may come later than the form
    if (hooked.has(on)) return;
    hooked.add(on);
    on.on("click", press).on("mousemove", follow).on("dblclick", finish);
    if (drawing) on.doubleClickZoom.disable();
  };
  // One corner a line, latitude first; an empty line begins another part. What cannot be read is told by its line.
  const read = (text) => {
    const found = [[]];
    for (const [n, line] of text.split("\n").entries()) {
      if (!line.trim()) { if (found.at(-1).length) found.push([]); continue; }
      const word = WORD.exec(line) || DOTTED.exec(line), [lat, lon] = word ? [1, 2].map((k) => Number(word[k].replace(",", "."))) : [];
      if (!word || Math.abs(lat) > 90 || Math.abs(lon) > 180) return n + 1;
      found.at(-1).push([lat, lon]);
    }
    keep();
    drawing = haidang.warning.drawing = false;
    delete document.documentElement.dataset.drawing;
    parts = found.filter((ring) => ring.length);
    tell("text");
    return 0;
  };
  haidang.warning_draw = {
    open: (geometry, told) => {
      changed = told;
      parts = haidang.warning.latlngs(geometry).map((rings) => rings[0].slice(0, -1));
      [active, undo] = [true, []];
      hook();
      draw();
      if (whole().length && map()) map().fitBounds(L.latLngBounds(parts.flat()).pad(0.25), { animate: false });
    },
    close: () => { finish(); [active, parts, changed] = [false, [], () => {}]; draw(); },
    begin, finish, read,
    drawing: () => drawing,
    back: () => { if (undo.length) { parts = JSON.parse(undo.pop()); if (drawing && !parts.length) parts.push([]); tell(); } },
    text: () => parts.map((ring) => ring.map(([lat, lon]) => `${lat.toFixed(5)} ${lon.toFixed(5)}`).join("\n")).join("\n\n"),
    geometry: () => (whole().length && !drawing ? { type: "MultiPolygon", coordinates: whole().map((ring) => [[...ring, ring[0]].map(([lat, lon]) => [lon, lat])]) } : null),
  };
})();
