/* The drawing worker: owns the live connection and the objects, draws them to bitmaps, answers what is where. */
import { Feed } from "./live/feed.worker.js";
import { Labels } from "./live/label.worker.js";
import { Scene } from "./live/scene.worker.js";
import { Sheet } from "./live/sheet.worker.js";
import { age, facts, lostText, valueText } from "./live/words.worker.js";
import { latOf, lonOf } from "./live/state.worker.js";

const POINTS_MS = 33, LABELS_MS = 300, IDLE_MS = 5000; // no more often than the first two; ages fade at least at the last
const EMPTY_MS = 3000; // a server that was just started reads its first boats so long after the greeting
const REST = 3; // after drawing news, rest so many times what it cost: a weak machine draws less often, not worse
const LABELS_FROM_ZOOM = 11, REACH = 12, TOGETHER = 60; // CSS pixels

const scene = new Scene(), sheet = new Sheet(), labels = new Labels();
let feed = null, view = null, theme = null, lang = "vi", shown = true, labelled = true, listed = false, traced = false;
const points = { dirty: false, flying: false, at: 0, gap: POINTS_MS, draw: drawPoints };
const texts = { dirty: false, flying: false, at: 0, gap: LABELS_MS, draw: drawLabels };
let timer = 0, news = null, lastCounts = "", greeted = 0, whole = false;

const say = (type, body, transfer) => self.postMessage({ type, ...body }, transfer || []);
const plain = (text) => text.toUpperCase().replaceAll("Đ", "D"); // as AIS can say it
const now = () => feed.serverNow() / 1000;

function touch(...sheets) {
  for (const one of sheets) one.dirty = true;
  schedule();
}

/* One frame of a kind is on its way at a time; the next waits for its arrival, so the main thread is never flooded. */
function schedule() {
  if (!view || !theme || !shown || !feed) return;
  const t = performance.now();
  const wait = Math.min(...[points, texts].map((one) => (one.dirty && !one.flying ? Math.max(0, one.at + one.gap - t) : Infinity)));
  clearTimeout(timer);
  if (wait < Infinity) timer = setTimeout(render, wait);
}

function render() {
  const t = performance.now();
  for (const one of [points, texts]) if (one.dirty && !one.flying && t >= one.at + one.gap - 1) run(one);
  schedule();
}

function run(one) {
  one.dirty = false;
  one.flying = true;
  one.at = performance.now();
  one.draw();
  const cost = performance.now() - one.at;
  one.gap = Math.min(1000, Math.max(one === points ? POINTS_MS : LABELS_MS, (1 + REST) * cost));
}

/* The operator moved something: draw that as soon as it can be. */
function hurry(...sheets) {
  for (const one of sheets) one.gap = one === points ? POINTS_MS : LABELS_MS;
  touch(...sheets);
}

function sizeAt(zoom) { return zoom < 5 ? 0.6 : zoom < 7 ? 0.72 : zoom < 9 ? 0.86 : 1; }

function drawPoints() {
  const t0 = performance.now(), factor = view.dpr * (view.scale || 1), size = sizeAt(view.zoom), { sprites } = scene;
  sprites.set(theme, factor, size, scene.seen < (sprites.cased ? 6000 : 4000));
  sheet.open(view);
  scene.draw(sheet, view, now());
  const frame = sheet.close();
  const cost = traced ? { ms: performance.now() - t0, seen: scene.seen, ...news } : null;
  news = null;
  say("frame", { sheet: "points", view: view.id, cost, ...frame }, [frame.bitmap]);
}

function drawLabels() {
  labels.open(view);
  const wanted = [], all = labelled && view.zoom >= LABELS_FROM_ZOOM, t = now();
  const world = 256 * 2 ** view.zoom;
  const beside = new Map();
  const want = (layer, h, rank, gap, second) => {
    const text = layer.labels[h] || (rank < 2 ? layer.keys[h] : null);
    if (!text) return;
    const copy = Math.round((view.x + view.w / 2) / world - layer.x[h]);
    const one = { id: `${layer.index} ${h}`, x: (layer.x[h] + copy) * world - labels.left, y: layer.y[h] * world - labels.upper, text, second, rank, gap };
    const name = plain(text), other = beside.get(name);
    // One boat by AIS and by its device: where the two marks lie together, its name stands once.
    if (other && Math.abs(other.x - one.x) < TOGETHER && Math.abs(other.y - one.y) < TOGETHER) return;
    beside.set(name, one);
    wanted.push(one);
  };
  const named = new Set();
  const once = (object, rank, gap) => {
    if (!object || named.has(`${object.layer.index} ${object.handle}`)) return;
    const { layer, handle: h } = object;
    named.add(`${layer.index} ${h}`);
    want(layer, h, rank, gap, t - layer.observed[h] > layer.lostS ? lostText(layer, h, t, lang) : rank === 0 && !layer.looks ? valueText(layer, h, lang) : null);
  };
  once(scene.handleOf(scene.chosen), 0, scene.alarms.has(`${scene.chosen?.layer} ${scene.chosen?.key}`) ? 22 : 16);
  for (const alarm of scene.alarms.values()) once(scene.handleOf(alarm), 1, alarm.severity === "critical" ? 22 : 17);
  for (const layer of scene.layers) {
    if (layer.distress.includes(true)) for (let h = 0; h < layer.size; h++) if (layer.distress[layer.kind[h]]) once({ layer, handle: h }, 1, 12);
  }
  if (all) {
    for (let i = scene.seen - 1, n = 0; i >= 0 && n < 6000; i--, n++) { // what was drawn last lies on top, and is named first
      const layer = scene.layers[scene.seenLayer[i]], h = scene.seenHandle[i];
      if (!layer || !layer.has(h) || named.has(`${layer.index} ${h}`) || !layer.labels[h]) continue;
      want(layer, h, 2, t - layer.observed[h] > layer.staleS[layer.kind[h]] ? 12 : 9, null);
    }
  }
  if (!wanted.length && labels.empty) { texts.flying = false; return; }
  labels.empty = !wanted.length;
  // The same names in the same places are on the screen already.
  if (!labels.draw(wanted, theme, view.scale || 1)) { texts.flying = false; return; }
  const frame = labels.close();
  say("frame", { sheet: "names", view: view.id, ...frame }, [frame.bitmap]);
}

