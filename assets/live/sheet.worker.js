/* A sheet of pixels larger than the view, into which sprites are blitted, and which leaves as one bitmap. */
export const MARGIN = 160; // CSS pixels beyond the view on every side, so that panning shows points at the edges

export class Sheet {
  constructor() { this.width = this.height = 0; }

  /* Take the view {zoom, x, y, w, h, dpr}: x, y are the world pixels (CSS) of the view's top left corner at its zoom. */
  open(view) {
    const { dpr } = view;
    const width = Math.ceil((view.w + 2 * MARGIN) * dpr), height = Math.ceil((view.h + 2 * MARGIN) * dpr);
    if (width !== this.width || height !== this.height) {
      this.width = width; this.height = height;
      this.canvas = new OffscreenCanvas(width, height);
      this.context = this.canvas.getContext("2d");
      this.image = new ImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.top = 0; this.bottom = height;
    }
    this.pixels.fill(0, this.top * width, this.bottom * width);
    this.top = height; this.bottom = 0;
    this.zoom = view.zoom; this.dpr = dpr;
    this.left = Math.floor((view.x - MARGIN) * dpr); // device pixels of the world at this zoom
    this.upper = Math.floor((view.y - MARGIN) * dpr);
    this.world = 256 * 2 ** view.zoom * dpr;
    this.pad = Math.ceil(26 * dpr * (view.scale || 1)); // no mark but a sector reaches further than this from its anchor
  }

  blit(sprite, x, y) {
    const { pixels, width } = this, { rgba } = sprite;
    if (sprite.stride !== width) {
      sprite.offsets = Int32Array.from(sprite.dx, (dx, i) => dx + sprite.dy[i] * width);
      sprite.stride = width;
    }
    const { offsets } = sprite, base = y * width + x, reach = Math.max(this.pad, sprite.reach);
    if (y - reach < this.top) this.top = Math.max(0, y - reach);
    if (y + reach >= this.bottom) this.bottom = Math.min(this.height, y + reach + 1);
    for (let i = 0; i < offsets.length; i++) {
      const at = base + offsets[i], over = rgba[i], under = pixels[at];
      pixels[at] = under === 0 || over >= 0xff000000 ? over : blend(over, under);
    }
  }

  /* The bitmap and where it belongs: world pixels (CSS) of its corner at its zoom. */
  close() {
    if (this.bottom > this.top) this.context.putImageData(this.image, 0, 0, 0, this.top, this.width, this.bottom - this.top);
    const bitmap = this.canvas.transferToImageBitmap();
    return { bitmap, zoom: this.zoom, x: this.left / this.dpr, y: this.upper / this.dpr, w: this.width / this.dpr, h: this.height / this.dpr };
  }
}

/* Source over destination, not premultiplied; over opaque ground (crowds) by integers, two channels at a time. */
function blend(over, under) {
  const a = over >>> 24;
  if (under >= 0xff000000) {
    const rest = 256 - a;
    const rb = ((Math.imul(over & 0xff00ff, a) + Math.imul(under & 0xff00ff, rest)) >>> 8) & 0xff00ff;
    const g = ((Math.imul(over & 0xff00, a) + Math.imul(under & 0xff00, rest)) >>> 8) & 0xff00;
    return (0xff000000 | rb | g) >>> 0;
  }
  const b = ((under >>> 24) * (255 - a) / 255), sum = a + b;
  const r = ((over & 255) * a + (under & 255) * b) / sum;
  const g = (((over >>> 8) & 255) * a + ((under >>> 8) & 255) * b) / sum;
  const l = (((over >>> 16) & 255) * a + ((under >>> 16) & 255) * b) / sum;
  return ((sum + 0.5) << 24 | (l + 0.5) << 16 | (g + 0.5) << 8 | (r + 0.5)) >>> 0;
}
