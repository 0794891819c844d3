/* The scene: which objects of which layers stand where on the sheet, how they look now, and what lies under the pointer. */
import "../vendor/supercluster/supercluster.worker.js";
import { Layer, latOf, lonOf } from "./state.worker.js";
import { DOT, LEVELS, LOST, STEPS, Sprites } from "./sprite.worker.js";

const RANK = { critical: 0, high: 1, medium: 2, low: 3 };
const CLUSTER_TO_ZOOM = 13;
const STILL = 0.5; // knots
const NOTES_FROM_ZOOM = 6; // further out nobody can look into what is odd
const SECTORS_FROM_ZOOM = 15, SECTOR_M = 60, SECTOR_LEAST = 22, SECTOR_MOST = 100; // its length is no range: as long as it can be seen well
const METRES_A_PIXEL = 156543.03; // at the equator, of zoom 0
const CROWD = 20000; // in view; from here on, of those within the same two pixels one is drawn

export class Scene {
  constructor() {
    this.layers = [];
    this.sprites = new Sprites();
    this.alarms = new Map(); // "layer key" -> {layer, key, severity, state}
    this.chosen = null; // {layer, key}
    this.clusters = new Map();
    this.seenLayer = new Uint8Array(4096); this.seenHandle = new Uint32Array(4096); this.seen = 0;
    this.options = {};
  }

  hello(message) {
    this.layers = message.layers.map((described) => new Layer(described));
    this.filter(this.options);
    this.sprites.clear();
    this.clusters.clear();
  }

  layer(name) { return this.layers.find((layer) => layer.name === name); }

  /* Whether anything of it is new. */
  filter(options) {
    this.options = options;
    let changed = false;
    for (const layer of this.layers) {
      const { off = [], opacity = 1 } = options[layer.name] || {};
      const hidden = Uint8Array.from(layer.kinds, (kind) => (off.includes(kind.name) || off.includes(kind.parent) ? 1 : 0));
      const others = hidden.some((one, i) => one !== layer.off[i]);
      changed ||= others || opacity !== layer.opacity;
      layer.off.set(hidden);
      layer.opacity = opacity;
      if (others) this.clusters.delete(layer.name); // the operator waits for it; news may wait for a second
    }
    return changed;
  }

  setAlarms(list) {
    this.alarms.clear();
    for (const alarm of list) {
      const id = `${alarm.layer} ${alarm.key}`, before = this.alarms.get(id);
      if (!before || RANK[alarm.severity] < RANK[before.severity]) this.alarms.set(id, alarm);
    }
    const print = JSON.stringify([...this.alarms.values()].map(({ layer, key, severity, state }) => [layer, key, severity, state]));
    if (print !== this.alarmed) for (const held of this.clusters.values()) held.version = -1; // a cluster shows the worst that is in it
    this.alarmed = print;
  }

  handleOf(object) {
    const layer = object ? this.layer(object.layer) : undefined, handle = layer?.byKey.get(String(object.key));
    return handle !== undefined && layer.has(handle) ? { layer, handle } : null;
  }

  pose(layer, h, age) {
    if (age > layer.lostS) return LOST;
    if (layer.looks) return DOT; // its sector turns, not its mark
    const angle = layer.angle[h];
    if (angle === 511 || (layer.arrow[layer.kind[h]] && layer.value[h] < STILL)) return DOT;
    return (angle * STEPS / 360 + 0.5 | 0) % STEPS;
  }

  /* Full until a third of the stale age, then ever paler; never so pale that it cannot be seen. */
  level(layer, kind, age) {
    if (layer.distress[kind]) return LEVELS;
    const f = age / layer.staleS[kind], shade = f < 0.33 ? 1 : f < 1 ? 1 - (f - 0.33) / 0.67 * 0.5 : 0.42;
    return Math.max(1, shade * layer.opacity * LEVELS + 0.5 | 0);
  }

  draw(sheet, view, now) {
    this.taken = this.seen > CROWD ? new Uint8Array((sheet.width + 2 >> 1) * (sheet.height + 2 >> 1)) : null;
    this.seen = 0;
    this.noting = view.zoom >= NOTES_FROM_ZOOM;
    this.notes = [];
    const late = [];
    if (view.zoom >= SECTORS_FROM_ZOOM) for (const layer of this.layers) if (layer.looks) this.drawSectors(layer, sheet, view);
    for (const layer of [...this.layers].reverse()) { // what stands first in the legend lies on top
      if (view.zoom < layer.style.min_zoom && !layer.distress.includes(true)) continue;
      if (layer.style.cluster && view.zoom < CLUSTER_TO_ZOOM + 1) this.drawClusters(layer, sheet, view, now);
      else this.drawLayer(layer, sheet, view, now, late);
    }
    for (const { layer, h, x, y } of late) this.drawOne(layer, h, x, y, sheet, now);
    for (const [x, y] of this.notes) sheet.blit(this.sprites.note(false), x, y);
    this.drawMarked(sheet, view, now);
  }

