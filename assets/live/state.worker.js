/* What is where: one layer's objects as typed arrays addressed by handle, filled from the wire's frames. */
const NONE = 255;
const ESTIMATED = 0x80, MARKED = 0x40, KIND = 0x3f;

function valueOf(code) {
  if (code === 1023) return NaN;
  if (code < 512) return code / 10;
  return code < 768 ? 51.2 + (code - 512) : 306 + (code - 767) * 10;
}

function ageOf(code) {
  if (code < 4096) return code;
  return code < 6144 ? 4096 + (code - 4096) * 30 : 65536 + (code - 6144) * 600;
}

/* Web Mercator as a unit square: x east, y south, both 0 to 1. */
export function unitX(lon) { return lon / 360 + 0.5; }
export function unitY(lat) {
  const s = Math.sin(Math.max(-85.05112878, Math.min(85.05112878, lat)) * Math.PI / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}
export function lonOf(x) { return (x - 0.5) * 360; }
export function latOf(y) { return Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI; }

export class Layer {
  constructor(described) {
    this.name = described.name;
    this.index = described.index;
    this.titles = { vi: described.vi, en: described.en };
    this.style = described.style;
    this.kinds = described.style.kinds;
    this.staleS = this.kinds.map((kind) => kind.stale_s ?? described.style.stale_s);
    this.lostS = described.style.lost_s;
    this.distress = this.kinds.map((kind) => kind.icon === "distress");
    this.arrow = this.kinds.map((kind) => kind.icon === "arrow");
    this.looks = this.kinds.some((kind) => kind.icon.startsWith("wedge")); // its angle is where it looks, its value how wide
    this.off = new Uint8Array(256);
    this.opacity = 1;
    this.version = 0;
    this.clear();
  }

  clear() {
    this.size = 0;
    this.total = 0;
    this.byKey = new Map();
    this.keys = [];
    this.labels = [];
    this.allocate(1024);
    this.version++;
  }

  allocate(capacity) {
    const old = this.kind ? this : null;
    const grown = (name, Type, fill) => {
      const array = new Type(capacity);
      if (fill !== undefined) array.fill(fill);
      if (old && this.size) array.set(old[name].subarray(0, this.size));
      this[name] = array;
    };
    grown("x", Float64Array);
    grown("y", Float64Array);
    grown("observed", Float64Array); // seconds since 1970 by the server's clock
    grown("value", Float32Array, NaN);
    grown("angle", Uint16Array, 511);
    grown("estimated", Uint8Array);
    grown("marked", Uint8Array);
    grown("simulated", Uint8Array);
    grown("kind", Uint8Array, NONE);
  }

  reach(handle) {
    if (handle >= this.kind.length) {
      let capacity = this.kind.length;
      while (capacity <= handle) capacity *= 2;
      this.allocate(capacity);
    }
    if (handle >= this.size) this.size = handle + 1;
  }

  /* Records of a snapshot or a delta: 16 bytes each, beginning 24 bytes into the message. */
  records(buffer, count, serverMs) {
    const words = new Uint32Array(buffer, 24, count * 4);
    const signed = new Int32Array(buffer, 24, count * 4);
    const now = serverMs / 1000;
    for (let i = 0, w = 0; i < count; i++, w += 4) {
      const head = words[w], tail = words[w + 3];
      const handle = head & 0xffffff;
      if (handle >= this.size) this.reach(handle);
      if (this.kind[handle] === NONE) this.total++;
      const kind = head >>> 24;
      this.kind[handle] = kind & KIND;
      this.estimated[handle] = kind & ESTIMATED ? 1 : 0;
      this.marked[handle] = kind & MARKED ? 1 : 0;
      this.x[handle] = unitX(signed[w + 1] / 1e7);
      this.y[handle] = unitY(signed[w + 2] / 1e7);
      this.angle[handle] = tail & 511;
      this.value[handle] = valueOf((tail >>> 9) & 1023);
      this.observed[handle] = now - ageOf(tail >>> 19);
    }
    this.version++;
  }

  remove(buffer, count) {
    const handles = new Uint32Array(buffer, 24, count);
    for (const handle of handles) {
      if (handle >= this.size || this.kind[handle] === NONE) continue;
      this.kind[handle] = NONE;
      this.total--;
      if (this.byKey.get(this.keys[handle]) === handle) this.byKey.delete(this.keys[handle]);
      this.keys[handle] = this.labels[handle] = undefined;
    }
    this.version++;
  }

  names(rows) {
    for (const [handle, key, label, simulated] of rows) {
      this.reach(handle);
      this.keys[handle] = key;
      this.labels[handle] = label;
      this.simulated[handle] = simulated ? 1 : 0;
      this.byKey.set(key, handle);
    }
  }

  has(handle) { return handle < this.size && this.kind[handle] !== NONE; }

  /* Hidden by the legend; a distress signal never is. */
  hidden(handle) { const kind = this.kind[handle]; return kind === NONE || (this.off[kind] === 1 && !this.distress[kind]); }

  counts(now) {
    const kinds = new Array(this.kinds.length).fill(0), old = new Array(this.kinds.length).fill(0);
    for (let h = 0; h < this.size; h++) {
      const kind = this.kind[h];
      if (kind === NONE) continue;
      kinds[kind]++;
      if (now - this.observed[h] > this.staleS[kind]) old[kind]++;
    }
    const named = (found) => Object.fromEntries(this.kinds.map((kind, i) => [kind.name, found[i]]));
    return { total: this.total, stale: old.reduce((sum, n) => sum + n, 0), kinds: named(kinds), stale_kinds: named(old) };
  }
}
