/* Marks as pixels: every icon, colour, rotation and age drawn once on a small canvas, then kept as lists of coloured pixels. */
export const STEPS = 64; // rotations
export const LEVELS = 15; // steps of opacity
export const DOT = STEPS, LOST = STEPS + 1; // poses beside the rotations
const SIZE = 1.08, SMALLER = { fishing: 0.9 }; // small craft are many: drawn a little smaller than merchant ships

function outline(c, points) {
  c.beginPath();
  points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.closePath();
}

const SHAPES = {
  arrow(c) { outline(c, [[0, -6.6], [4.3, 5.2], [0, 2.7], [-4.3, 5.2]]); },
  dot(c) { c.beginPath(); c.arc(0, 0, 2.9, 0, 2 * Math.PI); },
  square(c) { c.beginPath(); c.rect(-3, -3, 6, 6); },
  diamond(c) { outline(c, [[0, -4.6], [4.6, 0], [0, 4.6], [-4.6, 0]]); },
  // Whether a camera shows anything, by shape: a full square, two lines, a pause, a cross, an empty square.
  wedge(c) { c.beginPath(); c.rect(-3.2, -3.2, 6.4, 6.4); },
  "wedge-slow"(c) { c.beginPath(); c.rect(-3.4, -3.3, 6.8, 2.5); c.rect(-3.4, 0.8, 6.8, 2.5); },
  "wedge-still"(c) { c.beginPath(); c.rect(-3.4, -3.4, 2.5, 6.8); c.rect(0.9, -3.4, 2.5, 6.8); },
  "wedge-off"(c) { outline(c, [[-3.9, -2.4], [-2.4, -3.9], [0, -1.5], [2.4, -3.9], [3.9, -2.4], [1.5, 0], [3.9, 2.4], [2.4, 3.9], [0, 1.5], [-2.4, 3.9], [-3.9, 2.4], [-1.5, 0]]); },
  "wedge-unseen"(c) { c.beginPath(); c.rect(-3.2, -3.2, 6.4, 6.4); c.rect(1.7, -1.7, -3.4, 3.4); }, // the inner one runs the other way: a hole
  pin(c) { c.beginPath(); c.moveTo(0, 6.5); c.bezierCurveTo(-2, 2.5, -4.4, 1, -4.4, -2.2); c.arc(0, -2.2, 4.4, Math.PI, 0); c.bezierCurveTo(4.4, 1, 2, 2.5, 0, 6.5); },
  "pin-near"(c) { SHAPES.pin(c); },
  "pin-late"(c) { SHAPES.pin(c); },
  flag(c) { outline(c, [[-1, 6], [-1, -6.5], [6.5, -3.6], [0.6, -0.6], [0.6, 6]]); },
  cross(c) { outline(c, [[-1.3, -5], [1.3, -5], [1.3, -1.3], [5, -1.3], [5, 1.3], [1.3, 1.3], [1.3, 5], [-1.3, 5], [-1.3, 1.3], [-5, 1.3], [-5, -1.3], [-1.3, -1.3]]); },
};
const ROTATES = new Set(["arrow"]);
const SECTOR_STEP = 5, SECTOR_UNKNOWN = 50; // degrees
const RINGED = { "pin-late": [], "pin-near": [3.4, 2.6] };

export class Sprites {
  constructor() {
    this.canvas = new OffscreenCanvas(8, 8);
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.clear();
  }

  clear() { this.tables = new Map(); this.marks = new Map(); }

  /* theme: {colors, dark}; factor: device pixels per design pixel; size: smaller when far out; cased: with an edge of the sea's colour. */
  set(theme, factor, size, cased) {
    if (this.theme === theme && this.factor === factor && this.size === size && this.cased === cased) return;
    Object.assign(this, { theme, factor, size, cased });
    this.clear();
  }

  color(token) { return this.theme.colors[token] || token || this.theme.colors["ink-2"]; }

  /* The table of a layer's marks: index from `place`, filled on demand by `make`. */
  table(layer) {
    let table = this.tables.get(layer.name);
    if (!table) this.tables.set(layer.name, table = new Array(layer.kinds.length * 4 * (STEPS + 2) * (LEVELS + 1)));
    return table;
  }

  static place(kind, estimated, stale, pose, level) {
    return (((kind * 2 + estimated) * 2 + stale) * (STEPS + 2) + pose) * (LEVELS + 1) + level;
  }

