// Draws the tiles of the offline base map away from the page's main thread, and answers where land and sea are.
"use strict";

// ---- reading map.bin (the same layout as geo/basemap.py reads) ------------------------------------------------------
function varints(bytes, count) {
  const out = new Float64Array(count);
  let at = 0, value = 0, place = 1;
  for (let i = 0; i < bytes.length; i++) {
    value += (bytes[i] & 127) * place;
    if (bytes[i] < 128) { out[at++] = value; value = 0; place = 1; } else place *= 128;
  }
  return out;
}

// {head, sections: {name: {kinds, counts, levels, points}}}; points are whole units of head.unit degrees, lon then lat.
function parse(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0, false) !== 0x4844424d || view.getUint32(4, true) !== 1) throw new Error("map.bin: not a base map of version 1");
  const size = view.getUint32(8, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, size)));
  const blob = ([start, length]) => new Uint8Array(buffer, 12 + size + start, length);
  const sections = {};
  for (const [name, entry] of Object.entries(head.sections)) {
    const points = varints(blob(entry.points), entry.vertices * 2);
    for (let i = 0; i < points.length; i++) {
      const odd = points[i] % 2;
      points[i] = (odd ? -(points[i] + 1) / 2 : points[i] / 2) + (i > 1 ? points[i - 2] : 0);
    }
    const packed = blob(entry.levels), levels = new Uint8Array(entry.vertices);
    for (let i = 0; i < levels.length; i++) levels[i] = (packed[i >> 2] >> ((i & 3) * 2)) & 3;
    sections[name] = { kinds: blob(entry.kinds), counts: varints(blob(entry.counts), entry.parts), levels, points };
  }
  return { head, sections };
}

// ---- one level of one section, in mercator world coordinates (0..1, y down), cut in chunks with boxes ----------------
const CHUNK = 48;
const mercatorY = (lat) => {
  const s = Math.sin(Math.max(-85.06, Math.min(85.06, lat)) * Math.PI / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
};

// parts: [{kind, xy, box, chunks}] where chunk c spans vertices c*CHUNK .. (c+1)*CHUNK inclusive (rings wrap to 0).
function project(section, unit, level, closed) {
  const parts = [], turn = Math.round(360 / unit); // whole, so that 180 degrees become exactly 0 and 1
  let at = 0;
  for (let p = 0; p < section.counts.length; p++) {
    const end = at + section.counts[p];
    let n = 0;
    for (let i = at; i < end; i++) if (section.levels[i] <= level) n++;
    if (n >= (closed ? 3 : 2)) {
      const xy = new Float64Array((n + (closed ? 1 : 0)) * 2);
      let k = 0;
      for (let i = at; i < end; i++) {
        if (section.levels[i] > level) continue;
        xy[k++] = 0.5 + section.points[2 * i] / turn;
        xy[k++] = mercatorY(section.points[2 * i + 1] * unit);
      }
      if (closed) { xy[k] = xy[0]; xy[k + 1] = xy[1]; n++; }
      parts.push(boxed(section.kinds[p], xy, n));
    }
    at = end;
  }
  return parts;
}

function boxed(kind, xy, n) {
  const count = Math.ceil((n - 1) / CHUNK), chunks = new Float64Array(count * 4), box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let c = 0; c < count; c++) {
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (let i = c * CHUNK; i <= Math.min(n - 1, (c + 1) * CHUNK); i++) {
      const x = xy[2 * i], y = xy[2 * i + 1];
      if (x < x0) x0 = x; if (x > x1) x1 = x; if (y < y0) y0 = y; if (y > y1) y1 = y;
    }
    chunks.set([x0, y0, x1, y1], c * 4);
    box[0] = Math.min(box[0], x0); box[1] = Math.min(box[1], y0); box[2] = Math.max(box[2], x1); box[3] = Math.max(box[3], y1);
  }
  return { kind, xy, n, box, chunks, count };
}

