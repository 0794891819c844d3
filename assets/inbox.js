// A handling unit's inbox: everything that is given to it by what is due first, and one item with what the unit may do; phone first.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const READ_MS = 8000, UNIT = "haidang-unit";
  const OWN = ["reply", "start", "transfer", "return", "note"]; // what is the unit's to do; the rest is the operators'
  let told = null, shown = [], filter = {}, current = null, open = null, one = null, terms = null, deed = null, busy = false, touched = 0, asked = 0, failed = "";

  const $ = (id) => document.getElementById(id);
  const t = (...given) => haidang.t(...given);
  const r = () => haidang.report;
  const element = (...given) => haidang.report.element(...given);
  const english = () => document.documentElement.lang === "en";
  const number = (value) => haidang.number(value);
  const keyOf = (item) => `${item.service}-${item.id}`;
  const title = (item) => (english() ? item.title_en : item.title_vi);
  const remembered = () => { try { return localStorage.getItem(UNIT) || ""; } catch { return ""; } };
  const remember = (key) => { try { localStorage.setItem(UNIT, key); } catch { /* private window */ } };
  const services = () => [["report", t("Phản ánh")], ["alarm", t("Báo động")], ["case", t("Vụ việc tàu")], ["event", t("Sự kiện camera")]];
  const serviceName = (key) => services().find(([name]) => name === key)?.[1] || key;
  const STATES = {
    unacknowledged: () => t("Chưa xác nhận"), returned: () => t("Đã hết, chưa xác nhận"), acknowledged: () => t("Đã xác nhận"), forwarded: () => t("Đã chuyển xử lý"), LATE: () => t("Trễ tín hiệu"), LOST: () => t("Mất tín hiệu"), MANUAL_REPORTING: () => t("Đang báo tay"),
    OVERDUE_REPORT: () => t("Quá hạn báo"), RETURN_DUE: () => t("Đang báo tay"), OVERDUE_10D: () => t("Quá hạn về bờ"), ASTRAY: () => t("Đang ở sai vùng"), OPEN: () => t("Đang vượt ranh giới"), RESTORED: () => t("Đã có tín hiệu lại"), AT_PORT: () => t("Đã vào cảng"), RETURNED: () => t("Đã quay về"), NOT_REQUIRED: () => t("Không còn phải theo dõi"),
  };
  const state = (item) => (item.report ? r().state(item.report) : element("span", { class: "report-state assigned" }, STATES[item.status] ? STATES[item.status]() : item.status));
  // An alarm's and a case's clock has no early warning of its own: the last hour is that.
  const due = (item) => r().due(item.report || { status: "assigned", due_at: item.due_at, warn_at: item.due_at && new Date(Date.parse(item.due_at) - 3600e3).toISOString(), late: 0 });

  // ---- reading ---------------------------------------------------------------------------------------------------------------
  const refresh = async (now) => {
    const mine = ++asked, words = await r().load();
    if (!words) { failed = t("Không đọc được hộp việc: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại."); draw(); return; }
    units();
    if (!filter.unit) { draw(); return; }
    const answer = await r().ask(`/api/v1/units/${encodeURIComponent(filter.unit)}/inbox`);
    if (mine !== asked || !$("inbox-list")) return;
    failed = answer.ok ? "" : answer.status === 404 ? t("Không có đơn vị này. Hãy chọn đơn vị khác.") : t("Không đọc được hộp việc: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại.");
    if (answer.ok) {
      const before = told && told.unit.key === filter.unit ? new Set(told.items.map(keyOf)) : null, fresh = before && answer.told.items.some((item) => !before.has(keyOf(item)));
      if (!now && before && fresh && reading()) { $("inbox-waiting").hidden = false; return; }
      if (now || !before || !reading()) { told = answer.told; $("inbox-waiting").hidden = true; }
    }
    draw();
  };
  const reading = () => Boolean(open) || (Date.now() - touched < READ_MS && $("inbox-list").matches(":hover, :focus-within"));
  const units = () => {
    const select = $("inbox-unit"), all = r().words().units, print = `${document.documentElement.lang} ${all.length}`;
    if (select.print !== print) {
      select.print = print;
      select.replaceChildren(element("option", { value: "" }, t("Chọn đơn vị")), ...all.map((unit) => element("option", { value: unit.key }, r().pick(unit))));
    }
    select.value = all.some((unit) => unit.key === filter.unit) ? filter.unit : "";
  };

  // ---- the list --------------------------------------------------------------------------------------------------------------
  const card = (item) => element("li", {}, element("button", { id: `inbox-${keyOf(item)}`, class: "inbox-card", "data-inbox": keyOf(item), tabindex: -1 },
    element("span", { class: "inbox-top" }, element("span", { class: "inbox-service" }, serviceName(item.service)), due(item)),
    element("strong", {}, title(item), item.report?.simulated ? element("span", { class: "badge small" }, t("mô phỏng")) : ""),
    element("span", { class: "inbox-more" }, state(item), element("span", { class: "muted" }, [item.report ? item.report.address : "", `${t("giao")} `].filter(Boolean).join(" · "), r().stamp(item.since)))));
  const draw = () => {
    const place = $("inbox-list");
    if (!place || !r()) return;
    const own = told && told.unit.key === filter.unit ? told : null;
    shown = own ? own.items.filter((item) => !filter.service || item.service === filter.service) : [];
    const held = document.activeElement?.dataset?.inbox, scrolled = place.scrollTop;
    if (!shown.some((item) => keyOf(item) === current)) current = shown.length ? keyOf(shown[0]) : null;
    const said = failed || (!filter.unit ? t("Chọn đơn vị của bạn ở trên để thấy việc được giao.") : !own ? t("Đang đọc…") : shown.length ? "" : own.items.length ? t("Không có việc nào thuộc loại này.") : t("Đơn vị không còn việc nào đang chờ."));
    if ($("inbox-said").textContent !== said) $("inbox-said").textContent = said;
    place.replaceChildren(shown.length ? element("ol", {}, shown.map(card)) : "");
    place.scrollTop = scrolled;
    const late = shown.filter((item) => item.due_at && Date.parse(item.due_at) <= haidang.now()).length;
    $("inbox-count").textContent = own ? [t("{n} việc", { n: number(own.items.length) }), late ? `‼ ${t("{n} quá hạn", { n: number(late) })}` : ""].filter(Boolean).join(" · ") : "";
    chips(own);
    point();
    if (held && $(`inbox-${held}`)) $(`inbox-${held}`).focus({ preventScroll: true });
  };
  const chips = (own) => {
    const place = $("inbox-services"), held = place.contains(document.activeElement) ? document.activeElement.id : null;
    const chip = (key, name, n) => element("button", { id: `inbox-service-${key || "all"}`, class: "chip", "data-inbox-service": key, "aria-pressed": String((filter.service || "") === key) }, name, element("span", { class: "chip-count" }, n >= own.most ? `${number(n)}+` : number(n)));
    place.replaceChildren(...(own ? [chip("", t("Tất cả"), own.items.length), ...services().map(([key, name]) => chip(key, name, own.counts[key]))] : []));
    if (held && $(held)) $(held).focus();
  };
  const point = () => {
    for (const each of document.querySelectorAll("[data-inbox]")) {
      each.tabIndex = each.dataset.inbox === current ? 0 : -1;
      if (each.dataset.inbox === open) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
    }
  };

  // ---- one item --------------------------------------------------------------------------------------------------------------
  const deeds = () => (one.row ? OWN.filter((name) => r().possible(one.row).includes(name)) : one.service === "event" ? [] : ["transfer", "note"]);
  const facts = (row) => {
    const where = row.lat === null ? "" : [element("a", { href: `/?chosen=report.${encodeURIComponent(row.id)}&lat=${row.lat.toFixed(5)}&lon=${row.lon.toFixed(5)}&z=16${english() ? "&lang=en" : ""}` }, t("Xem trên bản đồ")), element("span", { class: "muted" }, ` ${haidang.position(row.lat, row.lon)}`)];
    const left = terms?.left_wd && row.track === "timed" ? ` · ${t("còn {n} ngày làm việc", { n: number(terms.left_wd) })}` : "";
    const pairs = [[t("Hạn xử lý"), row.due_at ? `${r().dueWords(row.due_at)}${left}` : ""], [t("Lĩnh vực"), r().named("categories", row.category)], [t("Địa chỉ"), row.address], [t("Xã, phường"), row.commune ? r().named("communes", row.commune) : ""], [t("Vị trí"), where], [t("Tiếp nhận"), r().stamp(row.opened_at)], [t("Đơn vị xử lý"), row.unit ? r().unitName(row.unit) : ""]];
    return element("dl", { class: "facts" }, pairs.filter(([, value]) => value && value.length !== 0).map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  };
  const why = (row) => { // what the operators, or the unit before, said with it
    const line = [...row.log].reverse().find((each) => each.reason && ["assign", "transfer", "send_back", "reopen"].includes(each.deed));
    return line ? element("p", { class: "inbox-why report-text" }, element("b", {}, r().deedName(line.deed)), `: ${line.reason}`) : "";
  };
  const panel = () => {
    const place = $("inbox-one"), screen = $("inbox-screen");
    place.removeAttribute("aria-busy");
    if (one) screen.dataset.open = "1"; else delete screen.dataset.open;
    if (!one) { place.replaceChildren(); place.print = ""; return; }
    const print = JSON.stringify([one, terms, deed, document.documentElement.lang]);
    if (place.print === print) return;
    place.print = print;
    const same = place.of === open, kept = same ? $("inbox-one-said")?.cloneNode(true) : null, typed = same && place.deed === deed ? place.querySelector(".report-form") : null;
    place.of = open;
    place.deed = deed;
    const row = one.row, held = row && row.unit !== filter.unit ? element("p", { class: "note report-none" }, t("Việc này không còn ở đơn vị bạn: {words}.", { words: [r().named("statuses", row.status), row.unit ? r().unitName(row.unit) : ""].filter(Boolean).join(" · ") })) : "";
    const buttons = held ? [] : deeds().map((name) => element("button", { id: `inbox-do-${name}`, class: name === "reply" ? "action strong" : "action", "data-inbox-deed": name, "aria-expanded": deed === name ? "true" : null }, r().deedName(name), element("kbd", {}, r().KEYS[name].toUpperCase())));
    const form = typed || (deed ? r().form(row || { status: "assigned", commune: null, unit: filter.unit }, deed, { terms }) : "");
    const body = row
      ? [element("p", { class: "event-standing" }, element("b", {}, row.id), " · ", r().state(row), " · ", r().due(row)), held || why(row), element("p", { class: "report-text report-words" }, row.words), r().photos(row, "report"), element("div", { class: "inbox-deeds" }, buttons), form, kept || element("p", { id: "inbox-one-said", class: "deed-words", role: "status" }), facts(row), r().replies(row), r().photos(row, "result"), r().log(row)]
      : [element("p", { class: "event-standing" }, state(one), " · ", due(one)), element("p", { class: "report-none" }, element("a", { class: "press", href: `${one.page}${english() ? "&lang=en" : ""}` }, t("Mở ở màn hình của {name}", { name: serviceName(one.service) }))), element("div", { class: "inbox-deeds" }, buttons), form, kept || element("p", { id: "inbox-one-said", class: "deed-words", role: "status" })];
    place.replaceChildren(element("div", { class: "case-head" }, element("h2", { tabindex: -1, id: "inbox-one-title" }, row ? row.title : title(one)), element("button", { id: "inbox-close", class: "quiet", "aria-label": t("Đóng") }, "×")), ...body);
  };
  const say = (text, bad) => { const box = $("inbox-one-said"); if (box) { box.textContent = text; box.className = `deed-words ${bad ? "bad" : "good"}`; } };
  const show = async (key, focus) => {
    open = key;
    if (key) current = key;
    deed = null;
    terms = null;
    if (one && keyOf(one) !== key) one = null; // until the other one is read there is none: no key may reach the one that was open
    address();
    point();
    if (!key) { panel(); return; }
    if (!one) $("inbox-one")?.setAttribute("aria-busy", "true");
    const item = told?.items.find((each) => keyOf(each) === key), [service, ...rest] = key.split("-"), id = rest.join("-");
    if (service === "report") {
      const [words, found, limits] = await Promise.all([r().load(), r().ask(`/api/v1/reports/${encodeURIComponent(id)}`), r().read(`/api/v1/reports/${encodeURIComponent(id)}/terms`)]);
      if (open !== key || !$("inbox-one")) return;
      if (!found.ok || !words) { haidang.say(t("Không đọc được phản ánh {id}.", { id })); open = null; one = null; address(); } else { one = { ...(item || { service, id }), row: found.told }; terms = limits; }
    } else one = item || null;
    panel();
    point();
    if (one && focus) $("inbox-one-title")?.focus();
    if (one) window.scrollTo(0, 0);
  };

  // ---- doing -----------------------------------------------------------------------------------------------------------------
  const actor = () => {
    const name = $("inbox-actor")?.value.trim();
    if (name) return name;
    haidang.say(t("Hãy ghi họ tên của bạn ở đầu trang"));
    say(t("Hãy ghi họ tên của bạn ở đầu trang"), true);
    if ($("inbox-actor")?.offsetParent) $("inbox-actor").focus(); else ask();
    return null;
  };
  // On a phone the head is not shown beside an item: the name is asked for where the thumb is.
  const ask = () => {
    if ($("inbox-name")) return;
    const box = element("input", { id: "inbox-name", type: "text", maxlength: 60, autocomplete: "name" });
    box.addEventListener("change", () => haidang.write("inbox-actor", box.value.trim()));
    $("inbox-one-said").after(element("div", { class: "report-form" }, r().label(t("Họ tên hoặc mã số"), box)));
    box.focus();
  };
  const start = (name) => {
    if (!one || !deeds().includes(name)) return;
    if (one.row && !r().words().deeds[name].needs.length) { carry(name, {}); return; }
    deed = name;
    panel();
    const form = $("inbox-one").querySelector(".report-form");
    form?.querySelector("input, select, textarea")?.focus({ preventScroll: true });
    form?.scrollIntoView({ block: "nearest" });
  };
  const carry = async (name, said, files = []) => {
    if (!one || busy) return;
    const by = actor(), key = keyOf(one), { row } = one;
    if (!by) return;
    busy = true;
    say(files.length ? t("Đang gửi {n} ảnh…", { n: number(files.length) }) : t("Đang gửi…"));
    const done = row ? await r().act(row, name, said, by, files) : await elsewhere(name, said, by);
    busy = false;
    const after = (done.conflict && row && (await r().read(`/api/v1/reports/${row.id}`))) || done.row;
    if (one && keyOf(one) === key) {
      r().drop($("inbox-one"), done.sent);
      if (after) one = { ...one, row: after };
      if (done.ok) deed = null;
      panel();
    }
    if (open === key) say(done.words, !done.ok); else if (!done.ok) haidang.say(`${row ? row.id : key}: ${done.words}`);
    if (done.ok) { haidang.say(done.words); refresh(true); }
  };
  // Alarms and boats' cases have routes of their own; a case keeps the reason as a note.
  const elsewhere = async (name, said, by) => {
    const path = `/api/v1/${one.service === "alarm" ? "alarms" : "cases"}/${one.id}`, alarm = one.service === "alarm";
    if (!said.reason || (name === "transfer" && !said.unit)) return { ok: false, words: `${t("CHƯA làm")}: ${said.reason ? t("Chọn đơn vị") : t("Hãy ghi lý do")}` };
    let answer = alarm ? null : await r().post(`${path}/note`, { actor: by, text: said.reason });
    if (name === "transfer" && (alarm || answer.ok)) answer = await r().post(`${path}/assign`, { actor: by, unit: said.unit, ...(alarm ? { comment: said.reason } : {}) });
    else if (alarm) answer = await r().post(`${path}/comment`, { actor: by, comment: said.reason });
    return { ok: answer.ok, words: answer.ok ? t("Đã ghi: {words}.", { words: r().deedName(name) }) : `${t("CHƯA làm")}: ${r().fault(answer)}` };
  };

  // ---- the address, pressing and typing --------------------------------------------------------------------------------------
  const address = () => {
    const p = new URLSearchParams(location.search);
    for (const name of ["unit", "service"]) if (filter[name]) p.set(name, filter[name]); else p.delete(name);
    p.delete("report");
    if (open) p.set("item", open); else p.delete("item");
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
  };
  const walk = (step) => {
    const keys = shown.map(keyOf), at = keys.indexOf(current), inside = document.activeElement?.dataset?.inbox || open, key = keys[Math.min(Math.max(inside ? at + step : at, 0), keys.length - 1)];
    if (!key) return;
    current = key;
    if (open) show(key);
    point();
    $(`inbox-${key}`)?.focus({ preventScroll: true });
    $(`inbox-${key}`)?.scrollIntoView({ block: "nearest" });
  };
  const close = () => { const back = open; show(null); refresh(true).then(() => $(`inbox-${back}`)?.focus({ preventScroll: true })); };
  const quit = () => { deed = null; panel(); $("inbox-one-title")?.focus({ preventScroll: true }); };
  for (const kind of ["pointermove", "pointerdown", "wheel", "keydown", "touchstart"]) document.addEventListener(kind, ({ target }) => { if (target.closest?.("#inbox-list, #inbox-one")) touched = Date.now(); }, { passive: true, capture: true });
  document.addEventListener("click", ({ target }) => {
    if (!$("inbox-list")) return;
    const button = target.closest("button"), d = button?.dataset || {};
    if (!button) return;
    if (d.inbox) show(d.inbox);
    else if (d.inboxDeed) start(d.inboxDeed);
    else if (d.inboxService !== undefined) { filter.service = d.inboxService; address(); draw(); }
    else if (d.reportCancel) quit();
    else if (button.id === "inbox-close") close();
    else if (button.id === "inbox-waiting") refresh(true);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.closest?.("#inbox-one")) return;
    event.preventDefault();
    carry(form.dataset.reportForm, r().body(form, form.dataset.reportForm), [...(form.querySelector("#deed-photos")?.files || [])]);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.id !== "inbox-unit") return;
    filter = { unit: target.value };
    remember(target.value);
    told = null;
    show(null);
    refresh(true);
  });
  document.addEventListener("focusin", ({ target }) => { if (target.dataset?.inbox && target.dataset.inbox !== current) { current = target.dataset.inbox; point(); } });
  document.addEventListener("keydown", (event) => {
    if (!$("inbox-list") || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, typing = event.target.closest("input,textarea,select,[contenteditable]"), form = event.target.closest("#inbox-one form");
    if (form && key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    else if (event.ctrlKey || event.metaKey) return;
    else if (form && key === "Escape") quit();
    else if (typing) return;
    else if (key === "j" || (key === "ArrowDown" && event.target.dataset?.inbox)) walk(1);
    else if (key === "k" || (key === "ArrowUp" && event.target.dataset?.inbox)) walk(-1);
    else if (key === "Enter" && event.target.dataset?.inbox) show(event.target.dataset.inbox, true);
    else if (key === "Escape" && open) close();
    else if (key === "Escape" && !$("inbox-waiting").hidden) refresh(true);
    else if (one && !event.repeat && OWN.some((name) => r().KEYS[name] === key)) start(OWN.find((name) => r().KEYS[name] === key));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  callbacks.inbox_tick = () => { if ($("inbox-screen")?.begun) refresh(false); return dash.no_update; };
  new MutationObserver(() => {
    const screen = $("inbox-screen");
    if (!screen || screen.begun || !$("inbox-actor")) return;
    screen.begun = true;
    const wanted = JSON.parse(screen.dataset.wanted || "{}");
    filter = { unit: wanted.unit || remembered(), service: wanted.service };
    told = null; shown = []; one = null; open = null; current = null; deed = null; failed = "";
    if (filter.unit) remember(filter.unit);
    const key = wanted.report ? `report-${wanted.report.toUpperCase()}` : wanted.item;
    address();
    refresh(true).then(() => { if (key && /^[a-z]+-[A-Z0-9-]{1,20}$/.test(key)) show(key); });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
