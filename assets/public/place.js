/* A small map of the communes on which a citizen puts a pin; it knows no more than /public/reports/map.json tells. */
const TILE = 256, ZOOM_LEAST = 7, ZOOM_MOST = 18, NEAR = 15, TAP = 8, STEP = 12;
const xOf = (lon, zoom) => (lon + 180) / 360 * TILE * 2 ** zoom;
const yOf = (lat, zoom) => (1 - Math.asinh(Math.tan(lat * Math.PI / 180)) / Math.PI) / 2 * TILE * 2 ** zoom;
const lonOf = (x, zoom) => x / (TILE * 2 ** zoom) * 360 - 180;
const latOf = (y, zoom) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y / (TILE * 2 ** zoom)))) * 180 / Math.PI;
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export class Place {
  constructor(root, form) {
    this.root = root; this.words = root.dataset;
    this.inputs = { lat: form.elements.lat, lon: form.elements.lon };
    this.areas = []; this.rivers = []; this.tiles = new Map(); this.pointers = new Map();
    this.at = { lon: 107.6, lat: 16.4, zoom: 9 };
    this.build();
    for (const input of Object.values(this.inputs)) input.addEventListener("change", () => { this.read(); this.show(); });
    this.read();
    fetch("/public/reports/map.json").then((answer) => answer.json()).then((told) => {
      this.areas = told.areas; this.template = told.tiles;
      if (!this.pin) this.fit(told.bounds);
      this.show();
    });
    fetch("/assets/basemap/rivers.json").then((answer) => answer.json()).then((told) => {
      this.rivers = told.rivers;
      this.show();
    });
    new ResizeObserver(() => this.show()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show());
  }

  build() {
    const make = (name, words, act) => {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = name; button.title = words;
      if (name.length < 3) button.setAttribute("aria-label", words);
      button.addEventListener("click", act);
      return button;
    };
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", `${this.words.tap}. ${this.words.keys}`);
    this.said = document.createElement("p");
    this.said.setAttribute("role", "status");
    this.said.textContent = this.words.tap;
    this.away = make(this.words.away, this.words.away, () => this.put(null));
    const zoom = document.createElement("div"), bar = document.createElement("div"), frame = document.createElement("div");
    zoom.className = "zoom"; bar.className = "bar"; frame.className = "frame";
    zoom.append(make("+", this.words.in, () => this.zoom(1)), make("−", this.words.out, () => this.zoom(-1)));
    const here = make(this.words.here, this.words.here, () => this.locate());
    here.className = "press";
    this.away.className = "press";
    if (!isSecureContext || !navigator.geolocation) here.hidden = true;
    bar.append(here, this.away, this.said);
    frame.append(this.canvas, zoom);
    this.root.append(frame, bar);
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, (event) => this.up(event));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(-clamp(event.deltaY, -100, 100) / 150, event.offsetX, event.offsetY);
    }, { passive: false });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  fit([west, south, east, north]) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const wide = Math.log2(width / (xOf(east, 0) - xOf(west, 0))), high = Math.log2(height / (yOf(south, 0) - yOf(north, 0)));
    this.at = { lon: (west + east) / 2, lat: (south + north) / 2, zoom: clamp(Math.min(wide, high), ZOOM_LEAST, 12) };
  }

  corner() {
    const { zoom } = this.at;
    return [xOf(this.at.lon, zoom) - this.canvas.clientWidth / 2, yOf(this.at.lat, zoom) - this.canvas.clientHeight / 2];
  }

  shift(dx, dy) {
    const { zoom } = this.at;
    this.at.lon = lonOf(xOf(this.at.lon, zoom) + dx, zoom);
    this.at.lat = clamp(latOf(yOf(this.at.lat, zoom) + dy, zoom), -80, 80);
  }

  /* By so many levels, with what lies under x, y staying there. */
  zoom(by, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const dx = x - this.canvas.clientWidth / 2, dy = y - this.canvas.clientHeight / 2;
    this.shift(dx, dy);
    this.at.zoom = clamp(this.at.zoom + by, ZOOM_LEAST, ZOOM_MOST);
    this.shift(-dx, -dy);
    this.show();
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY, moved: 0 });
    this.many = this.pointers.size > 1;
  }

  move(event) {
    const held = this.pointers.get(event.pointerId);
    if (!held) return;
    const dx = event.offsetX - held.x, dy = event.offsetY - held.y;
    if (this.pointers.size === 2) {
      const other = [...this.pointers.values()].find((one) => one !== held);
      const before = Math.hypot(held.x - other.x, held.y - other.y), after = Math.hypot(event.offsetX - other.x, event.offsetY - other.y);
      if (before > 10 && after > 10) this.zoom(Math.log2(after / before), (event.offsetX + other.x) / 2, (event.offsetY + other.y) / 2);
    } else {
      held.moved += Math.hypot(dx, dy);
      if (held.moved > TAP) this.shift(-dx, -dy);
    }
    Object.assign(held, { x: event.offsetX, y: event.offsetY });
    this.show();
  }

  up(event) {
    const held = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    if (!held || event.type === "pointercancel" || this.many || held.moved > TAP) return;
    const [left, upper] = this.corner(), { zoom } = this.at;
    this.put({ lon: lonOf(left + event.offsetX, zoom), lat: latOf(upper + event.offsetY, zoom) });
    if (zoom < NEAR) this.zoom(Math.min(3, NEAR - zoom), event.offsetX, event.offsetY); // the next touch is more exact
  }

  key(event) {
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (event.key === "+" || event.key === "=") this.zoom(1);
    else if (event.key === "-") this.zoom(-1);
    else if (way) {
      const from = this.pin || this.at, { zoom } = this.at;
      this.put({ lon: lonOf(xOf(from.lon, zoom) + way[0], zoom), lat: latOf(yOf(from.lat, zoom) + way[1], zoom) });
      Object.assign(this.at, this.pin);
      this.show();
    } else return;
    event.preventDefault();
  }

  locate() {
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      this.at = { lon: coords.longitude, lat: coords.latitude, zoom: 16 };
      this.put({ lon: coords.longitude, lat: coords.latitude });
    }, () => { this.said.textContent = this.words.denied; }, { enableHighAccuracy: true, timeout: 15000 });
  }

  put(pin) {
    this.pin = pin;
    for (const name of ["lat", "lon"]) this.inputs[name].value = pin ? pin[name].toFixed(6) : "";
    this.show();
  }

  read() {
    const [lat, lon] = ["lat", "lon"].map((name) => parseFloat(this.inputs[name].value.replace(",", ".")));
    this.pin = Number.isFinite(lat) && Number.isFinite(lon) ? { lat, lon } : null;
    if (this.pin) this.at = { ...this.pin, zoom: Math.max(this.at.zoom, NEAR) };
  }

  show() {
    this.away.hidden = !this.pin;
    this.said.textContent = this.pin ? `${this.words.set}: ${this.within(this.pin)}${this.pin.lat.toFixed(5)}, ${this.pin.lon.toFixed(5)}` : this.words.tap;
    if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
  }

  /* The commune under a pin, by the even-odd rule; nothing for a place that no picture of one covers. */
  within({ lon, lat }) {
    const inside = (ring) => ring.reduce((odd, [x, y], n) => {
      const [u, v] = ring[(n || ring.length) - 1];
      return (y > lat) !== (v > lat) && lon < (u - x) * (lat - y) / (v - y) + x ? !odd : odd;
    }, false);
    const found = this.areas.find((area) => area.rings.filter(inside).length % 2);
    return found ? `${found.name} · ` : "";
  }

  draw() {
    const { canvas } = this, ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim(), { zoom } = this.at, [left, upper] = this.corner();
    pen.scale(ratio, ratio);
    pen.fillStyle = colour("sea"); pen.fillRect(0, 0, width, height);
    const under = this.template ? this.drawTiles(pen, left, upper, width, height) : false;
    pen.lineJoin = "round"; pen.lineWidth = 1; pen.strokeStyle = colour("area-border"); pen.fillStyle = colour("land");
    for (const area of this.areas) {
      pen.beginPath();
      for (const ring of area.rings) {
        ring.forEach(([lon, lat], n) => pen[n ? "lineTo" : "moveTo"](xOf(lon, zoom) - left, yOf(lat, zoom) - upper));
        pen.closePath();
      }
      if (!under) pen.fill("evenodd");
      pen.stroke();
    }
    pen.strokeStyle = colour("sea"); pen.lineCap = "round";
    if (!under) for (const river of this.rivers) {
      pen.lineWidth = river.minor ? 1 : Math.max(2, (zoom - 10) * 1.5);
      pen.beginPath();
      river.line.forEach(([lon, lat], n) => pen[n ? "lineTo" : "moveTo"](xOf(lon, zoom) - left, yOf(lat, zoom) - upper));
      pen.stroke();
    }
    this.drawNames(pen, colour, style, left, upper, width, height);
    if (this.pin) this.drawPin(pen, colour, xOf(this.pin.lon, zoom) - left, yOf(this.pin.lat, zoom) - upper);
  }

  drawNames(pen, colour, style, left, upper, width, height) {
    const { zoom } = this.at, taken = [];
    pen.font = `500 12px ${style.getPropertyValue("--font")}`; pen.textAlign = "center"; pen.lineWidth = 3;
    pen.strokeStyle = colour("land"); pen.fillStyle = colour("ink");
    for (const area of this.areas) {
      const x = xOf(area.point[0], zoom) - left, y = yOf(area.point[1], zoom) - upper, half = pen.measureText(area.name).width / 2 + 4;
      if (x < half || y < 14 || x > width - half || y > height - 8) continue;
      if (taken.some((one) => Math.abs(one.x - x) < one.half + half && Math.abs(one.y - y) < 16)) continue;
      taken.push({ x, y, half });
      pen.strokeText(area.name, x, y); pen.fillText(area.name, x, y);
    }
  }

  drawPin(pen, colour, x, y) {
    pen.beginPath();
    pen.moveTo(x, y); pen.bezierCurveTo(x - 4, y - 10, x - 11, y - 14, x - 11, y - 22);
    pen.arc(x, y - 22, 11, Math.PI, 0);
    pen.bezierCurveTo(x + 11, y - 14, x + 4, y - 10, x, y);
    pen.fillStyle = colour("critical"); pen.fill();
    pen.lineWidth = 2; pen.strokeStyle = colour("panel"); pen.stroke();
    pen.beginPath(); pen.arc(x, y - 22, 4, 0, 7); pen.fillStyle = colour("panel"); pen.fill();
  }

  drawTiles(pen, left, upper, width, height) {
    const level = Math.round(this.at.zoom), size = TILE * 2 ** (this.at.zoom - level), most = 2 ** level;
    let drawn = false;
    for (let row = Math.floor(upper / size); row <= (upper + height) / size; row++) {
      for (let column = Math.floor(left / size); column <= (left + width) / size; column++) {
        if (row < 0 || row >= most) continue;
        const image = this.tile(level, (column % most + most) % most, row);
        if (!image.complete || !image.naturalWidth) continue;
        pen.drawImage(image, column * size - left, row * size - upper, size + 0.5, size + 0.5);
        drawn = true;
      }
    }
    return drawn;
  }

  tile(z, x, y) {
    const address = this.template.replace("{z}", z).replace("{x}", x).replace("{y}", y);
    if (!this.tiles.has(address)) {
      const image = new Image();
      image.onload = () => this.show();
      image.src = address;
      this.tiles.set(address, image);
    }
    return this.tiles.get(address);
  }
}