let map = null, marks = [];
const drawn = new Map(); // level -> {shore, line}
function levelAt(zoom) {
  let level = 0;
  map.head.levels.forEach((each, i) => { if (zoom >= each.zoom) level = i; });
  return level;
}
function geometry(level) {
  if (!drawn.has(level)) drawn.set(level, {
    shore: project(map.sections.shore, map.head.unit, level, true),
    line: project(map.sections.line, map.head.unit, level, false),
  });
  return drawn.get(level);
}

// ---- drawing --------------------------------------------------------------------------------------------------------
// Skia keeps 24 bits: far vertices are pulled in, which no pixel of the tile can see.
const FAR = 1 << 20;
const pull = (v) => (v < -FAR ? -FAR : v > FAR ? FAR : v);

function draw(path, xy, i, curve, x0, y0, scale) {
  const x = pull((xy[2 * i] - x0) * scale), y = pull((xy[2 * i + 1] - y0) * scale);
  if (curve) path.quadraticCurveTo(x, y, (x + pull((xy[2 * i + 2] - x0) * scale)) / 2, (y + pull((xy[2 * i + 3] - y0) * scale)) / 2);
  else path.lineTo(x, y);
}

// Adds the rings to the path. A chunk wholly on one side of the window is replaced by its chord, which lies on that
// side too: what the window shows is exact, nothing is clipped, so land and sea can never be exchanged.
// Rings under `least` pixels are left out. `curve` rounds the corners: vertices steer, their midpoints are passed.
function addRings(path, parts, kind, win, scale, least, curve) {
  const [wx0, wy0, wx1, wy1] = win, tiny = least / scale;
  for (const part of parts) {
    if (part.kind !== kind) continue;
    const b = part.box;
    if (b[2] - b[0] < tiny || b[0] > wx1 || b[2] < wx0 || b[1] > wy1 || b[3] < wy0) continue;
    const xy = part.xy, chunks = part.chunks;
    path.moveTo(pull((xy[0] - wx0) * scale), pull((xy[1] - wy0) * scale));
    for (let c = 0; c < part.count; c++) {
      const last = Math.min(part.n - 1, (c + 1) * CHUNK), k = c * 4;
      const outside = chunks[k] > wx1 || chunks[k + 2] < wx0 || chunks[k + 1] > wy1 || chunks[k + 3] < wy0;
      for (let i = outside ? last : c * CHUNK + 1; i <= last; i++) draw(path, xy, i, i < last && !outside && curve, wx0, wy0, scale);
    }
    path.closePath();
  }
}

// Adds the visible chunks as open lines. Edges along the map's own seams (180°, and 0° in Antarctica) are no coast.
function addLines(path, parts, kinds, win, scale, least, curve) {
  const [wx0, wy0, wx1, wy1] = win, tiny = least / scale;
  for (const part of parts) {
    if (!kinds.includes(part.kind)) continue;
    const b = part.box;
    if ((b[2] - b[0] < tiny && b[3] - b[1] < tiny) || b[0] > wx1 || b[2] < wx0 || b[1] > wy1 || b[3] < wy0) continue;
    const xy = part.xy, chunks = part.chunks;
    let pen = -1;
    for (let c = 0; c < part.count; c++) {
      const k = c * 4;
      if (chunks[k] > wx1 || chunks[k + 2] < wx0 || chunks[k + 1] > wy1 || chunks[k + 3] < wy0) continue;
      const first = c * CHUNK, last = Math.min(part.n - 1, first + CHUNK);
      if (pen !== first) path.moveTo(pull((xy[2 * first] - wx0) * scale), pull((xy[2 * first + 1] - wy0) * scale));
      for (let i = first + 1; i <= last; i++) {
        const x = xy[2 * i], y = xy[2 * i + 1];
        const seam = (x === xy[2 * i - 2] && (x === 0 || x === 1 || (x === 0.5 && y > 0.7))) || (y > 1 && xy[2 * i - 1] > 1);
        if (seam) path.moveTo(pull((x - wx0) * scale), pull((y - wy0) * scale));
        else draw(path, xy, i, i < last && curve, wx0, wy0, scale);
      }
      pen = last;
    }
  }
}