  drawLayer(layer, sheet, view, now, late) {
    const { x: xs, y: ys, kind: kinds, observed, estimated, size, distress, off } = layer, { world, left, upper, pad } = sheet;
    const right = sheet.width - pad, bottom = sheet.height - pad, tooFar = view.zoom < layer.style.min_zoom;
    this.taken?.fill(0); // nothing of one layer hides what is of another
    const table = this.sprites.table(layer), { taken } = this, across = sheet.width + 2 >> 1;
    // The world repeats: shift every object to the copy of the world the view looks at.
    const firstCopy = Math.floor((left + pad) / world), lastCopy = Math.floor((left + right) / world);
    for (let copy = firstCopy; copy <= lastCopy; copy++) {
      const shift = copy * world - left;
      for (let h = 0; h < size; h++) {
        const kind = kinds[h];
        if (kind === 255) continue;
        const x = xs[h] * world + shift | 0, y = ys[h] * world - upper | 0;
        if (x < pad || y < pad || x >= right || y >= bottom) continue;
        if (distress[kind]) { late.push({ layer, h, x, y }); this.see(layer.index, h); continue; }
        if (off[kind] === 1 || tooFar) continue;
        this.see(layer.index, h);
        if (taken) {
          const cell = (y >> 1) * across + (x >> 1);
          if (taken[cell]) continue;
          taken[cell] = 1;
        }
        this.stamp(layer, table, h, kind, estimated[h], now - observed[h], x, y, sheet);
      }
    }
  }

  /* Where each camera looks; under all marks, so that none is hidden. */
  drawSectors(layer, sheet, view) {
    for (let h = 0; h < layer.size; h++) if (!layer.hidden(h)) this.drawSector(layer, h, sheet, view);
  }

  drawSector(layer, h, sheet, view) {
    const p = this.at(layer, h, sheet), scale = view.scale || 1;
    if (p.x < 0 || p.y < 0 || p.x >= sheet.width || p.y >= sheet.height) return;
    const ground = SECTOR_M / (METRES_A_PIXEL * Math.cos(latOf(layer.y[h]) * Math.PI / 180) / 2 ** view.zoom);
    const radius = Math.round(Math.min(SECTOR_MOST, Math.max(SECTOR_LEAST, ground / scale)));
    const angle = layer.angle[h], pose = angle === 511 ? DOT : (angle * STEPS / 360 + 0.5 | 0) % STEPS;
    const sprite = this.sprites.sector(layer, layer.kind[h], pose, layer.value[h], radius);
    if (!sprite) return;
    const { reach } = sprite;
    if (p.x >= reach && p.y >= reach && p.x < sheet.width - reach && p.y < sheet.height - reach) sheet.blit(sprite, p.x, p.y);
  }

  drawOne(layer, h, x, y, sheet, now) {
    this.stamp(layer, this.sprites.table(layer), h, layer.kind[h], layer.estimated[h], now - layer.observed[h], x, y, sheet);
  }

  stamp(layer, table, h, kind, estimated, age, x, y, sheet) {
    const pose = this.pose(layer, h, age), level = this.level(layer, kind, age), stale = age > layer.staleS[kind] ? 1 : 0;
    const at = Sprites.place(kind, estimated, stale, pose, level);
    sheet.blit(table[at] || (table[at] = this.sprites.make(layer, kind, estimated, stale, pose, level)), x, y);
    if (layer.marked[h] && this.noting) this.notes.push([x, y]);
  }

  see(index, h) {
    if (this.seen === this.seenLayer.length) {
      const layers = new Uint8Array(2 * this.seen), handles = new Uint32Array(2 * this.seen);
      layers.set(this.seenLayer); handles.set(this.seenHandle);
      this.seenLayer = layers; this.seenHandle = handles;
    }
    this.seenLayer[this.seen] = index;
    this.seenHandle[this.seen++] = h;
  }

  at(layer, h, sheet) {
    const middle = sheet.left + sheet.width / 2, world = sheet.world;
    const copy = Math.round(middle / world - layer.x[h]);
    return { x: Math.floor((layer.x[h] + copy) * world - sheet.left), y: Math.floor(layer.y[h] * world - sheet.upper) };
  }

  inside(p, sheet) { return p.x >= sheet.pad && p.y >= sheet.pad && p.x < sheet.width - sheet.pad && p.y < sheet.height - sheet.pad; }

