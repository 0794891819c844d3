// The offline base map of every Leaflet map: tiles drawn by basemap.worker.js, place names, the islands' plates, scale and cursor.
"use strict";

(() => {
  const base = new URL(".", document.currentScript ? document.currentScript.src : new URL("assets/", location.href));
  const root = document.documentElement;
  const english = () => root.lang === "en";
  const say = (vi, en) => (english() ? en : vi);
  const number = (value, digits = 0) => value.toLocaleString(english() ? "en-GB" : "vi-VN", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  // ---- colours from the design tokens ---------------------------------------------------------------------------------
  const pen = document.createElement("canvas").getContext("2d");
  function token(name, fallback) {
    pen.fillStyle = fallback;
    pen.fillStyle = getComputedStyle(root).getPropertyValue(name).trim() || fallback;
    const hex = pen.fillStyle;
    return hex[0] === "#" ? hex : fallback;
  }
  function mix(a, b, share) {
    const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
    return "#" + [0, 1, 2].map((i) => Math.round(part(a, i) + (part(b, i) - part(a, i)) * share).toString(16).padStart(2, "0")).join("");
  }
  function palette() {
    const sea = token("--sea", "#0a1118"), land = token("--land", "#1a2631"), coast = token("--coast", "#2c3d4b");
    const ink2 = token("--ink-2", "#8fa2b3"), accent = token("--accent", "#5aa9e6");
    const dark = parseInt(land.slice(3, 5), 16) < 128;
    return {
      tiles: { sea, land, coast: mix(coast, ink2, 0.12), border: mix(land, ink2, 0.34), dot: ink2, water: dark ? mix(sea, land, 0.25) : mix(sea, accent, 0.2), grid: mix(sea, ink2, 0.1), mark: mix(coast, ink2, 0.7) },
      water: mix(mix(ink2, accent, 0.45), sea, 0.12), sea: mix(sea, ink2, 0.72), small: ink2,
    };
  }

  // ---- the worker -----------------------------------------------------------------------------------------------------
  const worker = new Worker(new URL("basemap.worker.js", base));
  const tiles = new Map(), asked = new Map();
  let serial = 0, colours = null;
  const ready = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.do === "tile") {
        const wanted = tiles.get(data.id);
        if (wanted) { tiles.delete(data.id); api.drawn_ms.push(data.ms); if (api.drawn_ms.length > 200) api.drawn_ms.shift(); wanted(data.bitmap); } else data.bitmap.close();
      } else if (data.do === "answer") { asked.get(data.id)(data.value); asked.delete(data.id); }
      else if (data.do === "loaded") resolve();
      else if (data.do === "failed") reject(new Error(data.why));
    };
  });
  ready.catch((error) => console.error("base map:", error.message));
  function ask(question) {
    return new Promise((resolve) => { const id = ++serial; asked.set(id, resolve); worker.postMessage({ ...question, id }); });
  }
  function drawTile(job, then) {
    const id = ++serial;
    tiles.set(id, then);
    worker.postMessage({ do: "tile", id, ...job });
    return id;
  }
  function dropTile(id) {
    if (tiles.delete(id)) worker.postMessage({ do: "drop", id });
  }

  let gazetteer = { places: [], east_sea: [] };
  const known = fetch(new URL("basemap/gazetteer.json", base)).then((reply) => reply.json()).then((found) => {
    gazetteer = found;
    // The two archipelagos' islands are marked at every zoom, ports and capitals where their names begin.
    const marks = found.places.filter((p) => LOOK[p.kind].dot || (p.group && LOOK[p.kind].rank > 0)).map((p) => ({ lon: p.lon, lat: p.lat, reef: p.kind === "reef", dot: !p.group, from: p.group ? 0 : p.min_zoom }));
    worker.postMessage({ do: "load", url: new URL("basemap/map.bin", base).href, marks });
  });

  function recolour() {
    colours = palette();
    worker.postMessage({ do: "style", style: colours.tiles });
  }
  const maps = new Set();
  let pending = 0;
  function refresh() {
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => { recolour(); for (const each of maps) each.restyle(); });
  }
  recolour();
  addEventListener("haidang:theme", refresh);
  new MutationObserver(refresh).observe(root, { attributes: true, attributeFilter: ["data-theme", "lang", "style", "class"] });
  document.fonts.addEventListener("loadingdone", () => { for (const each of maps) each.names.layout(); });

  // ---- tiles ----------------------------------------------------------------------------------------------------------
  const density = () => Math.min(3, Math.max(1, devicePixelRatio || 1));
  const Tiles = () => L.GridLayer.extend({
    options: { tileSize: 512, updateWhenIdle: false, updateWhenZooming: false, keepBuffer: 1, zIndex: 1, noWrap: true, className: "basemap-tiles" },
    createTile(coords, done) {
      const tile = document.createElement("canvas");
      tile.job = { z: coords.z, x: coords.x, y: coords.y, size: this.getTileSize().x, marks: this.options.marks };
      this.render(tile, () => done(null, tile));
      return tile;
    },
    render(tile, then) {
      dropTile(tile.asked);
      const dpr = density();
      tile.asked = drawTile({ ...tile.job, dpr }, (bitmap) => {
        tile.width = bitmap.width; tile.height = bitmap.height;
        (tile.screen = tile.screen || tile.getContext("bitmaprenderer")).transferFromImageBitmap(bitmap);
        if (then) then();
      });
    },
    // Half zooms get tiles of their own, drawn sharp, where Leaflet would scale those of the next whole zoom.
    _setView(center, zoom, keep, still) {
      if (!still) {
        this._tileZoom = zoom;
        this._updateLevels();
        this._resetGrid();
        this._update(center);
        if (!keep) this._pruneTiles();
        this._noPrune = !!keep;
      }
      this._setZoomTransforms(center, zoom);
    },
    // Other zooms' tiles stay below until all of this zoom's have come.
    _pruneTiles() { if (!this.isLoading()) L.GridLayer.prototype._pruneTiles.call(this); },
    // The old picture stays until the new one has come: no flicker.
    repaint() {
      for (const { el, coords, loaded } of Object.values(this._tiles)) this.render(el, loaded ? null : () => this._tileReady(coords, null, el));
    },
    onAdd(map) {
      this.on("tileunload", ({ tile }) => dropTile(tile.asked));
      return L.GridLayer.prototype.onAdd.call(this, map);
    },
  });

  // ---- place names ----------------------------------------------------------------------------------------------------
  // size px, weight, spacing em, rank (lower is placed first); spot: how the text sits at its point.
  const LOOK = {
    archipelago: { size: 12.5, weight: 600, spacing: 0.02, rank: 0 },
    sea: { size: 22, weight: 400, spacing: 0.42, rank: 0, upper: true },
    capital: { size: 12, weight: 600, spacing: 0.02, rank: 2, dot: true },
    city: { size: 13, weight: 600, spacing: 0.08, rank: 1 },
    country: { size: 12, weight: 500, spacing: 0.18, rank: 3, upper: true, soft: true },
    ocean: { size: 14, weight: 400, spacing: 0.25, rank: 4, italic: true, water: true },
    gulf: { size: 13, weight: 400, spacing: 0.2, rank: 4, italic: true, water: true },
    lagoon: { size: 12, weight: 400, spacing: 0.05, rank: 5, italic: true, water: true },
    port: { size: 12, weight: 400, spacing: 0, rank: 6, dot: true },
    town: { size: 12, weight: 400, spacing: 0.01, rank: 7 },
    island: { size: 12, weight: 400, spacing: 0.01, rank: 8, beside: true },
    reef: { size: 11, weight: 400, spacing: 0.01, rank: 11, beside: true, soft: true },
    mouth: { size: 11, weight: 400, spacing: 0.01, rank: 9, italic: true, water: true, above: true },
    mountain: { size: 11, weight: 400, spacing: 0.02, rank: 9, soft: true },
    river: { size: 11, weight: 400, spacing: 0.06, rank: 10, italic: true, water: true },
  };
  const SEA_SIZES = [10, 10, 10, 11, 13, 16, 19, 22];
  // Waters of the two archipelagos: a view that touches them carries the label, any other view the plate.
  const REACH = { hoang_sa: [111.0, 15.6, 113.0, 17.35], truong_sa: [111.4, 6.9, 116.4, 11.8] };
  const short = (place) => (place.group === "east_sea" ? say(place.name_vi, place.name_en) : say(place.name_vi.replace("Quần đảo ", ""), place.name_en.replace(" Islands", "")));
  const title = (place) => say(place.name_vi, place.name_en);

  class Names {
    constructor(map) {
      this.map = map;
      this.pane = map.getPane("place-names") || map.createPane("place-names");
      this.pane.classList.add("basemap-names");
      this.pane.style.zIndex = 430;
      this.shown = new Map();
      this.spot = null;
      map.on("moveend resize", this.layout, this);
      map.on("zoom viewreset", this.place, this);
      map.on("zoomanim", this.animate, this);
      known.then(() => this.layout());
    }

    // Cities shout only where there are few of them.
    look(place, zoom) {
      const look = LOOK[place.kind];
      if (place.kind !== "city") return look;
      return zoom >= 8 ? { ...look, upper: true } : { ...look, size: 12, weight: 500, spacing: 0.01 };
    }

    scale() { return parseFloat(getComputedStyle(root).getPropertyValue("--scale")) || 1; }

    text(place, zoom, given) {
      const look = this.look(place, zoom), words = look.upper ? title(place).toLocaleUpperCase(english() ? "en" : "vi") : title(place);
      const scale = this.scale(), size = given || (place.kind === "sea" ? SEA_SIZES[Math.min(7, Math.floor(zoom))] : zoom < 4 ? Math.min(look.size, 11) : look.size) * scale;
      pen.font = `${look.italic ? "italic " : ""}${look.weight} ${size}px "Be Vietnam Pro", system-ui, sans-serif`;
      const width = pen.measureText(words).width + words.length * look.spacing * size;
      return { words, size, width, height: size * 1.25 };
    }

    // All places of this view with their boxes in container pixels; the sovereign names first and unconditionally.
    layout() {
      const map = this.map;
      if (!map._loaded || !gazetteer.places.length) return;
      const view = map.getSize(), zoom = map.getZoom(), bounds = map.getBounds(), turn0 = Math.floor((bounds.getWest() + 180) / 360), turn1 = Math.floor((bounds.getEast() + 180) / 360);
      const boxes = [], found = [], away = [];
      this.forced(view, zoom, [turn0, turn1], found, away);
      this.spread(found, view);
      for (const each of found) boxes.push(each.box);
      const u = this.scale();
      boxes.push([0, view.y - 30 * u, 470 * u, view.y], [view.x - 230 * u, view.y - (12 + 31 * away.length) * u, view.x, view.y]);
      const margin = 90;
      const wanted = [];
      gazetteer.places.forEach((place, index) => {
        const look = this.look(place, zoom);
        if (look.rank === 0) return;
        for (let turn = turn0; turn <= turn1; turn++) {
          const at = map.latLngToContainerPoint([place.lat, place.lon + 360 * turn]);
          if (place.group && at.x > 0 && at.y > 0 && at.x < view.x && at.y < view.y) boxes.push([at.x - 3, at.y - 3, at.x + 3, at.y + 3]);
          if (zoom < place.min_zoom || (place.max_zoom !== undefined && zoom > place.max_zoom)) continue;
          if (at.x > -margin && at.y > -margin && at.x < view.x + margin && at.y < view.y + margin) wanted.push({ key: `${index}:${turn}`, place, look, at, latlng: L.latLng(place.lat, place.lon + 360 * turn) });
        }
      });
      wanted.sort((a, b) => a.look.rank - b.look.rank || a.place.min_zoom - b.place.min_zoom);
      for (const each of wanted) {
        Object.assign(each, this.text(each.place, zoom));
        const side = each.width / 2 + 8, down = each.height / 2 + 6;
        const around = [[side, 0], [0, -down - 2], [-side, 0], [0, down + 2]];
        const spots = each.look.beside || each.look.dot ? around : each.look.above ? [around[1], ...around] : [[0, 0], [0, down], [0, -down]];
        for (const [dx, dy] of spots) {
          const box = this.box(each, dx, dy);
          if (boxes.some((b) => b[0] < box[2] && b[2] > box[0] && b[1] < box[3] && b[3] > box[1])) continue;
          boxes.push(box);
          found.push({ ...each, dx, dy });
          break;
        }
      }
      this.show(found);
      this.map.fire("haidang:away", { away });
    }

    box(each, dx, dy) {
      const x = each.at.x + dx, y = each.at.y + dy;
      return [x - each.width / 2 - 3, y - each.height / 2 - 1, x + each.width / 2 + 3, y + each.height / 2 + 1];
    }

    // Hoàng Sa, Trường Sa and the East Sea: as a label where the view holds them, else in `away` for a plate.
    forced(view, zoom, [turn0, turn1], found, away) {
      const map = this.map;
      gazetteer.places.forEach((place, index) => {
        if (LOOK[place.kind].rank !== 0) return;
        let text = this.text(place, zoom);
        const edge = { x: text.width / 2 + 8, y: text.height / 2 + 8 };
        let there = false, stale = false;
        for (let turn = turn0; turn <= turn1; turn++) {
          let latlng = null, at = null;
          if (place.group === "east_sea") {
            const fixed = map.latLngToContainerPoint([place.lat, place.lon + 360 * turn]);
            const roomy = (p, text) => p.x > text.width / 2 + 6 && p.y > text.height && p.x < view.x - text.width / 2 - 6 && p.y < view.y - text.height;
            if (roomy(fixed, text)) at = fixed;
            else if (this.spot && this.spot.turn === turn) {
              const free = map.latLngToContainerPoint(this.spot.latlng);
              const fitted = this.text(place, zoom, Math.min(text.size, this.spot.size));
              if (roomy(free, fitted)) { at = free; text = fitted; stale = this.spot.zoom !== zoom; }
            }
          } else {
            const [west, south, east, north] = REACH[place.group];
            const a = map.latLngToContainerPoint([north, west + 360 * turn]), b = map.latLngToContainerPoint([south, east + 360 * turn]);
            if (a.x < view.x - 12 && b.x > 12 && a.y < view.y - 12 && b.y > 12) {
              const above = map.latLngToContainerPoint([north, place.lon + 360 * turn]);
              at = L.point(Math.max(edge.x, Math.min(view.x - edge.x, above.x)), Math.max(edge.y, Math.min(view.y - edge.y - 30, above.y)));
            }
          }
          if (!at) continue;
          there = true;
          latlng = map.containerPointToLatLng(at);
          const each = { key: `${index}:${turn}`, place, look: LOOK[place.kind], at, latlng, dx: 0, dy: 0, ...text };
          each.box = this.box(each, 0, 0);
          found.push(each);
        }
        if (place.group === "east_sea" && (!there || stale)) this.seek(view, zoom, text, found);
        if (!there) away.push(place);
      });
    }

    // Forced names that overlap are moved apart, up and down, never hidden, and kept inside the view.
    spread(found, view) {
      const order = [...found].sort((a, b) => a.at.y - b.at.y);
      for (let round = 0; round < 30; round++) {
        let moved = false;
        for (let i = 0; i + 1 < order.length; i++) for (let j = i + 1; j < order.length; j++) {
          const a = order[i].box, b = order[j].box, over = a[3] - b[1];
          if (over <= 0.5 || a[0] >= b[2] || a[2] <= b[0]) continue;
          const up = Math.min(over / 2, Math.max(0, a[1] - 2));
          for (const [each, by] of [[order[i], -up], [order[j], over - up]]) { each.dy += by; each.box = this.box(each, each.dx, each.dy); }
          moved = true;
        }
        if (!moved) break;
      }
      for (const each of order) {
        const low = each.box[3] - (view.y - 2);
        if (low > 0) { each.dy -= low; each.box = this.box(each, each.dx, each.dy); }
      }
    }

    // Asks the worker for open water in the view; the label follows when the answer still fits the view.
    seek(view, zoom, text, found) {
      const bounds = this.map.getBounds(), turn = Math.floor((bounds.getCenter().lng + 180) / 360);
      const token = `${zoom}/${bounds.toBBoxString()}/${text.width}`;
      if (this.sought === token) return;
      this.sought = token;
      const wide = bounds.getEast() - bounds.getWest();
      if (wide > 360) return;
      const taken = found.map(({ box: [a, b, c, d] }) => [a / view.x, b / view.y, c / view.x, d / view.y]);
      taken.push([0, 1 - 60 / view.y, 0.3, 1], [1 - 260 / view.x, 1 - 110 / view.y, 1, 1], [0, 0, 60 / view.x, 100 / view.y]);
      for (const { group, lat, lon } of gazetteer.places) {
        if (!group || group === "east_sea") continue;
        const { x, y } = this.map.latLngToContainerPoint([lat, lon + 360 * turn]);
        taken.push([(x - 8) / view.x, (y - 8) / view.y, (x + 100) / view.x, (y + 8) / view.y]);
      }
      ask({ do: "openSea", window: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()], outline: gazetteer.east_sea, aspect: text.width / text.height, taken }).then((at) => {
        if (this.sought !== token) return;
        // The word shrinks with its water; under 11 px a plate says it.
        const size = at ? at.room * view.y * 2 / 1.25 : 0, fits = size >= 11 * this.scale();
        if (!fits && !this.spot) return;
        this.spot = fits && { latlng: L.latLng(at.lat, at.lon), zoom, turn, size };
        this.layout();
      });
    }

    show(found) {
      const old = this.shown;
      this.shown = new Map();
      for (const each of found) {
        const element = old.get(each.key)?.element || document.createElement("div");
        const { look, place } = each;
        element.className = `leaflet-zoom-animated basemap-name basemap-${place.kind}` + (look.italic ? " basemap-italic" : "") + (look.soft ? " basemap-soft" : "");
        if (element.textContent !== each.words) element.textContent = each.words;
        element.dataset.group = place.group || "";
        Object.assign(element.style, { fontSize: `${each.size}px`, fontWeight: look.weight, letterSpacing: `${look.spacing}em`, color: look.water ? colours.water : place.kind !== "sea" ? "" : each.size < 16 ? colours.small : colours.sea });
        if (!element.parentNode) this.pane.appendChild(element);
        old.delete(each.key);
        this.shown.set(each.key, { ...each, element });
      }
      for (const { element } of old.values()) element.remove();
      this.place();
    }

    put(each, point) {
      L.DomUtil.setTransform(each.element, L.point(Math.round(point.x + each.dx - each.width / 2), Math.round(point.y + each.dy - each.size * 0.7)));
    }
    place() { for (const each of this.shown.values()) this.put(each, this.map.latLngToLayerPoint(each.latlng)); }
    animate({ zoom, center }) { for (const each of this.shown.values()) this.put(each, this.map._latLngToNewLayerPoint(each.latlng, zoom, center)); }
  }

  // ---- plates at the edge, scale and cursor ---------------------------------------------------------------------------
  function control(position, className, fill) {
    const made = new (L.Control.extend({
      options: { position },
      onAdd(map) {
        const box = L.DomUtil.create("div", className);
        L.DomEvent.disableClickPropagation(box);
        L.DomEvent.disableScrollPropagation(box);
        fill(box, map);
        return box;
      },
    }))();
    return made;
  }

  // The island of a group (or the point of the sea's outline) nearest to a point, on the same turn of the world.
  function nearest(place, centre) {
    const rim = gazetteer.east_sea.flatMap(([lon, lat], i, all) => {
      const [lon1, lat1] = all[(i + 1) % all.length];
      return Array.from({ length: 20 }, (_, k) => ({ lon: lon + (lon1 - lon) * k / 20, lat: lat + (lat1 - lat) * k / 20 }));
    });
    let best = null;
    for (const p of place.group === "east_sea" ? rim : gazetteer.places.filter((each) => each.group === place.group && each !== place)) {
      const lng = p.lon + 360 * Math.round((centre.lng - p.lon) / 360), metres = centre.distanceTo([p.lat, lng]);
      if (!best || metres < best.metres) best = { latlng: L.latLng(p.lat, lng), metres };
    }
    return best;
  }

  const plates = () => control("bottomright", "basemap-plates", (box, map) => {
    map.on("haidang:away", ({ away }) => {
      const centre = map.getCenter(), here = map.project(centre);
      box.replaceChildren(...away.map((place) => {
        const { latlng, metres } = nearest(place, centre), there = map.project(latlng), plate = document.createElement("button"), arrow = document.createElement("span");
        plate.type = "button";
        plate.className = "basemap-plate";
        plate.dataset.group = place.group;
        plate.textContent = `${short(place)} ${number(metres / 1000)} km `;
        plate.title = say(`Tới ${title(place)}`, `Go to ${title(place)}`);
        arrow.className = "basemap-arrow";
        arrow.style.transform = `rotate(${Math.atan2(there.y - here.y, there.x - here.x)}rad)`;
        plate.append(arrow);
        plate.onclick = () => {
          const lng = place.lon + 360 * Math.round((centre.lng - place.lon) / 360), still = matchMedia("(prefers-reduced-motion: reduce)").matches;
          map[still ? "setView" : "flyTo"]([place.lat, lng], place.group === "hoang_sa" ? 8 : 6);
        };
        return plate;
      }));
    });
  });

  function sexagesimal(value, positive, negative) {
    const seconds = Math.round(Math.abs(value) * 3600), two = (n) => String(n).padStart(2, "0");
    return `${two(Math.floor(seconds / 3600))}°${two(Math.floor(seconds / 60) % 60)}′${two(seconds % 60)}″${value < 0 ? negative : positive}`;
  }
  const position = (at) => `${sexagesimal(at.lat, "N", "S")} ${sexagesimal(at.lng, "E", "W")}`;

  const ruler = () => control("bottomleft", "basemap-ruler", (box, map) => {
    const bar = L.DomUtil.create("span", "basemap-bar", box), length = L.DomUtil.create("span", "basemap-length", box), cursor = L.DomUtil.create("button", "basemap-cursor", box);
    cursor.type = "button";
    let under = null, clicked = null, flash = 0;
    const show = (at) => { if (at) cursor.textContent = `${position(at)} · ${number(at.lat, 5)} ${number(at.lng, 5)}`; };
    const measure = () => {
      const middle = map.getSize().y / 2, metres = map.containerPointToLatLng([0, middle]).distanceTo(map.containerPointToLatLng([120, middle])), most = metres / 1852;
      if (!(most > 0)) return;
      const ten = 10 ** Math.floor(Math.log10(most)), nice = [5, 2, 1].find((n) => n * ten <= most) * ten;
      bar.style.width = `${Math.round(120 * nice / most)}px`;
      length.textContent = `${number(nice, Math.max(0, -Math.floor(Math.log10(nice) + 1e-9)))} ${say("hải lý", "nm")}`;
      cursor.title = say("Chép tọa độ vừa bấm trên bản đồ (phím C: tọa độ dưới con trỏ)", "Copy the position last clicked on the map (key C: the one under the cursor)");
      if (!under) show(map.getCenter().wrap());
    };
    const copy = (at) => {
      const text = `${position(at)} (${at.lat.toFixed(5)}, ${at.lng.toFixed(5)})`;
      const done = () => { cursor.textContent = say("Đã chép tọa độ", "Position copied"); clearTimeout(flash); flash = setTimeout(() => show(under || at), 1200); };
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => {});
      api.copied = text;
    };
    map.on("moveend resize haidang:words", measure);
    map.on("mousemove", ({ latlng }) => { under = latlng.wrap(); show(under); });
    map.on("click", ({ latlng }) => { clicked = latlng.wrap(); });
    map.on("mouseout", () => { under = null; });
    L.DomEvent.on(box, "mousemove", (event) => { L.DomEvent.stopPropagation(event); show(clicked || map.getCenter().wrap()); });
    cursor.onclick = () => copy(clicked || map.getCenter().wrap());
    const key = (event) => { if (event.key.toLowerCase() === "c" && under && !event.ctrlKey && !event.metaKey && !event.altKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) copy(under); };
    addEventListener("keydown", key);
    map.on("unload", () => removeEventListener("keydown", key));
    map.whenReady(measure);
  });

  // ---- over-layers by configuration -----------------------------------------------------------------------------------
  let wanted = null, library = null;
  function protomaps() {
    return (library = library || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("vendor/protomaps-leaflet/protomaps-leaflet.js", base).href;
      script.onload = resolve;
      script.onerror = () => { library = null; reject(new Error("base map: protomaps-leaflet.js could not be loaded")); };
      document.head.append(script);
    }));
  }
  // Ground only, in our colours: no names (ours stand) and no boundaries (those of the world's files are not ours to draw).
  function ground({ sea, land, coast, water }) {
    const { PolygonSymbolizer: Area, LineSymbolizer: Line } = protomapsL, polygon = (zoom, each) => each.geomType === 3, line = (zoom, each) => each.geomType === 2;
    return [
      { dataLayer: "earth", symbolizer: new Area({ fill: land }), filter: polygon },
      { dataLayer: "landuse", symbolizer: new Area({ fill: mix(land, coast, 0.12) }), filter: polygon },
      { dataLayer: "water", symbolizer: new Area({ fill: sea }), filter: polygon },
      { dataLayer: "water", symbolizer: new Line({ color: water, width: 1 }), filter: line, minzoom: 9 },
      { dataLayer: "buildings", symbolizer: new Area({ fill: mix(land, coast, 0.3) }), filter: polygon, minzoom: 14 },
      { dataLayer: "roads", symbolizer: new Line({ color: mix(land, coast, 0.6), width: (zoom) => (zoom < 13 ? 0.7 : zoom < 16 ? 1.4 : 3) }), filter: line, minzoom: 8 },
    ];
  }
  const OVER = {
    tiles: ({ url, attribution = "", opacity = 1, max_zoom = 22 }) => L.tileLayer(url, { zIndex: 2, maxZoom: 22, maxNativeZoom: max_zoom, attribution, opacity }),
    pmtiles: ({ url, attribution, opacity = 1, max_zoom = 15 }) => protomapsL.leafletLayer({
      url, zIndex: 2, opacity, attribution, maxDataZoom: max_zoom, paintRules: ground(colours.tiles), labelRules: [],
    }),
  };

  // ---- every map gets it ----------------------------------------------------------------------------------------------
  function attach(map) {
    if (map.options.basemap === false) return;
    const layer = new (Tiles())().addTo(map), names = new Names(map);
    plates().addTo(map);
    ruler().addTo(map);
    const mine = { map, layer, names, over: null, marks: null,
      restyle() { layer.repaint(); if (this.marks) this.marks.repaint(); names.layout(); map.fire("haidang:words"); if (wanted && wanted.kind === "pmtiles") this.cover(); },
      // The archipelagos' islands are drawn again above whatever covers the base map.
      cover() {
        const old = this.over;
        this.over = wanted && OVER[wanted.kind](wanted).addTo(map);
        if (old) old.remove();
        if (wanted && !this.marks) this.marks = new (Tiles())({ zIndex: 3, marks: true, className: "basemap-marks" }).addTo(map);
        else if (!wanted && this.marks) { this.marks.remove(); this.marks = null; }
      } };
    maps.add(mine);
    if (wanted) mine.cover();
    map.on("unload", () => maps.delete(mine));
    map.on("resize", () => { if (mine.dpr && mine.dpr !== density()) layer.repaint(); mine.dpr = density(); });
  }

  const api = {
    ready, drawn_ms: [],
    places: () => gazetteer.places,
    land: (points) => ask({ do: "land", points }),
    survey: () => ask({ do: "survey" }),
    // Draws a service above the base map and under everything else; over(null) takes it away. Given {kind: "tiles" (a URL
    // with {z} {x} {y}) or "pmtiles" (a vector file in Protomaps' scheme), url, attribution?, opacity?, max_zoom?}.
    async over(given) {
      if (given && !(given.kind in OVER)) throw new Error(`base map: over-layer kind "${given.kind}" is not known; use "tiles" or "pmtiles"`);
      if (given && given.kind === "pmtiles") await protomaps();
      wanted = given;
      for (const each of maps) each.cover();
    },
  };
  window.haidang = Object.assign(window.haidang || {}, { basemap: api });
  L.Map.addInitHook(function () { this.whenReady(() => attach(this)); });
})();
