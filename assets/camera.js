/* Cameras: a picture that does not come is said to be missing, a stream opens over the map, a right click asks which look there. */
(function () {
  "use strict";
  const here = document.currentScript.src;
  const element = (tag, given, ...content) => {
    const made = Object.assign(document.createElement(tag), given);
    made.append(...content);
    return made;
  };

  // Pictures of the card

  const told = (state) => ({ target }) => { if (target instanceof HTMLImageElement && target.classList.contains("camera-picture")) target.dataset.state = state; };
  document.addEventListener("error", told("broken"), true); // neither of these two bubbles
  document.addEventListener("load", told("shown"), true);

  // Streams

  let stream = null;

  /* hls.js is large and seldom needed: it is loaded with the first stream. */
  function player() {
    return window.Hls ? Promise.resolve(window.Hls) : new Promise((done, failed) => {
      const script = element("script", { src: new URL("vendor/hls/hls.light.min.js", here).href });
      script.onload = () => done(window.Hls);
      script.onerror = failed;
      document.head.append(script);
    });
  }

  function close() {
    if (!stream) return;
    stream.hls?.destroy();
    stream.box.remove();
    // The card may have been drawn anew meanwhile, with another button in the place of the one that was pressed.
    const { opener } = stream, same = `[data-camera-stream="${CSS.escape(opener.dataset.cameraStream)}"]`;
    (opener.isConnected ? opener : document.querySelector(same))?.focus();
    stream = null;
  }

  async function open(button) {
    close();
    const { cameraStream: url, title, close: words, fails } = button.dataset;
    const video = element("video", { muted: true, autoplay: true, controls: true, playsInline: true });
    const shut = element("button", { type: "button", className: "action", textContent: words, onclick: close });
    const box = element("section", { className: "camera-stream" }, element("header", {}, element("strong", { textContent: title }), shut), video);
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", title);
    document.body.append(box);
    const own = (stream = { box, opener: button, hls: null });
    shut.focus();
    const failed = () => { if (stream === own && !box.querySelector("p")) box.append(element("p", { role: "alert", textContent: fails })); };
    try {
      const Hls = await player();
      if (stream !== own) return;
      if (!Hls.isSupported()) { video.onerror = failed; video.src = url; return; }
      own.hls = new Hls({ enableWorker: false });
      own.hls.on(Hls.Events.ERROR, (event, { fatal }) => { if (fatal) failed(); });
      own.hls.loadSource(url);
      own.hls.attachMedia(video);
    } catch { failed(); }
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-camera-stream]");
    if (button) open(button);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && stream) { event.stopPropagation(); close(); } }, true);

  // Which cameras look there

  let menu = null, asked = 0;

  const forget = () => { menu?.remove(); menu = null; asked++; };

  async function look(map, { latlng, containerPoint }) {
    const words = document.getElementById("looking-words")?.dataset;
    if (!words || window.haidang.drawing) return;
    forget();
    const number = asked, where = latlng.wrap();
    menu = element("div", { className: "looking", tabIndex: -1 }, element("h3", { textContent: words.title }), element("p", { textContent: words.waits }));
    menu.setAttribute("role", "dialog");
    menu.setAttribute("aria-label", words.title);
    map.getContainer().append(menu);
    L.DomEvent.disableClickPropagation(menu);
    put(map, containerPoint);
    let found = null;
    try {
      const answer = await fetch(`/api/v1/cameras/looking?lon=${where.lng.toFixed(6)}&lat=${where.lat.toFixed(6)}`);
      if (answer.ok) found = (await answer.json()).cameras;
    } catch { /* said below */ }
    if (number !== asked) return;
    menu.lastChild.remove();
    if (!found?.length) menu.append(element("p", { textContent: found ? words.none : words.fails }));
    else menu.append(element("ul", {}, ...found.map((one) => line(one, words))));
    const place = new URLSearchParams({ new: "1", lat: where.lat.toFixed(5), lon: where.lng.toFixed(5), ...(document.documentElement.lang === "en" ? { lang: "en" } : {}) });
    menu.append(element("a", { className: "press", href: `/services/report?${place}`, textContent: words.report }));
    put(map, containerPoint);
    (menu.querySelector("button") || menu).focus();
  }

  function line(one, words) {
    const metres = one.distance_m < 1000 ? `${Math.round(one.distance_m)} m` : `${(one.distance_m / 1000).toFixed(1)} km`;
    const facts = [metres, words[`health${one.health ?? ""}`], one.in_range === false ? words.far : ""].filter(Boolean).join(" · ");
    const press = () => { forget(); window.haidang.live.choose("camera", one.id, true); };
    return element("li", {}, element("button", { type: "button", onclick: press }, element("b", { textContent: one.name }), element("span", { textContent: facts })));
  }

  function put(map, point) {
    const size = map.getSize();
    menu.style.left = `${Math.max(4, Math.min(point.x, size.x - menu.offsetWidth - 4))}px`;
    menu.style.top = `${Math.max(4, Math.min(point.y, size.y - menu.offsetHeight - 4))}px`;
  }

  L.Map.addInitHook(function () {
    if (this.getContainer().id !== "map") return;
    this.on("contextmenu", (event) => look(this, event));
    this.on("click movestart zoomstart unload", forget);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && menu) { event.stopPropagation(); forget(); } }, true);
})();