// The world copies (whole turns) that a window of world coordinates touches.
function turns(x0, x1) {
  const found = [];
  for (let k = Math.floor(x0); k <= Math.ceil(x1) - 1 || k === Math.floor(x0); k++) found.push(k);
  return found;
}

const STEPS = [[0, 30], [3, 20], [4, 10], [5, 5], [7, 2], [8, 1], [9, 0.5], [11, 0.25], [12, 0.1], [14, 0.05], [15, 0.02], [16, 0.01]];
function graticule(ctx, win, scale, zoom, style, dpr, size) {
  let step = 30;
  for (const [from, value] of STEPS) if (zoom >= from) step = value;
  ctx.strokeStyle = style.grid;
  ctx.lineWidth = dpr;
  ctx.beginPath();
  const crisp = (v) => Math.floor(v) + (dpr % 2 ? 0.5 : 0);
  const west = (win[0] - 0.5) * 360, east = (win[2] - 0.5) * 360;
  for (let i = Math.floor(west / step); i * step <= east; i++) {
    const x = crisp((0.5 + i * step / 360 - win[0]) * scale);
    ctx.moveTo(x, 0); ctx.lineTo(x, size);
  }
  for (let i = Math.floor(-85 / step); i * step <= 85; i++) {
    const y = crisp((mercatorY(i * step) - win[1]) * scale);
    if (y >= -1 && y <= size + 1) { ctx.moveTo(0, y); ctx.lineTo(size, y); }
  }
  ctx.stroke();
}

function drawMarks(ctx, win, scale, zoom, style, dpr) {
  const small = zoom < 5 ? 0.8 : zoom < 7 ? 1.3 : zoom < 9 ? 1.9 : 2.4;
  ctx.lineWidth = dpr;
  for (const mark of marks) {
    if (zoom < mark.from) continue;
    const x = (mark.x - win[0]) * scale, y = (mark.y - win[1]) * scale;
    if (x < -20 || y < -20 || x > 4e3 || y > 4e3) continue;
    ctx.beginPath();
    ctx.arc(x, y, (mark.dot ? 1.8 : small) * dpr, 0, 7);
    if (mark.dot) { ctx.fillStyle = style.dot; ctx.fill(); }
    else if (mark.reef && zoom >= 7) { ctx.strokeStyle = style.mark; ctx.stroke(); }
    else { ctx.fillStyle = style.mark; ctx.fill(); }
  }
}

// Over an opaque over-layer: nothing but the islands.
function paintMarks(ctx, { z, x, y, size, dpr }, style) {
  const world = 256 * 2 ** z * dpr, x0 = x * size * dpr / world, y0 = y * size * dpr / world;
  ctx.clearRect(0, 0, size * dpr, size * dpr);
  for (const k of turns(x0, x0 + size * dpr / world)) drawMarks(ctx, [x0 - k, y0], world, z, style, dpr);
}

