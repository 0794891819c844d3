// The alarm desk's rows, drawn by hand and line by line: they stand still while they are read, and never lose the focus.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const SHAPE = { critical: "diamond", high: "triangle", medium: "square", low: "circle" };
  const READ_MS = 60000; // a pointer or a focus left behind for longer holds nothing any more
  const REST = 1, GAP_MS = 120, GIVE_UP_MS = 12000, CHANGED_MS = 2000, POLL_MS = 3000;
  let told = null; // the newest answer
  let shown = []; // rows as they stand on the screen
  let waiting = 0;
  let filter = {}, open = null, shelfOpen = false;
  let current = null; // the line the keyboard stands on
  let chosen = null;
  let touched = Date.now();

  const $ = (id) => document.getElementById(id);
  const list = () => $("desk");
  const wide = () => list()?.tagName === "TBODY";
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
    made.append(...children.filter((child) => child !== null && child !== ""));
    return made;
  };
  const say = (id, text) => {
    const place = $(id);
    if (place.textContent !== text) place.textContent = text;
    place.hidden = !text;
  };

  // ---- asking: one question at a time, the next no sooner than the last one's cost allows ------------------------------------
  let number = 0, busy = false, again = false, hurried = false, sentAt = -1e9, cost = 0, rest = 0, timer = 0, forced = -1;
  const box = () => {
    if (!filter.inview || !haidang.map) return null;
    const b = haidang.map.getBounds();
    return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((degrees) => Math.round(degrees * 1e5) / 1e5);
  };
  const send = () => {
    clearTimeout(timer);
    timer = 0;
    const at = performance.now();
    if (busy && at - sentAt < GIVE_UP_MS) { again = true; return; }
    const due = hurried ? 0 : sentAt + cost + Math.max(GAP_MS, Math.min(2000, REST * rest));
    if (at < due) { timer = setTimeout(send, due - at); return; }
    busy = true;
    again = hurried = false;
    sentAt = at;
    dash.set_props("desk-ask", { data: { n: ++number, filter, open, wide: wide(), box: box(), print: told && told.print, ringed: told && told.ringed } });
  };
  // What the operator asked for himself is drawn at once, whoever is reading.
  const hurry = () => {
    hurried = true;
    forced = number + 1;
    send();
  };
  callbacks.desk_answered = (answer) => {
    if (!answer || !list()) return dash.no_update;
    if (answer.n < number && told) return dash.no_update;
    cost = answer.n ? performance.now() - sentAt : 0;
    rest = answer.same ? 0 : cost; // where nothing had changed there was nothing to draw, and the next news need not wait
    busy = false;
    if (!answer.same && !answer.away) {
      const ringed = answer.rings;
      told = { ...answer, ringed: answer.ringed };
      if (ringed && $("map")) haidang.callLive("alarms", ringed.map(([layer, key, severity, state]) => ({ layer, key, severity, state })));
      haidang.heard([...answer.rows, ...answer.others]);
      around();
      draw(answer.n === forced);
      changed();
    }
    if (again) send();
    return dash.no_update;
  };
  let changedAt = 0, changing = 0;
  const changed = () => {
    if (changing) return;
    changing = setTimeout(() => {
      changing = 0;
      changedAt = Date.now();
      dash.set_props("desk-changed", { data: { n: number } });
    }, Math.max(0, changedAt + CHANGED_MS - Date.now()));
  };
  window.addEventListener("haidang:alarm-hint", () => { if (list()) send(); });
  window.addEventListener("haidang:view", () => { if (list() && filter.inview) hurry(); });
  // Hints only hurry it: a screen that misses one, or a database that goes away, shows within this time.
  setInterval(() => { if (list() && told && performance.now() - sentAt > POLL_MS - 500) send(); }, POLL_MS / 3);

  // ---- what stands around the rows --------------------------------------------------------------------------------------------
  const around = () => {
    if ($("desk-title").textContent !== told.title) dash.set_props("desk-title", { children: told.title });
    say("desk-flood", told.flood);
    say("desk-left-out", told.left_out);
    say("desk-empty", told.empty);
    const { facets } = told;
    for (const chip of document.querySelectorAll("[data-desk-part]")) {
      const { deskPart: part, deskName: name } = chip.dataset;
      chip.setAttribute("aria-pressed", String(part === "inview" ? Boolean(filter.inview) : (filter[part] || "").split(",").includes(name)));
      const count = chip.querySelector(".chip-count");
      if (facets[part]) count.textContent = haidang.number(facets[part][name] || 0);
      chip.dataset.none = String(Boolean(facets[part]) && !facets[part][name]);
    }
    for (const select of document.querySelectorAll("[data-desk-pick]")) fill(select, facets[select.dataset.deskPick]);
    $("desk-all").hidden = !["severity", "state", "unit", "rule", "inview"].some((part) => filter[part]);
    const asked = new URLSearchParams({ ...filter, lang: document.documentElement.lang });
    asked.delete("inview");
    if (box()) asked.set("bbox", box().join(","));
    $("desk-csv")?.setAttribute("href", `/api/v1/alarms/lines.csv?${asked}`);
    for (const head of document.querySelectorAll("[data-desk-sort]")) {
      const down = filter.sort === `-${head.dataset.deskSort}`, up = filter.sort === head.dataset.deskSort;
      head.closest("th").setAttribute("aria-sort", up ? "ascending" : down ? "descending" : "none");
    }
    shelf();
  };
  const fill = (select, options) => {
    const part = select.dataset.deskPick, value = filter[part] || "";
    const wanted = [["", select.dataset.every], ...options.map(([key, name, n]) => [key, `${name} (${haidang.number(n)})`])];
    if (value && !options.some(([key]) => key === value)) wanted.push([value, value]);
    const print = JSON.stringify([wanted, value]);
    if (select.print === print || document.activeElement === select) return;
    select.print = print;
    select.replaceChildren(...wanted.map(([key, name]) => element("option", { value: key }, name)));
    select.value = value;
  };
  const shelf = () => {
    const place = $("desk-shelf"), print = JSON.stringify([told.shelves, shelfOpen]);
    if (place.print === print) return;
    place.print = print;
    if (!told.shelves.length) { place.replaceChildren(); return; }
    const held = place.contains(document.activeElement) ? document.activeElement.id : null;
    const head = element("button", { id: "shelf-open", class: "shelf-head", "aria-expanded": String(shelfOpen), "aria-controls": "shelf-list" }, told.shelf_title);
    const rows = told.shelves.map((row) => element("li", { class: "shelved" }, element("span", { class: "what" }, row.title), element("span", { class: "more" }, row.more),
      row.alarm ? element("button", { id: row.key, class: "action", "data-unshelve": row.alarm }, haidang.t("Lấy lại")) : null));
    place.replaceChildren(head, ...(shelfOpen ? [element("ol", { id: "shelf-list" }, ...rows)] : []));
    if (held && $(held)) $(held).focus();
  };

  // ---- rows ---------------------------------------------------------------------------------------------------------------------
  const mark = (row) => element("span", { class: `icon icon-${SHAPE[row.severity]} sev`, style: `color: var(--${row.severity})`, title: row.severity_word, role: "img", "aria-label": row.severity_word });
  const time = (row) => {
    const seconds = (haidang.now() - Date.parse(row.raised_at)) / 1000;
    return element("time", { class: "age tick", datetime: row.raised_at, title: row.raised }, haidang.age(seconds));
  };
  const name = (row) => [row.title, ...(row.test ? [element("span", { class: "badge small" }, "TEST")] : [])];
  const more = (row) => [...(row.gone ? [haidang.t("đã rời bàn")] : []), ...row.more].join(" · ");
  const opens = (row) => (row.flood ? "flood" : row.children ? "children" : null);
  const press = (row, ...content) => {
    const button = element("button", { id: row.key, class: "alarm-row", tabindex: row.key === current ? 0 : -1, "data-layer": row.layer }, ...content);
    if (row.flood) button.setAttribute("aria-expanded", String(open?.of === row.key));
    else Object.assign(button.dataset, { go: "alarm", key: row.object_key, alarm: row.id, zoom: 11, ...(row.lat === null ? {} : { lat: row.lat, lon: row.lon }) });
    return button;
  };
  const toggle = (row) => {
    if (!row.children || row.flood) return null;
    return element("button", { class: "opens", "data-opens": row.key, "aria-expanded": String(open?.of === row.key), title: haidang.t("Mở, đóng danh sách con"), "aria-label": haidang.t("Mở, đóng danh sách con") }, element("span", { class: "icon icon-chevron" }));
  };
  const pager = (row) => {
    const last = Math.max(1, Math.ceil(row.total / row.size)), step = (id, to, words) => element("button", { id, class: "action", "data-page": to, "aria-disabled": String(to < 0 || to >= last) }, words);
    return [element("span", {}, haidang.t("Trang {n}/{last}", { n: row.page + 1, last })), step(`${row.key}-before`, row.page - 1, haidang.t("Trước")), step(`${row.key}-after`, row.page + 1, haidang.t("Sau"))];
  };
  const attributes = (row) => ({
    class: ["alarm", row.state, `sev-${row.severity}`, row.urgent && "urgent", row.inner && "inner", row.gone && "gone", row.flood && "flood"].filter(Boolean).join(" "),
    "data-line": row.key, "data-alarm-row": row.id ?? "",
  });
  const asItem = (row) => {
    if (row.pager) return element("li", { class: "pager", "data-line": row.key }, ...pager(row));
    return element("li", attributes(row), press(row, mark(row), element("span", { class: "what", title: row.full }, ...name(row)), time(row), element("span", { class: "more" }, more(row))), toggle(row) ?? "");
  };
  const cell = (column, ...content) => element("td", { class: `col-${column}` }, ...content);
  const asRow = (row) => {
    if (row.pager) return element("tr", { class: "pager", "data-line": row.key }, element("td", { colspan: 8 }, ...pager(row)));
    const notes = [...(row.gone ? [haidang.t("đã rời bàn")] : []), ...row.notes].join(" · ");
    return element("tr", attributes(row), cell("severity", mark(row), element("span", { class: "severity-word" }, row.severity_word)),
      cell("rule", press(row, element("span", { class: "what", title: row.full }, ...name(row))), toggle(row) ?? "", notes ? element("span", { class: "more" }, notes) : ""),
      cell("object", row.object), cell("fence", row.fence), cell("raised", element("span", { class: "exact", title: row.raised }, row.clock), time(row)), cell("state", row.state_words), cell("unit", row.unit),
      cell("comment", element("span", { title: row.comment }, row.comment)));
  };

  // The rows with those of the opened line below it.
  const rowsOf = () => {
    const { inner } = told;
    return told.rows.flatMap((row) => {
      if (!inner || inner.of !== row.key) return [row];
      const own = inner.rows.map((each) => ({ ...each, inner: true })), many = row.children > inner.size;
      return [row, ...own, ...(many ? [{ pager: true, key: `${row.key}-pager`, page: inner.page, size: inner.size, total: row.children }] : [])];
    });
  };
  const reading = () => {
    const place = list();
    return shown.length > 0 && Date.now() - touched < READ_MS && (place.matches(":hover") || place.contains(document.activeElement));
  };
  // While somebody reads, every row keeps its place and tells in place what became of it; only what is urgent comes in, on top.
  const held = (rows) => {
    const fresh = new Map(rows.map((row) => [row.key, row])), before = new Set(shown.map((row) => row.key));
    const kept = shown.map((row) => fresh.get(row.key) || { ...row, gone: true });
    const all = [...rows.filter((row) => row.urgent && !row.inner && !before.has(row.key)), ...kept];
    const there = new Set(all.map((row) => row.key));
    const stand = all.filter((row) => !row.gone), wanted = rows.filter((row) => there.has(row.key));
    const moved = stand.filter((row, at) => row.key !== wanted[at].key).length;
    return { rows: all, waiting: moved + all.length - stand.length + rows.filter((row) => !there.has(row.key)).length };
  };
  const draw = (now) => {
    const place = list();
    if (!place || !told) return;
    const rows = rowsOf();
    const next = !now && reading() ? held(rows) : { rows, waiting: 0 };
    const focused = place.contains(document.activeElement) ? document.activeElement : null;
    const line = focused?.closest("[data-line]")?.dataset.line, at = shown.findIndex((row) => row.key === line);
    shown = next.rows;
    waiting = next.waiting;
    if (!shown.some((row) => row.key === current && !row.pager)) current = (shown[Math.max(0, Math.min(at, shown.length - 1))] || {}).key ?? null;
    put(place, shown);
    say("desk-waiting", waiting ? haidang.t("{n} thay đổi đang chờ · Esc", { n: haidang.number(waiting) }) : "");
    point();
    if (focused && !place.contains(document.activeElement)) ((focused.id && $(focused.id)) || $(line) || $(current))?.focus({ preventScroll: true });
  };
  const put = (place, rows) => {
    const make = wide() ? asRow : asItem, old = new Map([...place.children].map((each) => [each.dataset.line, each])), keys = new Set(rows.map((row) => row.key));
    for (const [key, each] of old) if (!keys.has(key)) each.remove();
    let cursor = place.firstElementChild;
    for (const row of rows) {
      const print = JSON.stringify([row, open?.of === row.key]);
      let each = old.get(row.key);
      if (!each) each = make(row);
      else if (each.print !== print) refill(each, make(row));
      each.print = print;
      if (each === cursor) cursor = cursor.nextElementSibling;
      else place.insertBefore(each, cursor);
    }
  };
  // New content in the old elements: the button that has the focus stays the same one.
  const refill = (old, made) => {
    const button = old.querySelector(".alarm-row"), next = made.querySelector(".alarm-row");
    for (const [was, is] of button && next ? [[old, made], [button, next]] : [[old, made]]) {
      for (const { name: attribute } of [...was.attributes]) if (!is.hasAttribute(attribute)) was.removeAttribute(attribute);
      for (const { name: attribute, value } of is.attributes) was.setAttribute(attribute, value);
    }
    if (!button || !next) { old.replaceChildren(...made.childNodes); return; }
    button.replaceChildren(...next.childNodes);
    const home = button.parentElement, from = next.parentElement; // the item itself, or the cell of a table's row
    for (const each of [...home.childNodes]) if (each !== button) each.remove();
    for (const each of [...from.childNodes]) if (each !== next) home.append(each);
    if (home === old) return;
    const cells = [...made.children];
    [...old.children].forEach((each, index) => { if (each !== home) each.replaceWith(cells[index]); });
  };
  // The chosen row, and the one that Tab comes to.
  const point = () => {
    for (const button of list()?.querySelectorAll(".alarm-row") || []) {
      const same = chosen && button.dataset.go && (chosen.alarm ? button.dataset.alarm === String(chosen.alarm)
        : button.dataset.layer === chosen.layer && button.dataset.key === String(chosen.key));
      if (same) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
      button.tabIndex = button.id === current ? 0 : -1;
    }
  };
  callbacks.desk_chosen = (next) => {
    chosen = next;
    // Who walks through the list by key stands where they are, also when an earlier choice arrives late.
    const walking = list()?.contains(document.activeElement);
    if (!walking && chosen && chosen.alarm && shown.some((row) => row.id === chosen.alarm)) current = `alarm-${chosen.alarm}`;
    if (list()) point();
    if (haidang.handChosen) haidang.handChosen(next);
    return dash.no_update;
  };

  // ---- reading ends ----------------------------------------------------------------------------------------------------------
  const apply = () => { draw(true); };
  for (const kind of ["pointermove", "pointerdown", "keydown", "wheel"]) {
    window.addEventListener(kind, () => { touched = Date.now(); }, { passive: true, capture: true });
  }
  const release = () => { if (waiting && list() && !reading()) draw(); };
  document.addEventListener("pointerout", (event) => { if (list()?.contains(event.target)) setTimeout(release, 0); });
  document.addEventListener("focusout", (event) => { if (list()?.contains(event.target)) setTimeout(release, 0); });
  window.addEventListener("haidang:second", release);

  // ---- filter, order, groups ---------------------------------------------------------------------------------------------------
  const setFilter = (next) => {
    filter = Object.fromEntries(Object.entries(next).filter(([, value]) => value));
    dash.set_props("desk-filter", { data: filter });
    around();
    hurry();
  };
  const flip = (part, value) => {
    const parts = (filter[part] || "").split(",").filter(Boolean);
    setFilter({ ...filter, [part]: (parts.includes(value) ? parts.filter((each) => each !== value) : [...parts, value]).join(",") });
  };
  const turn = (of, page = 0) => {
    open = of ? { of, page } : null;
    hurry();
  };
  const unfold = (row) => turn(open?.of === row.key ? null : row.key);
  document.addEventListener("click", (event) => {
    if (!list() || !told) return;
    const pressed = event.target.closest("button"), d = pressed?.dataset || {};
    if (d.deskPart) flip(d.deskPart, d.deskName);
    else if (d.deskAll) setFilter({ sort: filter.sort });
    else if (d.deskSort) setFilter({ ...filter, sort: filter.sort === d.deskSort ? `-${d.deskSort}` : filter.sort === `-${d.deskSort}` ? "" : d.deskSort });
    else if (d.opens) unfold(rowOf(d.opens));
    else if (d.page) { if (pressed.getAttribute("aria-disabled") !== "true") turn(open.of, Number(d.page)); }
    else if (d.unshelve) haidang.deed("unshelve", { alarm: Number(d.unshelve) });
    else if (pressed?.id === "desk-waiting") apply();
    else if (pressed?.id === "shelf-open") { shelfOpen = !shelfOpen; shelf(); $("shelf-open").focus(); }
    else {
      const line = event.target.closest("#desk [data-line]"), row = line && rowOf(line.dataset.line);
      if (!row || row.pager || (pressed && !pressed.classList.contains("alarm-row"))) return;
      stand(row.key, Boolean(pressed));
      if (row.flood) { unfold(row); return; }
      if (!pressed) haidang.go(line.querySelector(".alarm-row"));
      haidang.hand(row);
    }
  });
  document.addEventListener("change", ({ target }) => { if (target.dataset.deskPick) setFilter({ ...filter, [target.dataset.deskPick]: target.value }); });

  // ---- by keyboard ------------------------------------------------------------------------------------------------------------
  const rowOf = (key) => shown.find((row) => row.key === key);
  const stand = (key, focus = true) => {
    current = key;
    point();
    const button = $(key);
    if (!button) return;
    if (focus) button.focus({ preventScroll: true });
    button.closest("[data-line]").scrollIntoView({ block: "nearest" });
  };
  const walk = (step) => {
    const rows = shown.filter((row) => !row.pager);
    if (!rows.length) return;
    const inside = list().contains(document.activeElement), at = rows.findIndex((row) => row.key === current);
    const to = !inside ? Math.max(0, at) : at + step;
    stand(rows[Math.min(Math.max(to, 0), rows.length - 1)].key);
  };
  haidang.desk = {
    walk, apply, stand, unfold,
    waiting: () => waiting,
    focused: () => {
      const line = list()?.contains(document.activeElement) && document.activeElement.closest("[data-line]");
      return line ? rowOf(line.dataset.line) || null : null;
    },
    opened: (row) => open?.of === row.key,
    opens, rowOf, send,
  };

  // The address said what is to be shown; the first question has been asked with the page.
  new MutationObserver(() => {
    const part = $("desk-part");
    if (part && !part.begun) {
      part.begun = true;
      filter = JSON.parse(part.dataset.filter || "{}");
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
