/* The live map's main-thread side: starts the drawing worker, keeps its bitmaps glued to the map, and carries pointer and Dash to and fro. */
(function () {
  "use strict";
  const here = document.currentScript.src;
  const TOKENS = ["ink", "ink-2", "ink-3", "sea", "land", "panel", "line", "accent", "ok", "critical", "high", "medium", "low", "fishing", "cargo",
    "tanker", "camera", "report", "river", "air", "aqi-1", "aqi-2", "aqi-3", "aqi-4", "aqi-5", "aqi-6", "chosen"];
  const haidang = (window.haidang = window.haidang || {});
  const waiting = []; // orders given before the worker runs
  let worker = null, map = null, sheets = null, chosen = null, following = false, viewId = 0, scale = 1, tip = null, hovered = 0, asked = null;
  const traces = [];

  const order = (type, body) => (worker ? worker.postMessage({ type, ...body }) : waiting.push({ type, ...body }));

  const tell = (name, detail) => window.dispatchEvent(new CustomEvent(`haidang:${name}`, { detail }));

  /* For what the server is asked about, or the address keeps; what comes by the second is only told, since Dash wakes every part of the page at each change. */
  function store(id, data) {
    if (window.dash_clientside && window.dash_clientside.set_props) window.dash_clientside.set_props(id, { data });
    tell(id, data);
  }

  /* A canvas that shows the newest bitmap, moved and scaled with the map's pane so that its world stays the map's world. */
  class Overlay {
    constructor(name, zIndex) {
      const pane = map.getPane(name) || map.createPane(name);
      pane.style.zIndex = zIndex;
      pane.style.pointerEvents = "none";
      this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated", pane);
      this.canvas.style.pointerEvents = "none";
      this.canvas.style.transformOrigin = "0 0";
      this.context = this.canvas.getContext("bitmaprenderer");
      this.frame = this.held = null;
    }

    take(frame) {
      if (map._animatingZoom) { // the pane is between two zooms: this frame waits until the movement has ended
        if (this.held) this.held.bitmap.close();
        this.held = frame;
        return;
      }
      const before = this.frame;
      this.frame = frame;
      this.context.transferFromImageBitmap(frame.bitmap);
      if (!before || before.w !== frame.w || before.h !== frame.h) {
        this.canvas.style.width = `${frame.w}px`;
        this.canvas.style.height = `${frame.h}px`;
      }
      this.place(map.getZoom(), map.getPixelOrigin());
    }

    /* The frame's corner in the pane at a zoom whose pane begins at the world pixel `origin`. */
    place(zoom, origin) {
      if (!this.frame) return;
      const scale = 2 ** (zoom - this.frame.zoom);
      L.DomUtil.setTransform(this.canvas, new L.Point(this.frame.x * scale - origin.x, this.frame.y * scale - origin.y), scale);
    }

    release() {
      const { held } = this;
      this.held = null;
      if (held) this.take(held);
      else this.place(map.getZoom(), map.getPixelOrigin());
    }
  }

  /* The view as the worker draws it; `origin` is the world pixel of the view's top left corner. */
  function tellView(zoom, origin) {
    const size = map.getSize();
    if (!size.x || !size.y) return;
    asked = { id: ++viewId, zoom, x: origin.x, y: origin.y, w: size.x, h: size.y, dpr: window.devicePixelRatio || 1, scale };
    order("view", { view: asked });
  }

  function tellViewNow() { tellView(map.getZoom(), map.getPixelBounds().min); }

  /* While panning, a new frame is asked for only when the old one begins to run out at an edge. */
  function onMove() {
    if (map._animatingZoom) return;
    const corner = map.getPixelBounds().min;
    if (!asked || asked.zoom !== map.getZoom() || Math.abs(asked.x - corner.x) > 60 || Math.abs(asked.y - corner.y) > 60) tellViewNow();
  }

  function onZoom() { for (const sheet of sheets) sheet.place(map.getZoom(), map.getPixelOrigin()); }

  function onZoomAnim(event) {
    const origin = map._getNewPixelOrigin(event.center, event.zoom);
    for (const sheet of sheets) sheet.place(event.zoom, origin);
    tellView(event.zoom, origin.subtract(map._getMapPanePos()));
  }

  function onMoveEnd() {
    for (const sheet of sheets) sheet.release();
    tellViewNow();
    const centre = map.getCenter();
    store("view", { lat: centre.lat, lon: centre.lng, zoom: map.getZoom() });
  }

  function tellTheme() {
    const root = document.documentElement, style = getComputedStyle(root), colors = {};
    for (const token of TOKENS) {
      const value = style.getPropertyValue(`--${token}`).trim();
      if (value) colors[token] = value;
    }
    scale = parseFloat(style.getPropertyValue("--scale")) || 1;
    order("theme", { theme: { colors, dark: root.dataset.theme !== "light" }, lang: root.lang });
  }

  /* The page's own font faces, so that the worker writes in the same hand. */
  function tellFonts() {
    const fonts = [];
    for (const sheet of document.styleSheets) {
      let rules = [];
      try { rules = sheet.cssRules; } catch { continue; } // a sheet of another origin keeps its rules to itself
      for (const rule of rules) {
        if (!(rule instanceof CSSFontFaceRule) || !/Be Vietnam Pro/.test(rule.style.getPropertyValue("font-family"))) continue;
        const src = /url\(["']?([^"')]+)/.exec(rule.style.getPropertyValue("src"));
        if (src) fonts.push({ src: new URL(src[1], sheet.href || location.href).href, weight: rule.style.getPropertyValue("font-weight") || "400", range: rule.style.getPropertyValue("unicode-range") || "U+0-10FFFF" });
      }
    }
    order("fonts", { fonts });
  }

  // Pointer

  function ask(event, click) {
    if (haidang.drawing) return; // a press belongs to whoever draws on the map
    const p = map.project(event.latlng, 0);
    order("hit", { x: p.x / 256, y: p.y / 256, zoom: map.getZoom(), id: ++hovered, click, at: null });
    pointer = event.containerPoint;
  }
  let pointer = null, hoverTimer = 0, lastMove = null;

  function onPointer(event) {
    lastMove = event;
    if (!hoverTimer) hoverTimer = requestAnimationFrame(() => { hoverTimer = 0; if (lastMove) ask(lastMove, false); });
  }

  function onHit({ id, click, found }) {
    if (click) {
      if (found && found.cluster) map.setView([found.cluster.lat, found.cluster.lon], found.cluster.zoom);
      else live.choose(found && found.layer, found && found.key);
      return;
    }
    if (id !== hovered || !lastMove) return;
    map.getContainer().style.cursor = found ? "pointer" : "";
    if (!found || !found.facts) { tip.hidden = true; return; }
    const { title, rows } = found.facts;
    tip.replaceChildren(line("strong", title), ...rows.map(([name, value]) => {
      const row = document.createElement("div");
      row.append(line("span", name), line("b", value));
      return row;
    }));
    tip.hidden = false;
    const size = map.getSize(), w = tip.offsetWidth, h = tip.offsetHeight;
    const x = pointer.x + 16 + w > size.x ? pointer.x - 12 - w : pointer.x + 16;
    L.DomUtil.setPosition(tip, new L.Point(Math.round(x), Math.round(Math.min(Math.max(4, pointer.y - h / 2), size.y - h - 4))));
  }

  function line(tag, words) {
    const element = document.createElement(tag);
    element.textContent = words;
    return element;
  }

  function hideTip() { lastMove = null; tip.hidden = true; map.getContainer().style.cursor = ""; }

  // What the worker says

  const said = {
    frame(frame) {
      const t0 = performance.now();
      sheets[frame.sheet === "points" ? 0 : 1].take(frame);
      order("arrived", { sheet: frame.sheet });
      if (frame.cost) {
        const main_ms = performance.now() - t0;
        requestAnimationFrame(() => {
          const channel = new MessageChannel(); // runs after the frame that shows the bitmap has been laid out and painted
          channel.port1.onmessage = () => { for (const trace of traces) trace({ ...frame.cost, main_ms, drawn: performance.timeOrigin + performance.now() }); };
          channel.port2.postMessage(0);
        });
      }
    },
    hit: onHit,
    place({ place, fly }) {
      const first = !chosen || chosen.lat === undefined;
      chosen = { ...chosen, ...place };
      if (fly) live.fly(place.lat, place.lon, Math.max(map.getZoom(), 12));
      else if (following && (first || !map._animatingZoom)) map.panTo([place.lat, place.lon]);
    },
    counts({ counts }) { tell("counts", counts); },
    rows({ rows }) { store("rows", rows); },
    connection({ state }) { store("connection", state); },
    hello() {},
    news({ message }) {
      if (message.type === "alarm") tell("alarm-hint", { seq: message.seq });
      else if (message.type === "feeds") tell("feed-hint", message);
    },
  };

  function attach(leaflet) {
    if (map || leaflet.getContainer().id !== "map") return;
    haidang.map = map = leaflet;
    sheets = [new Overlay("points", 450), new Overlay("names", 460)];
    tip = L.DomUtil.create("div", "point-tip", map.getContainer());
    tip.hidden = true;
    worker = new Worker(new URL("draw.worker.js", here), { type: "module" });
    worker.onmessage = ({ data }) => said[data.type](data);
    worker.onerror = (event) => console.error("drawing worker", event.message, event.filename, event.lineno);
    for (const early of waiting.splice(0)) worker.postMessage(early);
    tellTheme();
    tellFonts();
    map.on("move", onMove).on("zoom", onZoom).on("zoomanim", onZoomAnim).on("moveend", onMoveEnd);
    map.on("resize", () => { tellTheme(); tellViewNow(); });
    map.on("mousemove", onPointer).on("mouseout movestart zoomstart", hideTip);
    map.on("click", (event) => ask(event, true));
    map.whenReady(tellViewNow);
    window.addEventListener("haidang:theme", tellTheme);
    document.addEventListener("visibilitychange", () => order("shown", { on: !document.hidden }));
    order("start", { url: new URL("/api/v1/live", location.href).href });
    map.on("unload", detach);
  }

  /* The page took its map away; the next one starts anew. */
  function detach() {
    worker.terminate();
    worker = map = sheets = null;
    if (haidang.map) haidang.map = null;
  }

  const live = (haidang.live = {
    choose(layer, key, fly) {
      chosen = layer && key != null ? { layer, key: String(key) } : null;
      order("choose", { object: chosen, fly: !!fly });
      store("chosen", chosen && { layer: chosen.layer, key: chosen.key });
    },
    clear() { live.choose(null); },
    filter(options) { order("filter", { options: options || {} }); },
    alarms(list) { order("alarms", { list: list || [] }); },
    labels(on) { order("labels", { on: !!on }); },
    follow(on) {
      following = !!on;
      if (following && chosen && chosen.lat !== undefined) map.panTo([chosen.lat, chosen.lon]);
    },
    rows(on) { order("rows", { on: !!on }); },
    fly(lat, lon, zoom) { if (map) map.flyTo([lat, lon], zoom ?? map.getZoom(), { duration: 0.8 }); },
    trace(told) { traces.push(told); order("trace", { on: true }); },
  });

  L.Map.addInitHook(function () { attach(this); });
})();