function paint(ctx, job, style) {
  const { z, x, y, size, dpr } = job, world = 256 * 2 ** z * dpr, side = size * dpr, pad = 4 * dpr / world;
  const x0 = x * side / world, y0 = y * side / world, span = side / world;
  ctx.fillStyle = style.sea;
  ctx.fillRect(0, 0, side, side);
  graticule(ctx, [x0, y0, x0 + span, y0 + span], world, z, style, dpr, side);
  const { shore, line } = geometry(levelAt(z + (dpr > 1 ? 1 : 0)));
  ctx.lineJoin = ctx.lineCap = "round";
  for (const k of turns(x0, x0 + span)) {
    // Paths are made in a padded window, so its corner, not the tile's, is their origin.
    const win = [x0 - k - pad, y0 - pad, x0 - k + span + pad, y0 + span + pad];
    ctx.setTransform(1, 0, 0, 1, -pad * world, -pad * world);
    const small = (kind) => (kind === 1 ? 0.9 : z < 8 ? 5 : 2) * dpr;
    const stroke = (parts, kinds, color, width, dash) => {
      const path = new Path2D();
      addLines(path, parts, kinds, win, world, parts === shore ? small(kinds[0]) : 0, z > 10);
      ctx.strokeStyle = color; ctx.lineWidth = width * dpr; ctx.setLineDash(dash || []); ctx.lineCap = dash && dash.length ? "butt" : "round"; ctx.stroke(path); ctx.setLineDash([]);
    };
    const fill = (kind, color) => {
      const path = new Path2D();
      addRings(path, shore, kind, win, world, small(kind), z > 10);
      ctx.fillStyle = color; ctx.fill(path, "nonzero");
    };
    fill(1, style.land);
    if (z >= 7) stroke(line, [7], style.water, z < 10 ? 0.6 : Math.min(3, 0.9 + (z - 10) * 0.4));
    if (z >= 4) stroke(line, [6], style.water, z < 8 ? 0.7 : z < 10 ? 1.2 : Math.min(14, 1.6 * 1.55 ** (z - 10)));
    for (const [kind, color] of [[2, style.sea], [3, style.land], [4, style.sea]]) fill(kind, color);
    stroke(line, [5], style.border, z < 5 ? 0.6 : 1, z < 5 ? [] : [5 * dpr, 3 * dpr]);
    stroke(shore, [1], style.coast, z < 5 ? 0.6 : 1.1);
    if (z >= 5) stroke(shore, [2, 3, 4], style.coast, 0.8);
    drawMarks(ctx, win, world, z, style, dpr);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
  }
}

// ---- land or sea ----------------------------------------------------------------------------------------------------
// Even-odd rule at world coordinates (x, y), over the finest shores: a ray to the east.
function onLand(x, y, level) {
  let odd = false;
  for (const part of geometry(level).shore) {
    const b = part.box;
    if (b[1] > y || b[3] < y || b[2] < x || b[0] > x) continue;
    const xy = part.xy;
    for (let c = 0; c < part.count; c++) {
      const k = c * 4;
      if (part.chunks[k + 1] > y || part.chunks[k + 3] < y || part.chunks[k + 2] < x) continue;
      for (let i = c * CHUNK + 1; i <= Math.min(part.n - 1, (c + 1) * CHUNK); i++) {
        const ay = xy[2 * i - 1], by = xy[2 * i + 1];
        if ((ay > y) !== (by > y) && x < xy[2 * i - 2] + (y - ay) / (by - ay) * (xy[2 * i] - xy[2 * i - 2])) odd = !odd;
      }
    }
  }
  return odd;
}

function land(points) {
  return points.map(([lon, lat]) => onLand((((lon + 180) % 360) + 360) % 360 / 360, mercatorY(lat), 3));
}