  make(layer, kind, estimated, stale, pose, level) {
    const { icon, color: token } = layer.kinds[kind];
    const ink = this.color(token), size = this.size * SIZE * (SMALLER[token] || 1);
    return this.paint(12, level / LEVELS, (c) => {
      if (pose === LOST) { this.question(c, ink); return this.ring(c, 8, 1.2, ink, 0.8, [2.4, 2]); }
      if (stale) this.ring(c, 8, 1, ink, 0.75, [2.4, 2.4]);
      if (RINGED[icon]) this.ring(c, 10.2, 1.6, ink, 1, RINGED[icon]); // its term: by shape as well as by colour
      if (icon === "distress") return this.distress(c, ink);
      c.scale(size, size);
      this.icon(c, icon, ink, pose, estimated);
    });
  }

  icon(c, icon, ink, pose, hollow) {
    const shape = icon === "arrow" && pose === DOT ? "dot" : icon;
    if (ROTATES.has(icon) && pose < STEPS) c.rotate(pose / STEPS * 2 * Math.PI);
    (SHAPES[shape] || SHAPES.dot)(c);
    c.lineJoin = "round";
    if (hollow) {
      c.lineWidth = 1.3; c.strokeStyle = ink; c.stroke();
    } else {
      if (this.cased) { c.lineWidth = 1.4; c.strokeStyle = this.color("sea"); c.globalAlpha = 0.55; c.stroke(); c.globalAlpha = 1; }
      c.fillStyle = ink; c.fill();
    }
  }

  /* Where a camera looks: a sector of its field of view, without its filling while it shows nothing or is not known to. */
  sector(layer, kind, pose, width, radius) {
    const known = width > 0, step = known ? Math.min(360, Math.max(SECTOR_STEP, Math.round(width / SECTOR_STEP) * SECTOR_STEP)) : SECTOR_UNKNOWN;
    if (pose >= STEPS && step < 360) return null;
    const { icon, color: token } = layer.kinds[kind], ink = this.color(token), blind = icon === "wedge-off" || icon === "wedge-still";
    return this.mark(`sector ${icon} ${token} ${step} ${known} ${step < 360 ? pose : 0} ${radius}`, radius + 2, (c) => {
      const half = step * Math.PI / 360, to = step < 360 ? pose / STEPS * 2 * Math.PI - Math.PI / 2 : 0;
      c.beginPath();
      if (step < 360) c.moveTo(0, 0);
      c.arc(0, 0, radius, to - half, to + half);
      c.closePath();
      c.fillStyle = c.strokeStyle = ink;
      if (!blind && known) { c.globalAlpha = 0.2; c.fill(); }
      c.globalAlpha = 0.7; c.lineWidth = 1; c.setLineDash(blind ? [3, 3] : known ? [] : [1, 3]);
      c.stroke();
    });
  }

  ring(c, radius, width, ink, alpha, dash = []) {
    c.save();
    c.globalAlpha *= alpha; c.setLineDash(dash); c.lineWidth = width; c.strokeStyle = ink;
    c.beginPath(); c.arc(0, 0, radius, 0, 2 * Math.PI); c.stroke();
    c.restore();
  }

  question(c, ink) {
    c.font = '600 10px "Be Vietnam Pro", sans-serif'; c.textAlign = "center"; c.textBaseline = "middle"; c.fillStyle = ink;
    c.fillText("?", 0, 0.8);
  }

  distress(c, ink) {
    c.beginPath(); c.arc(0, 0, 7.5, 0, 2 * Math.PI); c.fillStyle = this.color("sea"); c.fill();
    c.lineWidth = 2; c.strokeStyle = ink; c.stroke();
    c.beginPath(); c.moveTo(-5.2, -5.2); c.lineTo(5.2, 5.2); c.moveTo(5.2, -5.2); c.lineTo(-5.2, 5.2); c.stroke();
  }

  /* A mark beside the layers' own: made once per name. */
  mark(name, radius, draw) {
    let sprite = this.marks.get(name);
    if (!sprite) this.marks.set(name, sprite = this.paint(radius, 1, draw));
    return sprite;
  }

