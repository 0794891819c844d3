// The grid of cameras: pages of a group turn by themselves, pictures come through our own server, what matters stays first.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const ANSWER_MS = 12000, PICTURE_MS = 5000, STAYS_MS = 15000, OFFLINE = 3, FROZEN = 2;
  let set = {}, words = null, told = null, page = 0, turned = 0, looked = 0, asked = 0, failed = false;
  const shown = new Map(); // tiles by their camera, as long as they are on the screen

  const $ = (id) => document.getElementById(id);
  const t = (...given) => haidang.t(...given);
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const clock = (ms) => { const [time, day] = haidang.exact(ms).split(" "), today = haidang.exact(haidang.now()).split(" ")[1]; return day === today ? time : `${time} ${day.slice(0, 5)}`; };
  const size = () => (["4", "9", "16"].includes(set.size) ? Number(set.size) : 9);
  const every = () => (Number(set.every) >= 5 && Number(set.every) <= 60 ? Number(set.every) : 10) * 1000;
  const lang = () => (document.documentElement.lang === "en" ? "&lang=en" : "");

  // ---- what is asked ---------------------------------------------------------------------------------------------------------
  const read = async (path) => {
    const given = new AbortController(), late = setTimeout(() => given.abort(), ANSWER_MS);
    try { const answer = await fetch(path, { signal: given.signal }); return answer.ok ? await answer.json() : { status: answer.status }; } catch { return null; } finally { clearTimeout(late); }
  };
  const refresh = async () => {
    const number = ++asked, screen = $("grid-screen");
    const found = await read(`/api/v1/cameras/grid?${new URLSearchParams({ group: set.group || "all", page, size: size() })}`);
    if (number !== asked || screen !== $("grid-screen")) return;
    failed = !found || !found.tiles;
    if (found?.status === 404 && set.group) { change({ group: "" }); return; }
    if (!failed) { told = found; page = found.page; if (!$("grid-group").options.length) groups(); }
    draw();
    pictures();
  };
  const groups = async () => {
    const found = await read("/api/v1/cameras/groups"), select = $("grid-group");
    if (!Array.isArray(found) || !select) return;
    const name = (each) => (each.key === "all" ? t("Mọi camera") : each.key.startsWith("kind:") ? words.kinds[each.key.slice(5)] || each.key.slice(5) : (document.documentElement.lang === "en" ? each.en : each.vi) || each.vi);
    select.replaceChildren(...found.map((each) => element("option", { value: each.key }, `${name(each)} (${haidang.number(each.cameras)})`)));
    select.value = set.group || "all";
  };

  // ---- tiles -----------------------------------------------------------------------------------------------------------------
  const state = (one) => (one.health === null ? t("Chưa kiểm tra") : words.health[one.health] || String(one.health));
  const since = (one) => (one.health >= FROZEN && one.health_since ? ` ${t("từ {at}", { at: clock(Date.parse(one.health_since)) })}` : "");
  const pinned = (one) => (!one.pinned ? "" : element("span", { class: `tile-pin pin-${one.pinned.why}` }, one.pinned.why === "alarm" ? t("Báo động gần đây: {words}", { words: one.pinned.words }) : t("Sự kiện mới: {words}", { words: words.types[one.pinned.words] || one.pinned.words })));
  const tileOf = (one) => {
    let tile = shown.get(one.id);
    if (!tile) {
      tile = { view: element("div", { class: "tile-view" }), caption: element("figcaption", {}), at: null, url: null, fault: "" };
      tile.item = element("figure", { class: "grid-tile", "data-camera": one.id, tabindex: 0 }, tile.view, tile.caption);
      shown.set(one.id, tile);
    }
    tile.one = one;
    tile.item.className = `grid-tile health-${one.health ?? "unseen"}${one.pinned ? ` pinned-${one.pinned.why}` : ""}`;
    caption(tile);
    if (!tile.url) blank(tile);
    return tile.item;
  };
  // What camera.js opens over the page; pages turn beneath it.
  const watch = (one) => (!one.stream ? "" : element("button", { type: "button", class: "tile-stream", "data-camera-stream": `/api/v1/cameras/${encodeURIComponent(one.id)}/hls/playlist.m3u8`, "data-title": one.name || one.id, "data-close": t("Đóng"), "data-fails": t("Không xem được luồng: camera không trả lời, hoặc trình duyệt không đọc được.") }, t("Xem trực tiếp")));
  const caption = (tile) => {
    const one = tile.one, events = one.events ? element("a", { class: "tile-events", href: `/cameras/events?state=detected&camera=${encodeURIComponent(one.id)}${lang()}`, title: t("Sự kiện chưa xem trong 24 giờ") }, t("{n} chưa xem", { n: haidang.number(one.events) })) : "";
    const time = tile.at && !tile.fault ? element("time", { datetime: new Date(tile.at).toISOString(), title: haidang.exact(tile.at) }, clock(tile.at)) : "";
    const print = JSON.stringify([one, tile.at, tile.fault]);
    if (tile.print === print) return;
    tile.print = print;
    tile.caption.replaceChildren(
      element("span", { class: "tile-name" }, element("a", { href: `/?chosen=camera.${encodeURIComponent(one.id)}&lat=${one.lat}&lon=${one.lon}&z=16${lang()}`, title: t("Xem trên bản đồ") }, one.name || one.id), one.simulated ? element("span", { class: "badge small" }, t("mô phỏng")) : ""),
      element("span", { class: "tile-state" }, `${state(one)}${since(one)}`), time, events, watch(one), pinned(one));
  };
  const blank = (tile) => {
    const text = !tile.one.picture ? t("Chưa đăng ký địa chỉ ảnh của camera này.") : tile.one.health === OFFLINE ? t("Mất kết nối") : tile.fault ? t("Camera không trả về ảnh lúc này.") : t("Đang lấy ảnh…");
    if (tile.view.textContent !== text || tile.view.querySelector("img")) tile.view.replaceChildren(element("p", { class: "empty" }, text));
  };
  const drop = (tile) => { if (tile.url) URL.revokeObjectURL(tile.url); tile.url = null; };
  const picture = async (tile) => {
    if (tile.asking || !tile.one.picture || tile.one.health === OFFLINE) { if (tile.one.health === OFFLINE) { drop(tile); blank(tile); } return; }
    tile.asking = true;
    const given = new AbortController(), late = setTimeout(() => given.abort(), ANSWER_MS);
    try {
      const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(tile.one.id)}/snapshot`, { signal: given.signal, cache: "no-store" });
      if (answer.status === 503 && tile.url && haidang.now() - tile.at < STAYS_MS) return; // too many are fetched: the one before, with its time
      if (!answer.ok) throw new Error(String(answer.status));
      const body = await answer.blob();
      if (shown.get(tile.one.id) !== tile) return;
      drop(tile);
      tile.url = URL.createObjectURL(body);
      tile.at = haidang.now();
      tile.fault = "";
      const image = tile.view.querySelector("img");
      if (image) image.src = tile.url; else tile.view.replaceChildren(element("img", { src: tile.url, alt: t("Ảnh của {name}", { name: tile.one.name || tile.one.id }) }));
    } catch (error) {
      if (shown.get(tile.one.id) !== tile) return;
      tile.fault = error.message || "?";
      drop(tile);
      blank(tile);
    } finally { clearTimeout(late); tile.asking = false; }
    caption(tile);
  };
  const pictures = () => { looked = Date.now(); if (!document.hidden) for (const tile of shown.values()) picture(tile); };

  const draw = () => {
    const place = $("grid-tiles");
    if (!place || !words) return;
    place.dataset.size = size();
    for (const button of document.querySelectorAll("[data-grid-size]")) button.setAttribute("aria-pressed", String(Number(button.dataset.gridSize) === size()));
    $("grid-every").value = String(every() / 1000);
    $("grid-group").value = set.group || "all";
    $("grid-pause").textContent = set.paused ? t("Chạy tiếp") : t("Dừng");
    $("grid-pause").setAttribute("aria-pressed", String(Boolean(set.paused)));
    const none = failed ? t("Không đọc được danh sách camera: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại.") : told && !told.tiles.length ? t("Chưa có camera nào trong nhóm này. Nhập danh mục bằng ./haidang import cameras.") : "";
    if ($("grid-said").textContent !== none) $("grid-said").textContent = none;
    if (!told) return;
    $("grid-count").textContent = t("Trang {n}/{all} · {total} camera", { n: told.page + 1, all: told.pages, total: haidang.number(told.total) });
    const kept = new Set(told.tiles.map((one) => one.id));
    for (const [id, tile] of shown) if (!kept.has(id)) { drop(tile); tile.item.remove(); shown.delete(id); }
    told.tiles.map(tileOf).forEach((item, at) => { if (place.children[at] !== item) place.insertBefore(item, place.children[at] || null); });
  };

  // ---- turning, pressing, typing ---------------------------------------------------------------------------------------------
  const address = () => {
    const p = new URLSearchParams(location.search);
    for (const name of ["group", "size", "every", "paused"]) if (set[name]) p.set(name, set[name]); else p.delete(name);
    if (page && set.paused) p.set("page", page); else p.delete("page");
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
  };
  // While nothing was told yet there is no page to turn, but to be asked for again.
  const turn = (step) => { if (told) page = (told.page + step + told.pages) % told.pages; turned = Date.now(); address(); refresh(); };
  const change = (more) => { set = Object.fromEntries(Object.entries({ ...set, ...more }).filter(([, value]) => value)); if (!("paused" in more)) page = 0; turned = Date.now(); address(); draw(); refresh(); };
  setInterval(() => {
    if (!$("grid-screen")?.begun) return;
    if (!set.paused && Date.now() - turned >= every()) turn(told && told.pages > 1 ? 1 : 0);
    else if (Date.now() - looked >= PICTURE_MS) { looked = Date.now(); refresh(); }
  }, 500);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!$("grid-tiles") || !button) return;
    if (button.dataset.gridSize) change({ size: button.dataset.gridSize });
    else if (button.id === "grid-pause") change({ paused: set.paused ? "" : "1" });
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "grid-group") change({ group: target.value === "all" ? "" : target.value });
    else if (target.id === "grid-every") change({ every: target.value });
  });
  document.addEventListener("keydown", (event) => {
    if (!$("grid-tiles") || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input,textarea,select,[contenteditable]")) return;
    const key = event.key;
    if (["2", "3", "4"].includes(key)) change({ size: String(key * key) });
    else if (key === "ArrowRight" || key === "ArrowLeft") turn(key === "ArrowRight" ? 1 : -1);
    else if (key === " " && !event.target.closest("button,a")) change({ paused: set.paused ? "" : "1" });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  new MutationObserver(() => {
    const screen = $("grid-screen");
    if (!screen || screen.begun || !$("grid-every")) return;
    screen.begun = true;
    words = JSON.parse(screen.dataset.words);
    const { page: first, ...wanted } = JSON.parse(screen.dataset.wanted || "{}");
    set = wanted;
    page = /^\d{1,6}$/.test(first || "") ? Number(first) : 0;
    told = null;
    for (const tile of shown.values()) drop(tile);
    shown.clear();
    turned = Date.now();
    groups();
    refresh();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