// Where in a window [west, south, east, north] (degrees) the East Sea leaves most room: {lon, lat, room} or null.
// `aspect` is the wanted width / height of that room; room is its half height as a share of the window's height.
function openSea({ window: [west, south, east, north], outline, aspect, taken }) {
  const cols = 48, rows = 30, x0 = 0.5 + west / 360, x1 = 0.5 + east / 360, y0 = mercatorY(north), y1 = mercatorY(south);
  const free = new Uint8Array(cols * rows), ring = outline.map(([lon, lat]) => [0.5 + lon / 360, mercatorY(lat)]);
  const level = levelAt(Math.log2(6 / (x1 - x0)) + 1);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) {
    const x = x0 + (c + 0.5) / cols * (x1 - x0), y = y0 + (r + 0.5) / rows * (y1 - y0), turned = x - Math.floor(x);
    let inside = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      if ((ring[i][1] > y) !== (ring[j][1] > y) && turned < ring[i][0] + (y - ring[i][1]) / (ring[j][1] - ring[i][1]) * (ring[j][0] - ring[i][0])) inside = !inside;
    }
    const u = (c + 0.5) / cols, v = (r + 0.5) / rows;
    const used = taken.some(([a, b, d, e]) => u > a && u < d && v > b && v < e);
    free[r * cols + c] = inside && !used && !onLand(turned, y, level) ? 1 : 0;
  }
  let best = null;
  for (let r = 1; r < rows - 1; r++) for (let c = 1; c < cols - 1; c++) {
    if (!free[r * cols + c]) continue;
    let k = 0;
    for (let grows = true; grows; k++) {
      const wide = Math.round((k + 1) * aspect * cols / rows), high = k + 1;
      if (r - high < 0 || r + high >= rows || c - wide < 0 || c + wide >= cols) break;
      for (let i = -high; i <= high && grows; i++) for (let j = -wide; j <= wide; j++) if (!free[(r + i) * cols + c + j]) { grows = false; break; }
      if (!grows) break;
    }
    const off = Math.hypot((c - cols / 2) / cols, (r - rows / 2) / rows), score = Math.min(k, 6) - off * 2;
    if (!best || score > best.score) best = { score, r, c, k };
  }
  if (!best) return null;
  const x = x0 + (best.c + 0.5) / cols * (x1 - x0), y = y0 + (best.r + 0.5) / rows * (y1 - y0);
  return { lon: (x - 0.5) * 360, lat: Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI, room: (best.k + 0.5) / rows };
}

// ---- messages -------------------------------------------------------------------------------------------------------
let style = null, queue = [], busy = false;
const canvases = {};
const next = new MessageChannel();
next.port1.onmessage = work;

function work() {
  busy = false;
  const job = queue.shift();
  if (!job) return;
  const side = job.size * job.dpr;
  const sort = job.marks ? "marks" : "ground";
  if (!canvases[sort] || canvases[sort].width !== side) canvases[sort] = new OffscreenCanvas(side, side);
  const canvas = canvases[sort], started = performance.now();
  (job.marks ? paintMarks : paint)(canvas.getContext("2d", { alpha: Boolean(job.marks) }), job, style);
  const bitmap = canvas.transferToImageBitmap();
  postMessage({ do: "tile", id: job.id, bitmap, ms: performance.now() - started }, [bitmap]);
  wake();
}
function wake() {
  if (!busy && map && style && queue.length) { busy = true; next.port2.postMessage(0); }
}
function survey() {
  return Object.fromEntries(Object.entries(map.sections).map(([name, s]) => {
    let sum = 0, at = 0;
    for (let i = 0; i < s.points.length; i++) sum = (sum * 31 + s.points[i] + 1e8) % 4294967291;
    for (let i = 0; i < s.levels.length; i++) at += s.levels[i];
    return [name, { parts: s.counts.length, vertices: s.levels.length, levels: at, checksum: sum }];
  }));
}

const answers = { land: ({ points }) => land(points), openSea, survey };
const waiting = [];
self.onmessage = ({ data }) => {
  if (data.do === "load") {
    marks = data.marks.map((m) => ({ ...m, x: 0.5 + m.lon / 360, y: mercatorY(m.lat) }));
    fetch(data.url).then((reply) => {
      if (!reply.ok) throw new Error(`map.bin: HTTP ${reply.status}`);
      return reply.arrayBuffer();
    }).then((buffer) => {
      map = parse(buffer);
      postMessage({ do: "loaded" });
      while (waiting.length) self.onmessage(waiting.shift());
      wake();
    }).catch((error) => postMessage({ do: "failed", why: String(error.message || error) }));
  } else if (data.do === "style") { style = data.style; wake(); }
  else if (data.do === "tile") { queue.push(data); wake(); }
  else if (data.do === "drop") queue = queue.filter((job) => job.id !== data.id);
  else if (!map) waiting.push({ data });
  else postMessage({ do: "answer", id: data.id, value: answers[data.do](data) });
};