const told = {
  hello(message) {
    scene.hello(message);
    [greeted, whole] = [performance.now(), false];
    say("hello", { simulated: message.simulated, epoch: message.epoch });
    touch(points, texts);
  },
  frame(kind, index, buffer, count, serverMs, seq) {
    const layer = scene.layers[index];
    if (!layer) return;
    const t0 = performance.now();
    if (kind === 1) layer.clear();
    if (kind === 3) layer.remove(buffer, count);
    else layer.records(buffer, count, serverMs);
    if (traced) news = { seq, count, bytes: buffer.byteLength, heard: news?.heard ?? performance.timeOrigin + t0 };
    touch(points, texts);
    tellChosen();
  },
  text(message) {
    if (message.type === "names") {
      const layer = scene.layer(message.layer);
      if (layer) layer.names(message.rows);
      touch(points, texts);
      tellChosen();
    } else {
      if (message.type === "feeds") whole = true; // it follows the last of a snapshot
      say("news", { message });
    }
  },
  connection(state) { say("connection", { state }); },
};

function place({ layer, handle }) {
  return { layer: layer.name, key: layer.keys[handle], lat: latOf(layer.y[handle]), lon: lonOf(layer.x[handle]) };
}

function tellChosen(fly) {
  const object = scene.handleOf(scene.chosen);
  if (object) say("place", { place: place(object), fly });
}

function hit({ x, y, zoom, id, click }) {
  const found = scene.hit(x, y, zoom, REACH * (view?.scale || 1));
  if (!found) return say("hit", { id, click, found: null });
  if (found.cluster) return say("hit", { id, click, found: { layer: found.layer.name, cluster: found.cluster } });
  say("hit", { id, click, found: { ...place(found), facts: facts(found.layer, found.handle, now(), lang) } });
}

function tellCounts() {
  if (!feed) return;
  const counts = Object.fromEntries(scene.layers.map((layer) => [layer.name, layer.counts(now())])), text = JSON.stringify(counts);
  // What is on its way is not nothing: an empty sea is said of only when it stays empty.
  if ((!whole || performance.now() - greeted < EMPTY_MS) && !Object.values(counts).some((one) => one.total)) return;
  if (text !== lastCounts) say("counts", { counts });
  lastCounts = text;
}

/* Up to 200 objects in view, nearest to its middle first. */
function tellRows() {
  if (!listed || !view || !feed) return;
  const world = 256 * 2 ** view.zoom, cx = (view.x + view.w / 2) / world, cy = (view.y + view.h / 2) / world;
  const halfX = view.w / 2 / world, halfY = view.h / 2 / world, near = [];
  for (let i = 0; i < scene.seen; i++) {
    const layer = scene.layers[scene.seenLayer[i]], h = scene.seenHandle[i];
    if (!layer || !layer.has(h)) continue;
    const dx = Math.abs(layer.x[h] - (cx - Math.floor(cx))), dy = Math.abs(layer.y[h] - cy);
    if (dx <= halfX && dy <= halfY) near.push({ layer, h, d: dx * dx + dy * dy });
  }
  near.sort((a, b) => a.d - b.d);
  const t = now();
  say("rows", {
    rows: near.slice(0, 200).map(({ layer, h }) => ({
      layer: layer.name, key: layer.keys[h], label: layer.labels[h] || layer.keys[h], kind: layer.kinds[layer.kind[h]].name, marked: layer.marked[h] === 1,
      speed: Number.isNaN(layer.value[h]) ? null : Math.round(layer.value[h] * 10) / 10, age_s: Math.max(0, Math.round(t - layer.observed[h])), age: age(t - layer.observed[h], lang),
    })),
  });
}

const orders = {
  start({ url }) { feed ??= new Feed(url, told); },
  view(order) { view = order.view; hurry(points, texts); },
  theme(order) { theme = order.theme; lang = order.lang === "en" ? "en" : "vi"; hurry(points, texts); },
  async fonts({ fonts }) {
    await Promise.allSettled(fonts.map(({ src, weight, range }) => {
      const face = new FontFace("Be Vietnam Pro", `url(${src})`, { weight, unicodeRange: range });
      self.fonts.add(face);
      return face.load();
    }));
    labels.forget();
    scene.sprites.clear();
    touch(points, texts);
  },
  filter({ options }) { if (scene.filter(options)) hurry(points, texts); },
  alarms({ list }) { scene.setAlarms(list); touch(points, texts); },
  choose({ object, fly }) { scene.chosen = object; texts.at = 0; hurry(points, texts); tellChosen(fly); },
  labels({ on }) { labelled = on; touch(texts); },
  rows({ on }) { listed = on; tellRows(); },
  shown({ on }) { shown = on; touch(points, texts); },
  arrived({ sheet: name }) { (name === "points" ? points : texts).flying = false; schedule(); },
  trace({ on }) { traced = on; },
  hit,
};

self.onmessage = ({ data }) => orders[data.type]?.(data);
setInterval(tellCounts, 1000);
setInterval(tellRows, 2000);
setInterval(() => { if (feed) touch(points, texts); }, IDLE_MS);
