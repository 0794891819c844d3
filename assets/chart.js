// The words along the reference lines, kept in the middle of what is in view of each.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const names = new Map(); // class of a fence -> the words along its line
  const markers = new Map();

  // The longest stretch of a line that is in view, as {middle, angle} in container pixels.
  const stretch = (map, path) => {
    const size = map.getSize(), box = L.bounds([60, 40], [size.x - 60, size.y - 40]);
    const groups = Array.isArray(path.getLatLngs()[0]) ? path.getLatLngs() : [path.getLatLngs()];
    let best = null;
    for (const group of groups) {
      const points = group.map((latlng) => map.latLngToContainerPoint(latlng));
      for (let n = 1; n < points.length; n += 1) {
        const clipped = L.LineUtil.clipSegment(points[n - 1], points[n], box, false, false);
        if (!clipped) continue;
        const [a, b] = clipped, length = a.distanceTo(b);
        if (!best || length > best.length) {
          let angle = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;
          if (angle > 90 || angle < -90) angle += 180;
          best = { length, angle, middle: a.add(b).divideBy(2) };
        }
      }
    }
    return best;
  };
  const inside = (map, path) => {
    const bounds = path.getBounds(), a = map.latLngToContainerPoint(bounds.getNorthWest()), b = map.latLngToContainerPoint(bounds.getSouthEast());
    const middle = L.point((a.x + b.x) / 2, a.y - 8);
    return map.getSize().contains(middle) ? { length: b.x - a.x, angle: 0, middle } : null;
  };
  const place = (map, mark, path) => {
    const words = names.get(mark), area = path instanceof L.Polygon;
    const found = !words ? null : area ? inside(map, path) : stretch(map, path);
    const shown = found && found.length > (area ? 90 : 140);
    let marker = markers.get(mark);
    if (!shown) {
      if (marker) marker.remove();
      markers.delete(mark);
      return;
    }
    if (!marker) {
      const text = document.createElement("span");
      const icon = L.divIcon({ className: "zone-name", html: text, iconSize: [0, 0] });
      marker = L.marker([0, 0], { icon, interactive: false, keyboard: false, pane: "overlayPane" });
      marker.text = text;
      marker.addTo(map);
      if (area) marker.getElement().classList.add("area-name");
      markers.set(mark, marker);
    }
    marker.text.textContent = words;
    marker.text.style.transform = `translate(-50%, -50%) rotate(${found.angle.toFixed(1)}deg) translateY(${area ? 0 : -1.1}em)`;
    marker.setLatLng(map.containerPointToLatLng(found.middle));
  };
  const label = () => {
    const map = haidang.map;
    if (!map || !window.L) return;
    const gone = new Set(markers.keys());
    map.eachLayer((layer) => {
      const found = layer instanceof L.Polyline && /\bfence-\d+\b/.exec(layer.options.className || "");
      if (!found) return;
      gone.delete(found[0]);
      place(map, found[0], layer);
    });
    for (const mark of gone) { markers.get(mark).remove(); markers.delete(mark); }
  };
  let marked = null; // of the fences as they are drawn
  window.addEventListener("haidang:feed-hint", ({ detail: { fences } }) => {
    if (!fences || fences === marked || !document.getElementById("map")) return;
    marked = fences;
    dash.set_props("fence-mark", { data: fences });
  });
  callbacks.fence_names = (data) => {
    names.clear();
    for (const [mark, words] of Object.entries(data || {})) names.set(mark, words);
    setTimeout(label, 100);
    return dash.no_update;
  };

  // Leaflet's own buttons speak English until told otherwise.
  const name = () => {
    const words = { "leaflet-control-zoom-in": haidang.t("Phóng to"), "leaflet-control-zoom-out": haidang.t("Thu nhỏ") };
    for (const [mark, title] of Object.entries(words)) {
      for (const button of document.getElementsByClassName(mark)) Object.assign(button, { title, ariaLabel: title });
    }
  };

  const attach = (map) => {
    haidang.map = haidang.map || map;
    map.on("zoomend moveend resize", label);
    map.on("unload", () => { markers.clear(); if (haidang.map === map) haidang.map = null; });
    map.whenReady(() => { label(); setTimeout(name, 500); });
    new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
  };
  const hook = () => {
    if (!window.L || !L.Map || L.Map.haidangChart) return Boolean(window.L);
    L.Map.haidangChart = true;
    L.Map.addInitHook(function init() { if (this.getContainer().id === "map" || !haidang.map) attach(this); });
    return true;
  };
  if (!hook()) document.addEventListener("DOMContentLoaded", hook);
})();
