// Cameras' events: a list by keyboard, one beside it with its picture, and each step of its review in one keystroke.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const PAGE = 100, MOST = 600, ANSWER_MS = 12000, READ_MS = 8000, HOUR_MS = 3600e3;
  const DEEDS = { r: "review", c: "confirm", f: "forward", z: "reopen" };
  const FROM = { review: ["detected"], confirm: ["detected", "reviewed"], false: ["detected", "reviewed"], forward: ["confirmed"], reopen: ["confirmed", "false"] };
  let filter = {}, rows = [], ended = false, counts = null, current = null, open = null, one = null, words = null, units = null, busy = false, touched = 0, asked = 0, failed = false;

  const $ = (id) => document.getElementById(id);
  const t = (...given) => haidang.t(...given);
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const clock = (ms) => {
    const [time, day] = haidang.exact(ms).split(" "), today = haidang.exact(haidang.now()).split(" ")[1];
    return day === today ? time : `${time} ${day.slice(0, 5)}`;
  };
  const stamp = (text) => { const ms = Date.parse(text); return element("time", { datetime: text, title: haidang.exact(ms) }, clock(ms)); };
  const named = (list, key) => words[list].find(([name]) => name === key)?.[1] || key;
  const unitName = (key) => { const found = units?.find((each) => each.key === key); return found ? (document.documentElement.lang === "en" ? found.name_en : found.name_vi) || key : key; };
  const share = (value) => (value === null ? "–" : `${haidang.number(Math.round(value * 100))} %`);

  // ---- what is asked ---------------------------------------------------------------------------------------------------------
  const question = (more = {}) => {
    const asking = new URLSearchParams();
    for (const name of ["state", "type", "camera"]) if (filter[name]) asking.set(name, filter[name]);
    asking.set("since", new Date(haidang.now() - Number(filter.span || 24) * HOUR_MS).toISOString());
    for (const [name, value] of Object.entries(more)) asking.set(name, value);
    return asking;
  };
  const read = async (path) => {
    const given = new AbortController(), late = setTimeout(() => given.abort(), ANSWER_MS);
    try {
      const answer = await fetch(path, { signal: given.signal });
      return answer.ok ? await answer.json() : null;
    } catch { return null; } finally { clearTimeout(late); }
  };
  const refresh = async () => {
    const number = ++asked;
    const [list, sums] = await Promise.all([read(`/api/v1/camera-events?${question({ limit: PAGE })}`), read(`/api/v1/camera-events/counts?${question()}`)]);
    if (number !== asked || !$("events-list")) return;
    failed = !list;
    if (sums) counts = sums;
    if (list) {
      const news = list.length && !rows.some((row) => row.id === list[0].id);
      if (reading() && rows.length && news) $("events-waiting").hidden = false;
      else if (!reading() || !rows.length) { rows = list; ended = list.length < PAGE; $("events-waiting").hidden = true; }
    }
    draw();
  };
  const renew = () => { rows = []; ended = false; $("events-waiting").hidden = true; touched = 0; return refresh(); };
  const further = async () => {
    const last = rows.at(-1), number = asked;
    if (!last || ended || rows.length >= MOST) return;
    const list = await read(`/api/v1/camera-events?${question({ limit: PAGE, before_at: last.occurred_at, before_id: last.id })}`);
    if (!list || number !== asked) return;
    rows = [...rows, ...list];
    ended = list.length < PAGE;
    draw();
  };
  const reading = () => Boolean(open) || (Date.now() - touched < READ_MS && $("events-list").matches(":hover, :focus-within"));

  // ---- the list --------------------------------------------------------------------------------------------------------------
  const badge = (row) => (row.simulated ? element("span", { class: "badge small" }, t("mô phỏng")) : "");
  const line = (row) => element("tr", { id: `event-${row.id}`, "data-event": row.id, tabindex: -1, class: `state-${row.state}` },
    element("td", { class: "when" }, stamp(row.occurred_at), row.ahead ? element("span", { class: "muted" }, ` ${t("đồng hồ nguồn nhanh")}`) : ""),
    element("td", {}, element("strong", {}, named("types", row.type)), badge(row)),
    element("td", { class: "camera", title: row.camera }, row.camera_name || row.camera),
    element("td", { class: "plate" }, row.plate || "–"),
    element("td", { class: "n" }, share(row.confidence)),
    element("td", {}, element("span", { class: `event-state ${row.state}` }, named("states", row.state)), row.state_by ? element("span", { class: "muted" }, ` ${row.state_by}`) : ""));
  const draw = () => {
    const place = $("events-list");
    if (!place || !words) return;
    states();
    const held = document.activeElement?.dataset?.event, scrolled = place.scrollTop;
    if (!rows.some((row) => row.id === current)) current = rows[0]?.id ?? null;
    const heads = [t("Xảy ra lúc"), t("Loại"), t("Camera"), t("Biển số"), t("Tin cậy"), t("Trạng thái")];
    const table = element("table", { class: "counts storm-table events-table" }, element("thead", {}, element("tr", {}, heads.map((name, n) => element("th", { class: n === 4 ? "n" : null, scope: "col" }, name)))), element("tbody", {}, rows.map(line)));
    const more = rows.length && !ended ? (rows.length < MOST ? element("button", { id: "events-more", class: "column-more" }, t("Hiện thêm")) : element("p", { class: "note" }, t("{n} sự kiện đầu; thu hẹp bộ lọc hoặc dùng tệp CSV để xem tiếp.", { n: haidang.number(rows.length) }))) : "";
    const none = failed ? t("Không đọc được sự kiện: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại.") : rows.length ? "" : filtered() ? t("Không có sự kiện nào khớp với bộ lọc.") : t("Chưa có sự kiện nào trong thời gian này. Sự kiện do hệ thống nhận dạng gửi tới bằng khoá API.");
    if ($("events-said").textContent !== none) $("events-said").textContent = none;
    place.replaceChildren(rows.length ? table : "", more);
    place.scrollTop = scrolled;
    point();
    if (held && $(`event-${held}`)) $(`event-${held}`).focus({ preventScroll: true });
  };
  const filtered = () => Boolean(filter.state || filter.type || filter.camera);
  const states = () => {
    const place = $("events-states"), print = JSON.stringify([counts, filter.state, filter.type]);
    if (!counts || place.print === print) return;
    place.print = print;
    const chip = (key, name, n) => element("button", { id: `events-state-${key || "all"}`, class: "chip", "data-events-state": key, "aria-pressed": String((filter.state || "") === key) }, name, element("span", { class: "chip-count" }, haidang.number(n)));
    const all = Object.values(counts.states).reduce((sum, n) => sum + n, 0), held = place.contains(document.activeElement) ? document.activeElement.id : null;
    place.replaceChildren(chip("", t("Tất cả"), all), ...words.states.map(([key, name]) => chip(key, name, counts.states[key] || 0)));
    if (held && $(held)) $(held).focus();
    $("events-count").textContent = counts.more ? t("hơn {n} sự kiện", { n: haidang.number(counts.total) }) : t("{n} sự kiện", { n: haidang.number(counts.total) });
    const select = $("events-type"), options = [["", t("Mọi loại")], ...words.types.map(([key, name]) => [key, `${name} (${haidang.number(counts.types[key] || 0)})`])];
    if (document.activeElement !== select) { select.replaceChildren(...options.map(([key, name]) => element("option", { value: key }, name))); select.value = filter.type || ""; }
    select.classList.toggle("chosen", Boolean(filter.type));
    $("events-all").hidden = !filtered();
  };
  const point = () => {
    for (const each of document.querySelectorAll("[data-event]")) {
      each.tabIndex = Number(each.dataset.event) === current ? 0 : -1;
      if (Number(each.dataset.event) === open) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
    }
  };

  // ---- one event -------------------------------------------------------------------------------------------------------------
  const panel = () => {
    const place = $("events-one");
    if (one) $("events-screen").dataset.open = "1"; else delete $("events-screen").dataset.open;
    if (!one) { place.replaceChildren(); place.print = ""; return; }
    const print = JSON.stringify([one, units]);
    if (place.print === print) return;
    place.print = print;
    const can = (deed) => FROM[deed].includes(one.state), unit = $("events-unit")?.value || place.unit || "", kept = place.of === one.id ? place.querySelector(".event-picture") : null;
    place.of = one.id;
    const facts = [[t("Xảy ra lúc"), stamp(one.occurred_at)], [t("Camera"), one.camera_name ? [element("a", { href: `/?chosen=camera.${encodeURIComponent(one.camera)}${document.documentElement.lang === "en" ? "&lang=en" : ""}` }, one.camera_name), element("span", { class: "muted" }, ` ${one.camera}`)] : [one.camera, element("span", { class: "muted" }, ` ${t("chưa có trong danh mục camera")}`)]], [t("Làn, hướng"), one.lane], [t("Biển số"), one.plate], [t("Tin cậy"), share(one.confidence)], [t("Nhận lúc"), [stamp(one.received_at), ` · ${one.sender}`]], [t("Chuyển tới"), one.unit ? unitName(one.unit) : ""]];
    const press = (deed, key, name) => element("button", { id: `events-do-${deed}`, class: "action", "data-events-deed": deed }, element("kbd", {}, key), name);
    const reasons = can("false") ? element("div", { class: "event-reasons" }, element("span", {}, t("Báo sai vì")), element("ol", { class: "storm-outcomes" }, words.reasons.map(([key, name], n) => element("li", {}, element("button", { id: `events-false-${n + 1}`, class: "action", "data-events-false": key }, element("kbd", {}, String(n + 1)), name))))) : "";
    const forward = can("forward") ? element("label", {}, element("span", {}, t("Chuyển tới đơn vị")), element("select", { id: "events-unit", class: "picked" }, element("option", { value: "" }, t("Chọn đơn vị")), (units || []).map((each) => element("option", { value: each.key, selected: each.key === unit }, unitName(each.key))))) : "";
    const doing = element("div", { class: "storm-doing" },
      one.state === "forwarded" ? "" : element("label", {}, element("span", {}, t("Ghi chú (biển số trong ghi chú sẽ được che)")), element("input", { id: "events-note", type: "text", maxlength: 300, autocomplete: "off" })),
      forward, element("div", { class: "event-deeds" }, can("review") ? press("review", "R", t("Đã xem")) : "", can("confirm") ? press("confirm", "C", t("Có vi phạm")) : "", can("forward") ? press("forward", "F", t("Chuyển xử lý")) : "", can("reopen") ? press("reopen", "Z", t("Mở lại")) : ""), reasons);
    const log = element("div", { class: "case-log" }, element("h3", {}, t("Đã làm gì")), one.log.length ? element("ul", {}, [...one.log].reverse().map((each) => element("li", {}, element("div", { class: "log-head" }, element("b", {}, deedName(each.deed)), stamp(each.at)), element("div", { class: "muted" }, [each.actor, each.reason ? named("reasons", each.reason) : "", each.unit ? unitName(each.unit) : ""].filter(Boolean).join(" · ")), each.note ? element("div", {}, each.note) : ""))) : element("p", { class: "note" }, t("Chưa ai xem sự kiện này.")));
    const inside = place.contains(document.activeElement) ? document.activeElement.id : null;
    place.replaceChildren(
      element("div", { class: "case-head" }, element("h2", { tabindex: -1 }, named("types", one.type), badge(one)), element("button", { id: "events-close", class: "quiet", "aria-label": t("Đóng") }, "×")),
      kept || picture(one), element("p", { class: "event-standing" }, element("span", { class: `event-state ${one.state}` }, named("states", one.state)), one.state_by ? ` ${one.state_by} · ` : " ", one.state_by ? stamp(one.state_at) : ""),
      element("dl", { class: "facts" }, facts.filter(([, value]) => value && value !== "–").map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])), doing, element("p", { id: "events-one-said", class: "deed-words", role: "status" }), log);
    if (inside && $(inside)) $(inside).focus({ preventScroll: true });
  };
  const deedName = (deed) => ({ review: t("Đã xem"), confirm: t("Có vi phạm"), false: t("Báo sai"), forward: t("Chuyển xử lý"), reopen: t("Mở lại") })[deed];
  const picture = (event) => {
    const frame = element("div", { class: "event-picture" });
    if (!event.picture) { frame.append(element("p", { class: "empty" }, t("Nguồn không gửi hình."))); return frame; }
    const address = `/api/v1/camera-events/${event.id}/picture`, image = element("img", { src: address, alt: t("Hình của sự kiện") });
    image.addEventListener("error", async () => {
      const answer = await fetch(address).catch(() => null), told = answer && !answer.ok ? await answer.json().catch(() => null) : null;
      frame.replaceChildren(element("p", { class: "empty" }, t("Không lấy được hình"), told ? element("span", { class: "muted", lang: "en" }, ` ${told.detail}`) : ""));
    });
    frame.append(image);
    return frame;
  };
  const say = (text, bad) => { const box = $("events-one-said"); if (box) { box.textContent = text; box.className = `deed-words ${bad ? "bad" : "good"}`; } };
  const show = async (id) => {
    open = id;
    if (id) current = id;
    address();
    point();
    if (!id) { one = null; panel(); return; }
    const found = await read(`/api/v1/camera-events/${id}`);
    if (open !== id || !$("events-one")) return;
    if (!found) { haidang.say(t("Không đọc được sự kiện {n}.", { n: id })); if (!one || one.id !== id) { open = null; one = null; } } else one = found;
    panel();
    point();
  };

  // ---- deciding --------------------------------------------------------------------------------------------------------------
  const actor = () => {
    const name = $("events-actor")?.value.trim();
    if (!name) { $("events-actor").focus(); haidang.say(t("Hãy ghi tên cán bộ trực ban")); }
    return name;
  };
  const decide = async (deed, reason) => {
    if (!one || busy || one.id !== open || !FROM[deed].includes(one.state)) return;
    const note = $("events-note")?.value.trim() || null, unit = deed === "forward" ? $("events-unit").value : null, id = one.id;
    if (deed === "forward" && !unit) { $("events-unit").focus(); say(t("Chọn đơn vị nhận rồi bấm F."), true); return; }
    if ((deed === "reopen" || reason === "other") && !note) { $("events-note").focus(); say(t("Ghi lý do vào ô ghi chú."), true); return; }
    const by = actor();
    if (!by) return;
    busy = true;
    say(t("Đang gửi…"));
    const given = new AbortController(), late = setTimeout(() => given.abort(), ANSWER_MS), body = { actor: by, version: one.version, note, ...(reason ? { reason } : {}), ...(unit ? { unit } : {}) };
    let answer = null, told = null;
    try {
      answer = await fetch(`/api/v1/camera-events/${id}/${deed}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: given.signal });
      told = await answer.json().catch(() => null);
    } catch { answer = null; } finally { clearTimeout(late); busy = false; }
    if (answer?.ok) {
      if (unit) $("events-one").unit = unit;
      rows = rows.map((row) => (row.id === id ? { ...row, state: told.state, state_by: told.state_by, version: told.version, unit: told.unit } : row));
      if (one?.id === id) one = told;
      draw();
      panel();
      say(t("Đã ghi: {words}.", { words: deedName(deed) }));
      counted();
      if (open === id && ["confirm", "false"].includes(deed)) { haidang.say(t("Đã ghi: {words}.", { words: deedName(deed) })); walk(1); }
    } else if (answer?.status === 409) {
      await show(id);
      rows = rows.map((row) => (row.id === id && one ? { ...row, state: one.state, state_by: one.state_by, version: one.version } : row));
      draw();
      say(t("CHƯA ghi: người khác vừa xử lý sự kiện này, xem bên dưới."), true);
    } else {
      const detail = Array.isArray(told?.detail) ? (document.documentElement.lang === "en" ? told.detail[0].msg : told.detail[0].vi || told.detail[0].msg) : told?.detail;
      say(answer ? `${t("CHƯA làm")}: ${detail || answer.status}` : t("Máy chủ không trả lời: CHƯA làm được."), true);
    }
  };
  const counted = async () => { const sums = await read(`/api/v1/camera-events/counts?${question()}`); if (sums) { counts = sums; states(); } };

  // ---- the address, pressing and typing --------------------------------------------------------------------------------------
  const address = () => {
    const p = new URLSearchParams(location.search), asking = question();
    for (const name of ["state", "type", "camera", "span"]) if (filter[name]) p.set(name, filter[name]); else p.delete(name);
    if (open) p.set("event", open); else p.delete("event");
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
    $("events-csv")?.setAttribute("href", `/api/v1/camera-events.csv?${asking}`);
  };
  const set = (changes) => { filter = Object.fromEntries(Object.entries({ ...filter, ...changes }).filter(([, value]) => value)); address(); states(); renew(); };
  const stand = (id) => {
    if (!id) return;
    current = id;
    if (open) show(id);
    point();
    const row = $(`event-${id}`);
    if (row) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
  };
  const walk = (step) => {
    const at = rows.findIndex((row) => row.id === current), inside = document.activeElement?.dataset?.event || open, next = Math.min(Math.max(inside ? at + step : at, 0), rows.length - 1);
    stand(rows[next]?.id);
    if (next >= rows.length - 2) further();
  };
  const close = () => { const back = open; show(null); stand(back); };
  for (const kind of ["pointermove", "pointerdown", "wheel", "keydown"]) document.addEventListener(kind, ({ target }) => { if (target.closest?.("#events-list, #events-one")) touched = Date.now(); }, { passive: true, capture: true });
  document.addEventListener("click", ({ target }) => {
    if (!$("events-list")) return;
    const button = target.closest("button"), row = target.closest("[data-event]");
    if (row) { show(Number(row.dataset.event)); row.focus({ preventScroll: true }); }
    else if (!button) return;
    else if (button.dataset.eventsDeed) decide(button.dataset.eventsDeed);
    else if (button.dataset.eventsFalse) decide("false", button.dataset.eventsFalse);
    else if (button.dataset.eventsState !== undefined) set({ state: button.dataset.eventsState });
    else if (button.id === "events-close") close();
    else if (button.id === "events-more") further();
    else if (button.id === "events-waiting") renew();
    else if (button.id === "events-all") { haidang.write("events-camera", ""); set({ state: "", type: "", camera: "" }); }
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "events-type") set({ type: target.value });
    else if (target.id === "events-span") set({ span: target.value === "24" ? "" : target.value });
    else if (target.id === "events-camera") set({ camera: target.value.trim() });
  });
  document.addEventListener("focusin", ({ target }) => { if (target.dataset?.event && Number(target.dataset.event) !== current) { current = Number(target.dataset.event); point(); } });
  document.addEventListener("keydown", (event) => {
    if (!$("events-list") || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, typing = event.target.closest("input,textarea,select,[contenteditable]");
    if (event.target.id === "events-camera" && key === "Enter") set({ camera: event.target.value.trim() });
    else if (event.target.id === "events-note" && ["Escape", "Enter"].includes(key)) $(`event-${open}`)?.focus();
    else if (typing) return;
    else if (key === "/") { $("events-camera").focus(); $("events-camera").select(); }
    else if (key === "j" || (key === "ArrowDown" && event.target.dataset?.event)) walk(1);
    else if (key === "k" || (key === "ArrowUp" && event.target.dataset?.event)) walk(-1);
    else if (key === "Enter" && event.target.dataset?.event) show(Number(event.target.dataset.event));
    else if (key === "Escape" && open) close();
    else if (key === "Escape" && !$("events-waiting").hidden) renew();
    else if (open && DEEDS[key] && !event.repeat) decide(DEEDS[key]);
    else if (open && key === "x") $("events-false-1")?.focus();
    else if (open && key === "n") $("events-note")?.focus();
    else if (open && /^[1-9]$/.test(key) && !event.repeat && words.reasons[Number(key) - 1]) decide("false", words.reasons[Number(key) - 1][0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  callbacks.events_tick = () => { if ($("events-screen")?.begun) refresh(); return dash.no_update; };
  new MutationObserver(() => {
    const screen = $("events-screen");
    if (!screen || screen.begun || !$("events-camera")) return;
    screen.begun = true;
    words = JSON.parse(screen.dataset.words);
    const { event, ...wanted } = JSON.parse(screen.dataset.wanted || "{}");
    filter = wanted;
    rows = []; counts = null; one = null; open = null; current = null;
    if (filter.camera) haidang.write("events-camera", filter.camera);
    $("events-span").value = filter.span || "24";
    read("/api/v1/units").then((found) => { units = found; panel(); });
    address();
    if (event && /^\d{1,18}$/.test(event)) show(Number(event));
    refresh();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