  /* Alarm rings and the chosen object, over everything else; what is in alarm is drawn even where the legend hides its kind. */
  drawMarked(sheet, view, now) {
    const chosen = this.handleOf(this.chosen);
    for (const alarm of [...this.alarms.values()].sort((a, b) => RANK[b.severity] - RANK[a.severity])) {
      const object = this.handleOf(alarm);
      if (!object || (chosen && object.layer === chosen.layer && object.handle === chosen.handle)) continue;
      const p = this.at(object.layer, object.handle, sheet);
      if (!this.inside(p, sheet)) continue;
      if (object.layer.hidden(object.handle)) this.see(object.layer.index, object.handle);
      this.drawOne(object.layer, object.handle, p.x, p.y, sheet, now);
      sheet.blit(this.sprites.alarm(alarm.severity, alarm.state === "acknowledged"), p.x, p.y);
    }
    if (!chosen) return;
    const { layer, handle } = chosen, p = this.at(layer, handle, sheet);
    if (!this.inside(p, sheet)) return;
    const alarm = this.alarms.get(`${layer.name} ${layer.keys[handle]}`);
    if (layer.looks && view.zoom < SECTORS_FROM_ZOOM) this.drawSector(layer, handle, sheet, view);
    const pose = this.pose(layer, handle, now - layer.observed[handle]);
    sheet.blit(this.sprites.chosen(layer, layer.kind[handle], layer.estimated[handle], pose, !!alarm), p.x, p.y);
    if (alarm) sheet.blit(this.sprites.alarm(alarm.severity, alarm.state === "acknowledged"), p.x, p.y);
    if (layer.marked[handle]) sheet.blit(this.sprites.note(true), p.x, p.y);
  }

  clusterIndex(layer) {
    let held = this.clusters.get(layer.name);
    if (!held || (held.version !== layer.version && Date.now() - held.at > 1000)) {
      const features = [], worst = new Map();
      for (const alarm of this.alarms.values()) {
        if (alarm.layer === layer.name && alarm.state === "unacknowledged") worst.set(layer.byKey.get(String(alarm.key)), RANK[alarm.severity]);
      }
      for (let h = 0; h < layer.size; h++) {
        if (layer.hidden(h)) continue;
        const properties = { h, kind: layer.kind[h], worst: worst.get(h) ?? 9 };
        features.push({ type: "Feature", properties, geometry: { type: "Point", coordinates: [lonOf(layer.x[h]), latOf(layer.y[h])] } });
      }
      const reduce = (all, one) => { all.worst = Math.min(all.worst, one.worst); all.kind = Math.min(all.kind, one.kind); };
      const options = { radius: 46, maxZoom: CLUSTER_TO_ZOOM, map: ({ worst, kind }) => ({ worst, kind }), reduce };
      held = { version: layer.version, at: Date.now(), index: new self.Supercluster(options).load(features), drawn: [] };
      this.clusters.set(layer.name, held);
    }
    return held;
  }

  drawClusters(layer, sheet, view, now) {
    const held = this.clusterIndex(layer), { world, left, upper } = sheet;
    const west = lonOf(left / world), east = lonOf((left + sheet.width) / world);
    const north = latOf(upper / world), south = latOf((upper + sheet.height) / world);
    held.drawn = [];
    for (const feature of held.index.getClusters([west, south, east, north], Math.floor(view.zoom))) {
      const [lon, lat] = feature.geometry.coordinates, { cluster, h } = feature.properties;
      const ux = lon / 360 + 0.5, s = Math.sin(lat * Math.PI / 180), uy = 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
      const p = { x: Math.floor((ux + Math.round((left + sheet.width / 2) / world - ux)) * world - left), y: Math.floor(uy * world - upper) };
      if (!this.inside(p, sheet)) continue;
      if (!cluster) { this.drawOne(layer, h, p.x, p.y, sheet, now); this.see(layer.index, h); continue; }
      const severity = Object.keys(RANK)[feature.properties.worst];
      sheet.blit(this.sprites.cluster(feature.properties.point_count, layer.kinds[feature.properties.kind].color, severity), p.x, p.y);
      held.drawn.push({ x: ux, y: uy, id: feature.properties.cluster_id, count: feature.properties.point_count });
    }
  }

  /* The drawn object nearest to the unit-square point within `reach` CSS pixels at `zoom`, else a cluster there, else null. */
  hit(x, y, zoom, reach) {
    const world = 256 * 2 ** zoom, limit = (reach / world) ** 2;
    let best = limit, found = null;
    x -= Math.floor(x);
    for (let i = 0; i < this.seen; i++) {
      const layer = this.layers[this.seenLayer[i]], h = this.seenHandle[i];
      if (!layer || h >= layer.size || layer.kind[h] === 255) continue;
      const d = (layer.x[h] - x) ** 2 + (layer.y[h] - y) ** 2;
      if (d <= best) { best = d; found = { layer, handle: h }; }
    }
    if (found) return found;
    for (const layer of this.layers) {
      for (const one of this.clusters.get(layer.name)?.drawn || []) {
        if ((one.x - x) ** 2 + (one.y - y) ** 2 < 2 * limit) {
          return { layer, cluster: { lat: latOf(one.y), lon: lonOf(one.x), zoom: this.clusters.get(layer.name).index.getClusterExpansionZoom(one.id), count: one.count } };
        }
      }
    }
    return null;
  }
}
