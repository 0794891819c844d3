// The board of lost signals: what was read is filtered, put into columns and drawn here; its clocks run by themselves.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const PICKS = { level: "level", province: "prov", commune: "com", provider: "pv", kind: "kind", stage: "col" };
  const CAP = 30, MORE = 100, SOON_MS = 3600e3, HOUR = 3600, DAY = 86400, FAR_DAYS = 3;
  const READ_MS = 8000; // a pointer or a focus left behind for longer holds nothing any more
  let told = null, pending = null, touched = 0, forced = false, filter = {}, caps = {}, columns = [], current = null, number = 0;

  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };

  // ---- words of time --------------------------------------------------------------------------------------------------------
  const span = (ms) => {
    const whole = Math.max(0, Math.floor(ms / 1000)), days = Math.floor(whole / DAY), hours = Math.floor((whole % DAY) / HOUR);
    return days && days < FAR_DAYS && hours ? t("{d} ngày {h} giờ", { d: days, h: hours }) : haidang.age(whole);
  };
  const left = (ms) => (ms > 0 ? t("còn {span}", { span: span(ms) }) : t("quá {span}", { span: span(-ms) }));
  const tone = (ms) => (ms <= 0 ? "until over" : ms < SOON_MS ? "until soon" : "until");
  const clock = (ms) => { // 14:20, with the day when it is another one, or the day alone when it is far away
    const [time, day] = haidang.exact(ms).split(" "), today = haidang.exact(haidang.now()).split(" ")[1];
    if (day === today) return time.slice(0, 5);
    return Math.abs(ms - haidang.now()) < FAR_DAYS * DAY * 1000 ? `${time.slice(0, 5)} ${day.slice(0, 5)}` : day.slice(0, 5);
  };
  const until = (ms) => element("time", { class: tone(ms - haidang.now()), datetime: new Date(ms).toISOString(), title: haidang.exact(ms) }, left(ms - haidang.now()));
  const ago = (ms) => element("time", { class: "age tick", datetime: new Date(ms).toISOString(), title: haidang.exact(ms) }, haidang.age((haidang.now() - ms) / 1000));
  const tick = () => {
    for (const each of document.querySelectorAll("time.until[datetime]")) {
      const ms = Date.parse(each.dateTime) - haidang.now(), words = left(ms);
      if (each.textContent !== words) each.textContent = words;
      if (each.className !== tone(ms)) each.className = tone(ms);
    }
  };
  window.addEventListener("haidang:second", () => { if ($("cases-board")) tick(); });

  // ---- what is to be seen -----------------------------------------------------------------------------------------------------
  // Any spelling of a registration; Đ is a letter of its own there, in names it is a d.
  const plate = (text) => text.normalize("NFC").toUpperCase().replace(/[^0-9A-ZĐ]/g, "");
  const fold = (text) => text.normalize("NFD").replace(/[̀-ͯ]/g, "").replace(/[đĐ]/g, "d").toLowerCase().trim();
  const bucket = (row) => (row.home === undefined ? null : haidang.now() >= row.home ? "10d" : "6h-10d");
  const value = (row, pick) => (pick === "bucket" ? bucket(row) : row[PICKS[pick]]);
  const sought = (row, plain, name) => !name || (plain && row.plate.includes(plain)) || (row.fold && row.fold.includes(name));
  const standing = () => new Set(told.outages.map((one) => one.id));
  const sift = () => {
    const picks = [...Object.keys(PICKS), "bucket"], counts = Object.fromEntries(picks.map((pick) => [pick, new Map()]));
    const plain = plate(filter.q || ""), name = fold(filter.q || ""), outages = standing(), wanted = picks.filter((pick) => filter[pick]);
    const shown = [], hidden = new Map();
    let open = 0;
    for (const row of told.all) {
      if (row.id) open += 1;
      if (!sought(row, plain, name)) continue;
      const fails = wanted.filter((pick) => value(row, pick) !== filter[pick]);
      if (fails.length > 1) continue;
      for (const pick of fails.length ? fails : picks) {
        const own = value(row, pick);
        if (own !== undefined && own !== null) counts[pick].set(own, (counts[pick].get(own) || 0) + 1);
      }
      if (fails.length) continue;
      if (row.out && outages.has(row.out) && !name && filter.outage !== String(row.out)) hidden.set(row.out, (hidden.get(row.out) || 0) + 1);
      else shown.push(row);
    }
    return { shown, counts, hidden, open };
  };
  const due = (row) => Math.min(row.report ?? Infinity, row.home ?? Infinity, row.esc ?? Infinity, row.lost ?? Infinity, row.ended ?? Infinity);

  // ---- a card -------------------------------------------------------------------------------------------------------------------
  const timer = (title, ms) => (ms === undefined ? null : element("span", { class: "card-clock" }, element("span", { class: "card-due" }, `${title} ${clock(ms)}`), until(ms)));
  const keyOf = (row) => (row.id ? `case-${row.id}` : `late-${row.reg}`);
  const face = (row) => {
    const head = element("span", { class: "card-head-line" }, element("strong", {}, row.reg), element("span", { class: "card-length", title: row.levelw }, `${row.len} m`));
    const name = row.name && plate(row.name) !== row.plate ? element("span", { class: "card-name" }, row.name) : null;
    const since = element("span", { class: "card-last" }, `${row.kind === "loss" || !row.id ? t("Tín hiệu cuối") : t("Phát hiện")} `, ago(row.since), row.at ? element("span", { class: "card-at" }, row.at) : "");
    const label = row.out ? element("span", { class: "card-outage" }, t("Trong sự cố {name}", { name: row.pvn || "" })) : null;
    if (!row.id) return [head, name, since, element("span", { class: "card-clocks" }, timer(t("Mất lúc"), row.lost)), label];
    const clocks = [timer(t("Báo"), row.report), timer(t("Về bờ"), row.home), row.escd ? null : timer(t("Lên cấp"), row.esc)].filter(Boolean);
    const who = row.who || t("Chưa giao"), calls = row.calls ? t("{n} liên hệ", { n: row.calls }) : t("chưa liên hệ");
    return [
      head, name, row.col === "ENDED" || row.col === "ASTRAY" ? element("span", { class: "card-stage" }, row.stage) : null, since,
      row.ended ? element("span", { class: "card-last" }, `${t("Kết thúc")} `, ago(row.ended)) : null,
      row.told ? element("span", { class: "card-last" }, `${t("Báo tay")} `, ago(row.told)) : null,
      clocks.length ? element("span", { class: "card-clocks" }, clocks) : null,
      row.escd ? element("span", { class: "card-escalated" }, t("Đã chuyển cấp trên")) : null, label,
      element("span", { class: row.who ? "card-who" : "card-who nobody" }, element("span", {}, who), element("span", {}, calls)),
    ];
  };
  const card = (row) => {
    const key = keyOf(row), common = { id: key, class: `case-card level-${row.level}`, tabindex: -1, "data-card": key };
    const press = row.id ? element("button", { ...common, "data-case": row.id }, face(row)) : element("a", { ...common, href: `/?chosen=vms.${encodeURIComponent(row.reg)}`, title: t("Xem trên bản đồ") }, face(row));
    const item = element("li", {}, press);
    return item;
  };
  const made = new Map(); // cards by their key, as long as nothing of them has changed: a filter that is undone costs little
  const cardOf = (row) => {
    const key = keyOf(row), was = made.get(key);
    if (was && was.print === row.print) return was.item;
    const item = card(row);
    made.set(key, { print: row.print, item });
    return item;
  };

  // ---- the board ------------------------------------------------------------------------------------------------------------------
  const put = (list, rows) => {
    const next = rows.map(cardOf);
    const kept = new Set(next);
    for (const item of [...list.children]) if (!kept.has(item)) item.remove();
    next.forEach((item, at) => { if (list.children[at] !== item) list.insertBefore(item, list.children[at] || null); });
  };
  const column = (name, title) => {
    const head = element("h2", { id: `column-${name}` }, element("span", {}, title), element("span", { class: "count" }));
    const more = element("button", { class: "column-more", "data-column-more": name, hidden: "" });
    return element("section", { class: "case-column", "data-column": name, "aria-labelledby": `column-${name}` }, head, element("p", { class: "column-note", hidden: "" }), element("div", { class: "column-scroll" }, element("ol", {}), more));
  };
  const draw = () => {
    const place = $("cases-board");
    if (!place || !told) return;
    if (!place.querySelector(".case-column")) place.replaceChildren(...told.columns.map(([name, title]) => column(name, title)));
    const { shown, counts, hidden, open } = sift(), focused = document.activeElement?.dataset?.card;
    const by = Object.fromEntries(told.columns.map(([name]) => [name, []]));
    for (const row of shown) (by[row.col] || by.ASTRAY).push(row);
    columns = [];
    for (const part of place.children) {
      const name = part.dataset.column, rows = by[name].sort((a, b) => due(a) - due(b) || a.since - b.since), most = caps[name] || CAP, some = rows.slice(0, most);
      part.classList.toggle("none", !rows.length);
      part.querySelector("h2 .count").textContent = haidang.number(rows.length);
      const note = part.querySelector(".column-note"), beyond = name === "ENDED" && told.beyond ? told.beyond : 0;
      note.hidden = !beyond;
      note.textContent = beyond ? t("Còn {n} vụ nữa chờ kết luận chưa đọc hết", { n: haidang.number(beyond) }) : "";
      put(part.querySelector("ol"), some);
      const more = part.querySelector(".column-more"), rest = rows.length - some.length;
      more.hidden = !rest;
      more.textContent = rest ? t("Còn {n} thẻ nữa · hiện thêm", { n: haidang.number(rest) }) : "";
      columns.push(some.map(keyOf));
    }
    const all = columns.flat();
    if (!all.includes(current)) current = all.includes(focused) ? focused : all[0] ?? null;
    point();
    if (focused && document.activeElement === document.body && $(focused)) $(focused).focus({ preventScroll: true });
    outages(hidden);
    const words = shown.filter((row) => row.id).length, late = shown.length - words, kept = [...hidden.values()].reduce((sum, n) => sum + n, 0);
    $("cases-count").textContent = t("{n} / {all} vụ việc · {late} tàu trễ", { n: haidang.number(words), all: haidang.number(open), late: haidang.number(late) });
    const none = !shown.length ? (filtered() ? t("Không có vụ việc nào khớp với bộ lọc.") : kept ? t("Mọi vụ việc đang mở đều thuộc sự cố nhà cung cấp.") : t("Không có vụ việc nào đang mở, không tàu nào trễ tín hiệu.")) : "";
    if ($("cases-said").textContent !== none) $("cases-said").textContent = none;
    picks(counts);
    tick();
  };
  const filtered = () => Boolean(filter.q || filter.bucket || Object.keys(PICKS).some((pick) => filter[pick]));
  const outages = (hidden) => {
    const place = $("cases-outages"), print = JSON.stringify([told.outages, [...hidden], filter.outage]);
    if (place.print === print) return;
    place.print = print;
    const held = place.contains(document.activeElement) ? document.activeElement.id : null;
    place.replaceChildren(...told.outages.map((one) => {
      const open = filter.outage === String(one.id), n = told.all.filter((row) => row.out === one.id).length;
      const words = t("Sự cố {name} từ {at}: {n} tàu im tiếng là một báo động; các đồng hồ vẫn chạy", { name: one.name, at: clock(one.since), n: haidang.number(n) });
      return element("div", { class: "outage" }, element("strong", {}, words), element("button", { id: `outage-${one.id}`, class: "action", "data-outage": one.id, "aria-expanded": String(open) }, open ? t("Gom lại") : t("Hiện từng tàu")), element("a", { class: "action", href: `/alarms?alarm=${one.id}` }, t("Xem báo động")));
    }));
    if (held && $(held)) $(held).focus();
  };
  const named = (pick) => ({ level: told.levels, kind: told.kinds, stage: told.columns, bucket: told.buckets })[pick] || null;
  const picks = (counts) => {
    for (const select of document.querySelectorAll("[data-case-pick]")) {
      const pick = select.dataset.casePick, own = counts[pick], chosen = filter[pick] || "";
      const list = named(pick) || [...own.keys()].sort((a, b) => String(a).localeCompare(String(b), "vi")).map((key) => [key, pick === "provider" ? told.providers.get(key) || key : key]);
      const options = [["", select.dataset.every], ...list.map(([key, words]) => [key, `${words} (${haidang.number(own.get(key) || 0)})`])];
      if (chosen && !options.some(([key]) => key === chosen)) options.push([chosen, chosen]);
      const print = JSON.stringify([options, chosen]);
      if (select.print === print || document.activeElement === select) continue;
      select.print = print;
      select.replaceChildren(...options.map(([key, words]) => element("option", { value: key }, words)));
      select.value = chosen;
      select.classList.toggle("chosen", Boolean(chosen));
    }
    $("cases-all").hidden = !filtered();
  };
  const point = () => { // Tab comes once to each column: to the card that was stood on, or to its first
    const stops = new Set(columns.map((keys) => (keys.includes(current) ? current : keys[0])));
    for (const each of document.querySelectorAll("[data-card]")) {
      each.tabIndex = stops.has(each.dataset.card) ? 0 : -1;
      if (each.dataset.case && each.dataset.case === filter.case) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
    }
  };

  // ---- the address and what is asked ------------------------------------------------------------------------------------------
  const address = () => {
    const p = new URLSearchParams(location.search);
    for (const name of ["q", ...Object.keys(PICKS), "bucket", "outage", "case"]) if (filter[name]) p.set(name, filter[name]); else p.delete(name);
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
    const c = new URLSearchParams({ status: filter.stage === "ENDED" ? "ended" : "open" });
    for (const name of ["level", "province", "commune", "provider", "kind", "bucket"]) if (filter[name]) c.set(name, filter[name]);
    if (filter.stage && filter.stage !== "ENDED") c.set("stage", filter.stage === "ASTRAY" ? "ASTRAY,OPEN" : filter.stage);
    $("cases-csv")?.setAttribute("href", `/api/v1/cases.csv?${c}`);
  };
  const set = (changes) => {
    filter = Object.fromEntries(Object.entries({ ...filter, ...changes }).filter(([, one]) => one));
    address();
    if (pending) take(pending); else draw();
  };
  const ask = () => { number += 1; dash.set_props("cases-ask", { data: { n: number, print: (pending || told)?.print } }); };
  // While somebody reads the cards, they stand still; what came in waits, and a line says so.
  const reading = () => told && Date.now() - touched < READ_MS && ($("cases-board").matches(":hover") || $("cases-board").contains(document.activeElement));
  const hold = (answer) => {
    pending = answer;
    $("cases-waiting").hidden = !answer;
  };
  callbacks.cases_answered = (answer) => {
    if (!answer || !$("cases-board")) return dash.no_update;
    if (reading() && !forced) hold(answer); else take(answer);
    ask(); // from now on only what is new is sent
    haidang.cases.heard?.(new Map(answer.rows.map((row) => [row.id, row.v])));
    return dash.no_update;
  };
  const take = (answer) => {
    hold(null);
    forced = false;
    told = answer;
    told.all = [...told.late, ...told.rows];
    told.providers = new Map();
    for (const row of told.all) row.print = JSON.stringify(row);
    const keys = new Set(told.all.map(keyOf));
    for (const key of made.keys()) if (!keys.has(key)) made.delete(key);
    for (const row of told.all) {
      row.plate = plate(row.reg);
      row.fold = row.name ? fold(row.name) : "";
      if (row.pv) told.providers.set(row.pv, row.pvn || row.pv);
    }
    draw();
  };
  for (const kind of ["pointermove", "pointerdown", "wheel", "keydown"]) {
    document.addEventListener(kind, ({ target }) => { if (target.closest?.("#cases-board")) touched = Date.now(); }, { passive: true, capture: true });
  }
  window.addEventListener("haidang:second", () => { if (pending && $("cases-board") && !reading()) take(pending); });

  // ---- pressing and typing ------------------------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    if (!$("cases-board")) return;
    const pressed = event.target.closest("button,[data-card]"), d = pressed?.dataset || {};
    if (d.card) { current = d.card; point(); }
    if (d.case) haidang.cases.open(d.case);
    else if (d.outage) set({ outage: filter.outage === d.outage ? "" : d.outage });
    else if (d.casesAll) { haidang.write("cases-search", ""); set({ q: "", bucket: "", ...Object.fromEntries(Object.keys(PICKS).map((pick) => [pick, ""])) }); $("cases-search").focus(); }
    else if (pressed?.id === "cases-waiting") take(pending);
    else if (d.columnMore) { caps[d.columnMore] = (caps[d.columnMore] || CAP) + MORE; draw(); }
  });
  document.addEventListener("change", ({ target }) => { if (target.dataset.casePick) { caps = {}; target.print = ""; set({ [target.dataset.casePick]: target.value }); } });
  document.addEventListener("input", ({ target }) => { if (target.id === "cases-search") { caps = {}; set({ q: target.value.trim() }); } });
  document.addEventListener("focusin", ({ target }) => { if (target.dataset?.card && target.dataset.card !== current) { current = target.dataset.card; point(); } });

  // ---- by keyboard --------------------------------------------------------------------------------------------------------------
  const stand = (key) => {
    if (!key || !$(key)) return;
    current = key;
    point();
    $(key).focus({ preventScroll: true });
    $(key).scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const spot = () => { for (let c = 0; c < columns.length; c += 1) { const r = columns[c].indexOf(current); if (r >= 0) return [c, r]; } return [0, 0]; };
  const walk = (step) => {
    const all = columns.flat(), inside = document.activeElement?.dataset?.card, at = all.indexOf(current);
    stand(all[Math.min(Math.max(inside ? at + step : at, 0), all.length - 1)]);
  };
  const across = (step) => {
    const [c, r] = spot();
    for (let next = c + step; next >= 0 && next < columns.length; next += step) {
      if (columns[next].length) { stand(columns[next][Math.min(r, columns[next].length - 1)]); return; }
    }
  };
  const along = (step) => { const [c, r] = spot(), list = columns[c] || []; stand(list[Math.min(Math.max(r + step, 0), list.length - 1)]); };
  const KEYS = { ArrowDown: () => along(1), ArrowUp: () => along(-1), ArrowRight: () => across(1), ArrowLeft: () => across(-1), Home: () => along(-1e6), End: () => along(1e6) };
  document.addEventListener("keydown", (event) => {
    if (!$("cases-board") || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input,textarea,select,[contenteditable]"), key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.target.id === "cases-search" && (key === "Escape" || key === "Enter" || key === "ArrowDown")) { if (key === "Escape") event.target.blur(); else walk(0); }
    else if (typing) return;
    else if (key === "/") { $("cases-search").focus(); $("cases-search").select(); }
    else if (key === "Escape" && pending) take(pending);
    else if (key === "j") walk(1);
    else if (key === "k") walk(-1);
    else if (document.activeElement?.dataset?.card && key in KEYS) KEYS[key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  haidang.cases = {
    set,
    ask: () => { forced = true; ask(); },
    chosen: () => filter.case || null,
    back: () => { const key = filter.case ? `case-${filter.case}` : current; stand($(key) ? key : current); },
  };

  new MutationObserver(() => {
    const screen = $("cases-screen");
    if (!screen || screen.begun || !$("cases-search")) return;
    screen.begun = true;
    filter = JSON.parse(screen.dataset.wanted || "{}");
    if (filter.q) haidang.write("cases-search", filter.q);
    address();
    draw();
    if (filter.case) haidang.cases.open(filter.case);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
