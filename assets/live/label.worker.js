/* Names beside the marks: the chosen one always, then alarms, then as many others as fit without touching. */
import { MARGIN } from "./sheet.worker.js";

const CELL = 8; // CSS pixels of the grid that remembers what is taken
const MOST = 260;

export class Labels {
  constructor() { this.shown = new Set(); this.forget(); }

  /* The letters have changed: what was measured and drawn with the others counts no more. */
  forget() { this.widths = new Map(); this.print = null; }

  open(view) {
    const { dpr } = view;
    const width = Math.ceil((view.w + 2 * MARGIN) * dpr), height = Math.ceil((view.h + 2 * MARGIN) * dpr);
    if (!this.canvas || width !== this.canvas.width || height !== this.canvas.height) {
      this.canvas = new OffscreenCanvas(width, height);
      this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    }
    this.view = view;
    this.left = Math.floor((view.x - MARGIN) * dpr) / dpr;
    this.upper = Math.floor((view.y - MARGIN) * dpr) / dpr;
    this.columns = Math.ceil(width / dpr / CELL);
    this.rows = Math.ceil(height / dpr / CELL);
    this.taken = new Uint8Array(this.columns * this.rows);
  }

  claim(x, y, w, h, force) {
    const x0 = Math.max(0, Math.floor(x / CELL)), x1 = Math.min(this.columns - 1, Math.floor((x + w) / CELL));
    const y0 = Math.max(0, Math.floor(y / CELL)), y1 = Math.min(this.rows - 1, Math.floor((y + h) / CELL));
    if (!force) for (let r = y0; r <= y1; r++) for (let c = x0; c <= x1; c++) if (this.taken[r * this.columns + c]) return false;
    for (let r = y0; r <= y1; r++) this.taken.fill(1, r * this.columns + x0, r * this.columns + x1 + 1);
    return true;
  }

  width(text, font) {
    const key = font + text;
    let width = this.widths.get(key);
    if (width === undefined) {
      if (this.widths.size > 20000) this.widths.clear();
      this.context.font = font;
      this.widths.set(key, width = this.context.measureText(text).width);
    }
    return width;
  }

  /* wanted: [{id, x, y, text, second, rank, gap}] in CSS pixels of this sheet, rank 0 chosen, 1 alarm, 2 others; theme: {colors}. Whether there is anything new to see. */
  draw(wanted, theme, scale) {
    const before = this.shown, shown = new Set();
    // What was shown stays shown, so that names do not flicker as boats pass each other.
    wanted.sort((a, b) => a.rank - b.rank || before.has(b.id) - before.has(a.id) || (a.id < b.id ? -1 : 1));
    for (const { rank, x, y, gap } of wanted) { // no name may cover a mark that must be seen
      const reach = (gap - 3) * scale;
      if (rank < 2) this.claim(x - reach, y - reach, 2 * reach, 2 * reach, true);
    }
    const placed = [];
    for (const label of wanted) {
      if (shown.size >= MOST && label.rank > 1) break;
      const found = this.one(label, scale);
      if (!found) continue;
      shown.add(label.id);
      placed.push(found);
    }
    this.shown = shown;
    const print = JSON.stringify([placed, this.left, this.upper, this.view]);
    if (print === this.print && theme === this.theme) return false;
    [this.print, this.theme] = [print, theme];
    this.paint(placed, theme, scale);
    return true;
  }

  paint(placed, theme, scale) {
    const c = this.context, { dpr } = this.view;
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, this.canvas.width, this.canvas.height);
    c.setTransform(dpr, 0, 0, dpr, 0, 0);
    c.textBaseline = "alphabetic"; c.lineJoin = "round";
    for (const { text, second, strong, x, base, font, small } of placed) {
      this.text(c, text, x, base, font, strong ? theme.colors.chosen || theme.colors.ink : theme.colors["ink-2"], theme.colors.sea);
      if (second) this.text(c, second, x, base + 14 * scale, small, theme.colors.ink, theme.colors.sea);
    }
  }

  /* Where a name goes and how it is written; null where there is no room. */
  one(label, scale) {
    const strong = label.rank < 2, size = (strong ? 12.5 : 11.5) * scale, gap = label.gap * scale;
    const font = `${strong ? 500 : 400} ${size}px "Be Vietnam Pro", sans-serif`, small = `400 ${11 * scale}px "Be Vietnam Pro", sans-serif`;
    const width = Math.max(this.width(label.text, font), label.second ? this.width(label.second, small) : 0);
    const height = label.second ? 30 * scale : 14 * scale;
    const places = [[gap, 0], [-gap - width, 0]];
    if (strong) places.push([gap * 0.7, -gap], [gap * 0.7, gap], [-gap * 0.7 - width, -gap], [-gap * 0.7 - width, gap]);
    let place = places.find(([dx, dy]) => this.claim(label.x + dx, label.y + dy - height / 2, width, height, false));
    if (!place && !strong) return null;
    if (!place) this.claim(label.x + gap, label.y - height / 2, width, height, true);
    place = place || places[0];
    const x = label.x + place[0], y = label.y + place[1], base = label.second ? y - 2 * scale : y + 4.2 * scale;
    return { text: label.text, second: label.second, strong, x, base, font, small };
  }

  text(c, text, x, y, font, ink, halo) {
    c.font = font; c.lineWidth = 3; c.strokeStyle = halo; c.globalAlpha = 0.85;
    c.strokeText(text, x, y);
    c.globalAlpha = 1; c.fillStyle = ink;
    c.fillText(text, x, y);
  }

  close() {
    const bitmap = this.canvas.transferToImageBitmap(), { dpr, zoom } = this.view;
    return { bitmap, zoom, x: this.left, y: this.upper, w: bitmap.width / dpr, h: bitmap.height / dpr };
  }
}