  /* Severity by shape as well as colour: two rings, a dashed ring, a square, one thin ring. */
  alarm(severity, seen) {
    const ink = this.color(severity), fade = seen ? 0.6 : 1;
    return this.mark(`alarm ${severity} ${seen}`, 24, (c) => {
      if (severity === "critical") { this.ring(c, 14, 2.4, ink, fade); this.ring(c, 19.5, 1.2, ink, 0.5 * fade); }
      else if (severity === "high") this.ring(c, 14, 2, ink, fade, [4.4, 2.9]);
      else if (severity === "medium") { c.globalAlpha = fade; c.lineWidth = 1.6; c.strokeStyle = ink; c.strokeRect(-12, -12, 24, 24); }
      else this.ring(c, 13, 1.3, ink, 0.8 * fade);
    });
  }

  chosen(layer, kind, estimated, pose, ringed) {
    const ink = this.theme.colors.chosen || (this.theme.dark ? "#ffffff" : "#000000");
    const { icon } = layer.kinds[kind];
    return this.mark(`chosen ${layer.name} ${kind} ${estimated} ${pose} ${ringed}`, 24, (c) => {
      c.beginPath(); c.arc(0, 0, 12.5, 0, 2 * Math.PI); c.fillStyle = this.color("sea"); c.globalAlpha = 0.72; c.fill(); c.globalAlpha = 1;
      if (!ringed) this.ring(c, 12.5, 1.4, ink, 0.9);
      if (pose === LOST) { c.scale(1.2, 1.2); return this.question(c, ink); }
      if (RINGED[icon]) this.ring(c, 10.2, 1.6, ink, 1, RINGED[icon]); // its term: by shape as well as by colour
      if (icon === "distress") return this.distress(c, this.color("critical"));
      c.scale(1.2, 1.2);
      this.icon(c, icon, ink, pose, estimated);
    });
  }

  /* Something is odd about it: an asterisk, as in a text, at the mark's shoulder; outside the ring of what is chosen. */
  note(chosen) {
    return this.mark(`note ${chosen}`, 18, (c) => {
      const away = chosen ? 12 : 4 + 4 * this.size;
      c.translate(away - 1, -away);
      c.lineCap = "round";
      for (const [width, ink] of [[3.4, "sea"], [1.3, "ink"]]) {
        c.lineWidth = width; c.strokeStyle = this.color(ink);
        for (const turn of [0, 1, 2]) {
          const x = 2.9 * Math.sin(turn * Math.PI / 3), y = 2.9 * Math.cos(turn * Math.PI / 3);
          c.beginPath(); c.moveTo(-x, -y); c.lineTo(x, y); c.stroke();
        }
      }
    });
  }

  cluster(count, token, severity) {
    const text = count < 1000 ? String(count) : `${Math.round(count / 1000)}k`;
    return this.mark(`cluster ${text} ${token} ${severity}`, 24, (c) => {
      c.beginPath(); c.arc(0, 0, 12, 0, 2 * Math.PI); c.fillStyle = this.color("panel"); c.fill();
      c.lineWidth = severity ? 2.4 : 1.3; c.strokeStyle = this.color(severity || token); c.stroke();
      c.font = '500 10.5px "Be Vietnam Pro", sans-serif'; c.textAlign = "center"; c.textBaseline = "middle"; c.fillStyle = this.color("ink");
      c.fillText(text, 0, 0.7);
    });
  }

  /* Draws around the origin within `radius` design pixels; the anchor is the centre of the middle pixel. */
  paint(radius, alpha, draw) {
    const r = Math.ceil(radius * this.factor), side = 2 * r + 1, c = this.context;
    if (this.canvas.width < side) this.canvas.width = this.canvas.height = side;
    c.save();
    c.clearRect(0, 0, this.canvas.width, this.canvas.height);
    c.translate(r + 0.5, r + 0.5);
    c.scale(this.factor, this.factor);
    draw(c);
    c.restore();
    const data = new Uint32Array(c.getImageData(0, 0, side, side).data.buffer);
    const dx = [], dy = [], rgba = [];
    for (let i = 0; i < data.length; i++) {
      const a = Math.round((data[i] >>> 24) * alpha);
      if (a < 4) continue;
      dx.push(i % side - r); dy.push(Math.floor(i / side) - r); rgba.push(((data[i] & 0xffffff) | (a << 24)) >>> 0);
    }
    return { dx: Int16Array.from(dx), dy: Int16Array.from(dy), rgba: Uint32Array.from(rgba), offsets: null, stride: 0, reach: r };
  }
}
