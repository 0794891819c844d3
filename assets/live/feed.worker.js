/* The wire: one websocket (or server-sent events where it is barred), sequence numbers, resync, and a watch that never gives up. */
const MAGIC = 0x314c4448;
const SILENT_MS = 10000;

export class Feed {
  /* told: {hello(message), frame(kind, layerIndex, buffer, count, serverMs), text(message), connection(state)} */
  constructor(url, told) {
    this.url = url;
    this.told = told;
    this.failures = 0;
    this.everOpen = false;
    this.state = { state: "reconnecting", since_ms: Date.now(), server_ms: null };
    this.seq = null;
    this.offset = null; // server's clock minus ours, ms: the smallest seen since the connection opened
    this.heard = Date.now();
    setInterval(() => this.watch(), 1000);
    this.connect();
  }

  serverNow() { return Date.now() + (this.offset ?? 0); }

  connect() {
    this.seq = null;
    if (!this.everOpen && this.failures >= 2 && this.failures % 2 === 0) this.connectEvents(); // websockets seem barred here
    else this.connectSocket();
  }

  connectSocket() {
    const socket = new WebSocket(this.url.replace(/^http/, "ws"));
    socket.binaryType = "arraybuffer";
    this.close = () => { socket.onclose = socket.onmessage = null; socket.close(); };
    this.resync = () => socket.send('{"type":"resync"}');
    socket.onopen = () => { this.everOpen = true; };
    socket.onmessage = (event) => this.take(event.data);
    socket.onclose = () => this.again();
  }

  connectEvents() {
    const events = new EventSource(this.url);
    this.close = () => events.close();
    this.resync = () => { this.close(); this.again(); };
    events.onmessage = (event) => this.take(event.data);
    events.addEventListener("frame", (event) => this.take(Uint8Array.from(atob(event.data), (c) => c.charCodeAt(0)).buffer));
    events.onerror = () => { events.close(); this.again(); };
  }

  again() {
    this.failures++;
    this.become(Date.now() - this.heard > SILENT_MS ? "stale" : "reconnecting");
    const pause = Math.min(15000, 250 * 2 ** Math.min(this.failures, 6)) * (0.75 + Math.random() / 2);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), pause);
  }

  watch() {
    const silent = Date.now() - this.heard;
    if (silent > SILENT_MS) this.become("stale");
    if (silent > 2 * SILENT_MS && this.state.state === "stale" && this.close) {
      this.heard = Date.now() - SILENT_MS - 1; // a socket that is open and dumb is as good as closed
      this.close();
      this.again();
    }
  }

  become(state) {
    if (this.state.state === state) return;
    this.state = { state, since_ms: Date.now(), server_ms: this.serverNow() };
    this.told.connection(this.state);
  }

  take(data) {
    this.heard = Date.now();
    this.become("live");
    if (typeof data !== "string") return this.takeFrame(data);
    const message = JSON.parse(data);
    if (message.server_ms) this.hearClock(message.server_ms);
    if (message.type === "hello") {
      this.failures = 0;
      this.seq = message.seq;
      this.offset = message.server_ms - Date.now();
      this.told.hello(message);
    } else if (message.type === "heartbeat") {
      if (this.seq !== null && message.seq !== this.seq) this.askAgain();
    } else {
      this.told.text(message);
    }
  }

  hearClock(serverMs) {
    const offset = serverMs - Date.now();
    // A message that waited on its way makes the server look slow, so the largest offset is the truest; drift is let in slowly.
    this.offset = this.offset === null ? offset : Math.max(offset, this.offset - 5);
  }

  takeFrame(buffer) {
    const view = new DataView(buffer);
    if (view.getUint32(0, true) !== MAGIC || view.getUint8(4) !== 1) return;
    const kind = view.getUint8(5), index = view.getUint8(6);
    const seq = view.getUint32(8, true), count = view.getUint32(12, true), serverMs = view.getFloat64(16, true);
    if (this.seq === null) return;
    if (kind !== 1 && seq !== ((this.seq + 1) >>> 0)) return this.askAgain();
    this.seq = seq;
    this.told.frame(kind, index, buffer, count, serverMs, seq);
  }

  askAgain() {
    this.seq = null; // nothing is believed until the fresh snapshot's greeting
    this.resync();
  }
}
