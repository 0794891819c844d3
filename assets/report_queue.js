// The operators' queue of field reports: a list by keyboard that stands still while it is read, and one report beside it with every deed.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const PAGE = 100, MOST = 600, READ_MS = 8000, MEASURES_MS = 30000;
  const GROUPS = { triage: ["new", "reopened", "returned", "verified"], handled: ["assigned", "in_progress"], replied: ["replied"], done: ["published", "closed"], aside: ["rejected", "merged"] };
  const NAMES = ["state", "category", "commune", "unit", "late"];
  let filter = {}, rows = [], ended = false, counts = null, current = null, open = null, one = null, terms = null, near = null, beside = null, deed = null, busy = false, touched = 0, asked = 0, failed = false, measured = 0;

  const $ = (id) => document.getElementById(id);
  const t = (...given) => haidang.t(...given);
  const r = () => haidang.report;
  const element = (...given) => haidang.report.element(...given);
  const number = (value, digits) => haidang.number(value, digits);
  const lang = (mark) => (document.documentElement.lang === "en" ? `${mark}lang=en` : "");
  const group = () => filter.state || "triage";
  const groups = () => [["triage", t("Chờ phân loại")], ["handled", t("Đang xử lý")], ["replied", t("Chờ công khai")], ["done", t("Đã công khai, đóng")], ["aside", t("Không tiếp nhận, đã gộp")], ["all", t("Tất cả")]];

  // ---- what is asked -----------------------------------------------------------------------------------------------------------
  const statuses = () => (group() === "all" ? [] : GROUPS[group()] || [group()]);
  const byDue = () => { const some = statuses(); return some.length > 0 && some.every((status) => [...GROUPS.triage, ...GROUPS.handled].includes(status)); };
  const narrowed = (more = {}) => {
    const asking = new URLSearchParams(more);
    for (const name of ["category", "commune", "unit", "late"]) if (filter[name]) asking.set(name, filter[name]);
    return asking;
  };
  const question = (more = {}) => {
    const asking = narrowed(more);
    if (statuses().length) asking.set("status", statuses().join(","));
    if (byDue()) asking.set("order", "due");
    return asking;
  };
  const refresh = async () => {
    const mine = ++asked;
    const [words, list, sums] = await Promise.all([r().load(), r().read(`/api/v1/reports?${question({ limit: PAGE })}`), r().read(`/api/v1/reports/counts?${narrowed()}`)]);
    if (mine !== asked || !$("reports-list")) return;
    failed = !list || !words;
    if (sums) counts = sums;
    if (list && words) {
      const own = new Set(rows.map((row) => row.id)), fresh = list.some((row) => !own.has(row.id));
      if (!reading() || !rows.length) { rows = list; ended = list.length < PAGE; $("reports-waiting").hidden = true; }
      else if (fresh) $("reports-waiting").hidden = false;
    }
    draw();
    if (Date.now() - measured > MEASURES_MS) { measured = Date.now(); measures(); }
  };
  const renew = () => { rows = []; ended = false; $("reports-waiting").hidden = true; touched = 0; return refresh(); };
  const further = async () => {
    const last = rows.at(-1), mine = asked;
    if (!last || ended || rows.length >= MOST) return;
    const list = await r().read(`/api/v1/reports?${question({ limit: PAGE, before_at: byDue() ? last.due_at : last.opened_at, before_id: last.id })}`);
    if (!list || mine !== asked) return;
    rows = [...rows, ...list];
    ended = list.length < PAGE;
    draw();
  };
  const reading = () => Boolean(open) || (Date.now() - touched < READ_MS && $("reports-list").matches(":hover, :focus-within"));

  // ---- figures -----------------------------------------------------------------------------------------------------------------
  const measures = async () => {
    const told = await r().read("/api/v1/reports/measures"), place = $("reports-measures");
    if (!place) return;
    if (!told) { if (!place.children.length) place.replaceChildren(element("p", { class: "note" }, t("Chưa đọc được các chỉ số; sẽ tự thử lại."))); return; }
    const english = document.documentElement.lang === "en", kpis = told.kpis.map((kpi) => {
      const aim = told.aims[kpi.name], low = aim !== undefined && kpi.value !== null && kpi.value < aim, bad = low || (kpi.name === "overdue" && kpi.value > 0);
      const hours = kpi.unit === "h" && kpi.value >= 48;
      const value = kpi.value === null ? t("chưa có") : hours ? `${number(kpi.value / 24, 1)} ${t("ngày")}` : `${number(kpi.value, 1)}${kpi.unit ? ` ${kpi.unit}` : ""}`;
      return element("div", { class: `measure${bad ? " bad" : ""}` }, element("dt", {}, english ? kpi.en : kpi.vi), element("dd", {}, element("b", {}, bad ? "! " : "", value), aim === undefined ? "" : element("span", { class: "muted" }, ` ${t("mục tiêu {n} %", { n: number(aim) })}`)));
    });
    const late = told.units.filter((unit) => unit.overdue), held = place.querySelector("details")?.open;
    const table = element("table", { class: "counts" }, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, t("Đơn vị")), [t("Quá hạn"), t("Sắp quá hạn"), t("Đang giữ")].map((name) => element("th", { class: "n", scope: "col" }, name)))),
      element("tbody", {}, told.units.slice(0, 30).map((unit) => element("tr", {}, element("td", {}, element("a", { href: `/inbox?unit=${encodeURIComponent(unit.unit)}${lang("&")}` }, english ? unit.name_en : unit.name_vi)), [unit.overdue, unit.warned, unit.open].map((n) => element("td", { class: "n" }, number(n)))))));
    const words = late.length ? t("{n} đơn vị có phản ánh quá hạn", { n: number(late.length) }) : t("Không đơn vị nào quá hạn");
    place.replaceChildren(element("dl", {}, kpis), told.units.length ? element("details", { open: held }, element("summary", {}, words), table) : element("span", { class: "muted" }, t("Chưa đơn vị nào giữ phản ánh")),
      element("span", { class: "muted measured" }, t("Nguồn: phản ánh đã tiếp nhận · "), element("time", { class: "age tick", datetime: told.at, title: haidang.exact(Date.parse(told.at)) }, "0 s")));
  };

  // ---- the list ----------------------------------------------------------------------------------------------------------------
  const badge = (row) => (row.simulated ? element("span", { class: "badge small" }, t("mô phỏng")) : "");
  const line = (row) => element("tr", { id: `report-${row.id}`, "data-report": row.id, tabindex: -1 },
    element("td", { class: "due" }, r().due(row)),
    element("td", { class: "what" }, element("strong", {}, row.title), badge(row), element("span", { class: "muted" }, [row.id, row.address].filter(Boolean).join(" · "))),
    element("td", {}, r().named("categories", row.category)), element("td", {}, row.commune ? r().named("communes", row.commune) : t("chưa rõ")),
    element("td", {}, r().state(row), row.unit && !["new", "verified"].includes(row.status) ? element("span", { class: "muted" }, r().unitName(row.unit)) : ""),
    element("td", { class: "when" }, r().stamp(row.opened_at), element("span", { class: "muted" }, r().named("channels", row.channel))));
  const draw = () => {
    const place = $("reports-list");
    if (!place) return;
    if (failed && !r().words()) { $("reports-said").textContent = t("Không đọc được phản ánh: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại."); return; }
    chips();
    const held = document.activeElement?.dataset?.report, scrolled = place.scrollTop;
    if (!rows.some((row) => row.id === current)) current = rows[0]?.id ?? null;
    const heads = [t("Thời hạn"), t("Phản ánh"), t("Lĩnh vực"), t("Xã, phường"), t("Trạng thái"), t("Tiếp nhận")];
    const table = element("table", { class: "counts storm-table reports-table" }, element("thead", {}, element("tr", {}, heads.map((name) => element("th", { scope: "col" }, name)))), element("tbody", {}, rows.map(line)));
    const more = rows.length && !ended ? (rows.length < MOST ? element("button", { id: "reports-more", class: "column-more" }, t("Hiện thêm")) : element("p", { class: "note" }, t("{n} phản ánh đầu; thu hẹp bộ lọc để xem tiếp.", { n: number(rows.length) }))) : "";
    const none = failed ? t("Không đọc được phản ánh: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại.") : rows.length ? "" : filtered() ? t("Không có phản ánh nào khớp với bộ lọc.") : group() === "triage" ? t("Không còn phản ánh nào chờ phân loại.") : t("Không có phản ánh nào ở mục này.");
    if ($("reports-said").textContent !== none) $("reports-said").textContent = none;
    place.replaceChildren(rows.length ? table : "", more);
    place.scrollTop = scrolled;
    point();
    if (held && $(`report-${held}`)) $(`report-${held}`).focus({ preventScroll: true });
  };
  const filtered = () => NAMES.slice(1).some((name) => filter[name]);
  const chips = () => {
    const place = $("reports-states"), words = r().words();
    if (!counts || !words) return;
    const sum = (some) => some.reduce((all, status) => all + (counts[status] || 0), 0), total = sum(Object.keys(counts)), print = JSON.stringify([counts, filter, document.documentElement.lang]);
    if (place.print === print) return;
    place.print = print;
    const held = place.contains(document.activeElement) ? document.activeElement.id : null;
    place.replaceChildren(...groups().map(([key, name]) => element("button", { id: `reports-state-${key}`, class: "chip", "data-reports-state": key, "aria-pressed": String(group() === key) }, name, element("span", { class: "chip-count" }, number(key === "all" ? total : sum(GROUPS[key]))))));
    if (held && $(held)) $(held).focus();
    $("reports-count").textContent = t("{n} chờ phân loại", { n: number(sum(GROUPS.triage)) });
    const lists = {
      state: Object.keys(words.statuses).map((key) => [key, `${r().named("statuses", key)} (${number(counts[key] || 0)})`]), category: Object.keys(words.categories).map((key) => [key, r().named("categories", key)]),
      commune: Object.keys(words.communes).map((key) => [key, r().named("communes", key)]).sort((a, b) => a[1].localeCompare(b[1], "vi")), unit: words.units.map((unit) => [unit.key, r().pick(unit)]),
    };
    for (const select of document.querySelectorAll("[data-report-filter]")) {
      const name = select.dataset.reportFilter, chosen = filter[name] || "";
      if (lists[name] && document.activeElement !== select) select.replaceChildren(element("option", { value: "" }, select.dataset.every), ...lists[name].map(([key, told]) => element("option", { value: key }, told)));
      select.value = lists[name] && !lists[name].some(([key]) => key === chosen) ? "" : chosen;
      select.classList.toggle("chosen", Boolean(select.value));
    }
    $("reports-all").hidden = !filtered();
  };
  const point = () => {
    for (const each of document.querySelectorAll("[data-report]")) {
      each.tabIndex = each.dataset.report === current ? 0 : -1;
      if (each.dataset.report === open) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
    }
  };

  // ---- one report --------------------------------------------------------------------------------------------------------------
  const facts = (row) => {
    const where = row.lat === null ? t("chưa rõ vị trí trên bản đồ") : [element("a", { href: `/?chosen=report.${encodeURIComponent(row.id)}&lat=${row.lat.toFixed(5)}&lon=${row.lon.toFixed(5)}&z=16${lang("&")}` }, t("Xem trên bản đồ")), element("span", { class: "muted" }, ` ${haidang.position(row.lat, row.lon)}`)];
    const left = terms?.left_wd && row.track === "timed" && r().possible(row).includes("extend") ? ` · ${t("còn {n} ngày làm việc", { n: number(terms.left_wd) })}` : "";
    const pairs = [[t("Lĩnh vực"), r().named("categories", row.category)], [t("Luồng xử lý"), r().named("tracks", row.track)], [t("Hạn xử lý"), row.due_at ? `${r().dueWords(row.due_at)}${left}` : ""], [t("Đơn vị xử lý"), row.unit ? r().unitName(row.unit) : ""],
      [t("Xã, phường"), row.commune ? r().named("communes", row.commune) : ""], [t("Địa chỉ"), row.address], [t("Vị trí"), where], [t("Tiếp nhận"), [r().stamp(row.opened_at), ` · ${r().named("channels", row.channel)}`]], [t("Đánh giá"), row.rating ? `${"★".repeat(row.rating)}${"☆".repeat(5 - row.rating)} ${row.rating}/5` : ""],
      [t("Gộp vào"), row.merged_into ? element("button", { class: "action", "data-report-open": row.merged_into }, row.merged_into) : ""], [t("Đã gộp vào đây"), row.merged.map((id) => element("button", { class: "action", "data-report-open": id }, id))]];
    return element("dl", { class: "facts" }, pairs.filter(([, value]) => value && value.length !== 0).map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  };
  const twins = (row) => {
    if (!near || !r().possible(row).includes("merge")) return "";
    if (!near.length) return element("p", { class: "note report-none" }, t("Không thấy phản ánh nào có thể trùng."));
    return element("div", { class: "report-twins" }, element("h3", {}, t("Có thể trùng với")), element("ul", {}, near.map((twin, n) => element("li", {},
      element("button", { id: `reports-twin-${n + 1}`, class: "action", "data-report-twin": twin.id }, element("kbd", {}, String(n + 1)), element("b", {}, `${number(100 * twin.score)} %`), ` ${twin.title}`),
      element("span", { class: "muted" }, [twin.id, r().named("statuses", twin.status), ...why(twin)].join(" · "))))));
  };
  const why = (twin) => [t("cách {n} m", { n: number(twin.why.distance_m) }), t("cách {n} giờ", { n: number(twin.why.hours, 1) }), t("lời giống {n} %", { n: number(100 * twin.why.words) }), twin.why.same_category ? t("cùng lĩnh vực") : t("khác lĩnh vực")];
  const panel = () => {
    const place = $("reports-one"), screen = $("reports-screen");
    if (!place) return;
    place.removeAttribute("aria-busy");
    if (one || deed === "new") screen.dataset.open = "1"; else delete screen.dataset.open;
    if (deed === "new") return;
    if (!one) { place.replaceChildren(); place.print = ""; return; }
    const print = JSON.stringify([one, terms, near, deed, document.documentElement.lang]);
    if (place.print === print) return;
    place.print = print;
    const inside = place.contains(document.activeElement) ? document.activeElement.id : null, kept = place.of === one.id ? $("reports-one-said")?.cloneNode(true) : null, scrolled = place.of === one.id ? place.scrollTop : 0;
    const typed = place.of === one.id && place.deed === deed ? place.querySelector(".report-form") : null;
    place.of = one.id;
    place.deed = deed;
    const buttons = possible().map((name) => element("button", { id: `reports-do-${name}`, class: "action", "data-report-deed": name, "aria-expanded": deed === name ? "true" : null }, element("kbd", {}, r().KEYS[name].toUpperCase()), r().deedName(name)));
    place.replaceChildren(
      element("div", { class: "case-head" }, element("h2", { tabindex: -1, id: "reports-one-title" }, one.title, badge(one)), element("button", { id: "reports-close", class: "quiet", "aria-label": t("Đóng") }, "×")),
      element("p", { class: "event-standing" }, element("b", {}, one.id), " · ", r().state(one), " · ", r().due(one)),
      element("p", { class: "report-text report-words" }, one.words), r().photos(one, "report", true), twins(one),
      element("div", { class: "storm-doing" }, element("div", { class: "event-deeds" }, buttons)), typed || (deed ? r().form(one, deed, { terms, into: beside }) : ""),
      kept || element("p", { id: "reports-one-said", class: "deed-words", role: "status" }), facts(one), r().replies(one), r().photos(one, "result", true), r().log(one));
    place.scrollTop = scrolled;
    if (inside && $(inside)) $(inside).focus({ preventScroll: true });
  };
  const say = (text, bad) => { const box = $("reports-one-said"); if (box) { box.textContent = text; box.className = `deed-words ${bad ? "bad" : "good"}`; } };
  const show = async (id) => {
    open = id;
    if (id) current = id;
    // Until the other one is read there is none: no key may reach the one that was open.
    if (!one || one.id !== id) { one = null; deed = null; beside = null; terms = null; near = null; }
    address();
    point();
    if (!id) { panel(); return; }
    if (!one) $("reports-one")?.setAttribute("aria-busy", "true");
    const [words, found] = await Promise.all([r().load(), r().ask(`/api/v1/reports/${encodeURIComponent(id)}`)]);
    if (open !== id || !$("reports-one")) return;
    if (!found.ok || !words) {
      haidang.say(found.status === 404 || found.status === 422 ? t("Không có phản ánh số {id}.", { id }) : t("Không đọc được phản ánh {id}.", { id }));
      if (!one || one.id !== id) { open = null; one = null; address(); }
    } else one = found.told;
    panel();
    point();
    if (one?.id === id) also(id);
  };
  const also = async (id) => {
    const [limits, twinned] = await Promise.all([r().read(`/api/v1/reports/${id}/terms`), r().read(`/api/v1/reports/${id}/near`)]);
    if (one?.id !== id) return;
    terms = limits;
    near = twinned;
    panel();
  };

  // ---- two reports side by side --------------------------------------------------------------------------------------------------
  const compare = async (id) => {
    const dialog = $("reports-beside"), of = one?.id, twin = near?.find((each) => each.id === id), other = await r().read(`/api/v1/reports/${encodeURIComponent(id)}`);
    if (one?.id !== of) return;
    if (!other || !one || !twin) { haidang.say(t("Không đọc được phản ánh {id}.", { id })); return; }
    beside = id;
    const side = (row, title) => element("section", {}, element("h3", {}, title, ` · ${row.id}`), element("p", { class: "event-standing" }, r().state(row), " · ", r().due(row)), element("p", { class: "report-text" }, row.words),
      element("p", { class: "muted" }, [r().named("categories", row.category), row.address, row.unit ? r().unitName(row.unit) : ""].filter(Boolean).join(" · ")), element("p", { class: "muted" }, r().stamp(row.opened_at), ` · ${r().named("channels", row.channel)}`), r().photos(row, "report"));
    dialog.replaceChildren(element("h2", {}, t("Có phải cùng một việc? Giống {n} %", { n: number(100 * twin.score) })), element("p", { class: "muted" }, why(twin).join(" · ")),
      element("div", { class: "beside-two" }, side(one, t("Đang xem")), side(other, t("Đã có"))),
      element("div", { class: "event-deeds" }, element("button", { id: "reports-merge", class: "primary" }, t("Gộp {one} vào {other}", { one: one.id, other: id }), element("kbd", {}, "G")), element("button", { id: "reports-apart", class: "action" }, t("Không phải, quay lại"), element("kbd", {}, "Esc"))),
      element("p", { id: "beside-said", class: "deed-words", role: "status" }));
    if (!dialog.open) dialog.showModal();
    $("reports-merge").focus();
  };
  const merge = async () => {
    const done = await carry("merge", { into: beside });
    if (done && $("reports-beside").open) $("reports-beside").close();
    else if ($("beside-said")) { $("beside-said").textContent = $("reports-one-said")?.textContent || ""; $("beside-said").className = "deed-words bad"; }
  };

  // ---- deeds ---------------------------------------------------------------------------------------------------------------------
  const actor = () => {
    const name = $("reports-actor")?.value.trim();
    if (!name) { if ($("reports-beside").open) $("reports-beside").close(); $("reports-actor").focus(); haidang.say(t("Hãy ghi tên cán bộ trực ban")); }
    return name;
  };
  const possible = () => [...r().possible(one), "photo"];
  const start = async (name) => {
    if (!one || !possible().includes(name)) return;
    const id = one.id;
    if (!terms && ["assign", "extend", "track"].includes(name)) await also(id);
    if (!near && name === "merge") await also(id);
    if (one?.id !== id || !possible().includes(name)) return;
    if (name === "merge" && near?.length && !beside) { compare(near[0].id); return; }
    if (name !== "photo" && !r().words().deeds[name].needs.length) { carry(name, {}); return; }
    deed = name;
    panel();
    const first = $("reports-one").querySelector(".report-form input, .report-form select, .report-form textarea");
    first?.focus();
    $("reports-one").querySelector(".report-form")?.scrollIntoView({ block: "nearest" });
  };
  const quit = () => { deed = null; panel(); ($(`report-${open}`) || $("reports-one-title"))?.focus({ preventScroll: true }); };
  const submit = (form) => carry(form.dataset.reportForm, r().body(form, form.dataset.reportForm), [...(form.querySelector("#deed-photos")?.files || [])]);
  const carry = async (name, said, files = []) => {
    if (!one || busy) return false;
    const by = actor(), id = one.id;
    if (!by) return false;
    busy = true;
    say(t("Đang gửi…"));
    const done = await r().act(one, name, said, by, files);
    busy = false;
    const after = (done.conflict && (await r().read(`/api/v1/reports/${id}`))) || done.row;
    if (one?.id === id) r().drop($("reports-one"), done.sent);
    if (after) {
      rows = rows.map((row) => (row.id === id ? { ...row, ...after } : row));
      draw();
      if (one?.id === id) {
        one = after;
        if (done.ok) deed = null;
        panel();
        also(id);
      }
    }
    if (open === id) say(done.words, !done.ok); else if (!done.ok) haidang.say(`${id}: ${done.words}`);
    if (done.ok) { haidang.say(done.words); counted(); if (!document.activeElement || document.activeElement === document.body) $(`report-${id}`)?.focus({ preventScroll: true }); }
    return done.ok;
  };
  const counted = async () => { const sums = await r().read(`/api/v1/reports/counts?${narrowed()}`); if (sums) { counts = sums; chips(); } measured = 0; };

  const withhold = async (name, withheld) => {
    const by = actor(), id = one?.id;
    if (!by || !id) return;
    const answer = await r().post(`/api/v1/report-photos/${name}/withhold`, { actor: by, withheld });
    const after = answer.ok ? await r().read(`/api/v1/reports/${id}`) : null;
    if (after && one?.id === id) { one = after; panel(); }
    say(answer.ok ? t("Đã ghi: {words}.", { words: withheld ? t("giấu một ảnh") : t("hiện lại một ảnh") }) : `${t("CHƯA làm")}: ${r().fault(answer)}`, !answer.ok);
  };

  // ---- a call to the hotline -------------------------------------------------------------------------------------------------------
  const fresh = async () => {
    const words = await r().load(), place = $("reports-one");
    if (!words || !place) return;
    const at = filter.lat && filter.lon ? `${filter.lat}, ${filter.lon}` : "", { label, options } = r(), field = (name, title, most, more = {}) => label(title, element("input", { type: "text", id: `new-${name}`, maxlength: most, autocomplete: "off", ...more }));
    open = null; one = null; deed = "new"; terms = null; near = null;
    panel();
    point();
    place.print = "";
    place.of = null;
    place.replaceChildren(element("form", { class: "report-form", "data-report-new": "1", "aria-label": t("Nhập phản ánh") }, element("div", { class: "case-head" }, element("h2", {}, t("Nhập phản ánh")), element("button", { id: "reports-close", type: "button", class: "quiet", "aria-label": t("Đóng") }, "×")),
      label(t("Kênh"), element("select", { id: "new-channel", class: "picked" }, options(["hotline", "desk", "zalo"].map((key) => [key, r().named("channels", key)]), "hotline"))),
      label(t("Lĩnh vực"), element("select", { id: "new-category", class: "picked" }, options(Object.keys(words.categories).map((key) => [key, r().named("categories", key)]), null, t("Chọn lĩnh vực")))),
      label(t("Người dân nói gì"), element("textarea", { id: "new-words", rows: 5, maxlength: 4000 })), field("address", t("Địa chỉ, chỗ dễ nhận ra"), 300), field("place", t("Vị trí: vĩ độ, kinh độ"), 60, { placeholder: "16.4637, 107.5905", value: at }),
      element("fieldset", {}, element("legend", {}, t("Người gọi (không bắt buộc)")), element("p", { class: "note" }, t("Chỉ ghi vào chỗ kín: không màn hình nào, không đơn vị nào đọc lại được.")), field("name", t("Họ tên"), 120), field("phone", t("Điện thoại"), 40, { inputmode: "tel" })),
      element("div", { class: "event-deeds" }, element("button", { type: "submit", class: "primary" }, t("Nhận phản ánh"), element("kbd", {}, "Ctrl ↵"))), element("p", { id: "new-said", class: "deed-words", role: "status" })));
    $("new-category").focus();
  };
  const enter = async () => {
    const told = (text, bad) => { $("new-said").textContent = text; $("new-said").className = `deed-words ${bad ? "bad" : "good"}`; };
    const value = (name) => $(`new-${name}`)?.value.trim() || null, where = value("place");
    if (busy) return;
    if (!value("category")) { $("new-category").focus(); told(t("Chọn lĩnh vực"), true); return; }
    if (where && !r().place(where)) { $("new-place").focus(); told(t("Viết vị trí như 16.4637, 107.5905"), true); return; }
    const by = actor();
    if (!by) return;
    busy = true;
    told(t("Đang gửi…"));
    const answer = await r().post("/api/v1/reports", { actor: by, channel: value("channel"), category: value("category"), words: value("words") || "", address: value("address"), name: value("name"), phone: value("phone"), ...(where ? r().place(where) : {}) });
    busy = false;
    if (!answer.ok) { const name = Array.isArray(answer.told?.detail) ? answer.told.detail[0].loc?.at(-1) : null; told(`${t("CHƯA nhận")}: ${r().fault(answer)}`, true); if (name && $(`new-${name}`)) $(`new-${name}`).focus(); return; }
    const { id, secret, due_at: due } = answer.told;
    filter.lat = ""; filter.lon = "";
    $("reports-one").replaceChildren(element("div", { class: "report-made", role: "status" }, element("h2", {}, t("Đã nhận phản ánh {id}", { id })), element("p", {}, t("Hạn xử lý {at}", { at: r().dueWords(due) })),
      element("p", {}, t("Đọc cho người dân hai mã để theo dõi và đánh giá; mã bí mật chỉ hiện một lần này:")), element("dl", { class: "facts" }, element("dt", {}, t("Mã phản ánh")), element("dd", {}, element("b", {}, id)), element("dt", {}, t("Mã bí mật")), element("dd", {}, element("code", {}, secret))),
      element("div", { class: "event-deeds" }, element("button", { class: "primary", "data-report-open": id }, t("Mở phản ánh")), element("button", { class: "action", "data-report-again": "1" }, t("Nhập phản ánh khác"), element("kbd", {}, "I")))));
    $("reports-one").querySelector("button").focus();
    deed = "new";
    renew();
    counted();
  };

  // ---- the address, pressing and typing --------------------------------------------------------------------------------------------
  const address = () => {
    const p = new URLSearchParams(location.search);
    for (const name of NAMES) if (filter[name]) p.set(name, filter[name]); else p.delete(name);
    for (const name of ["new", "lat", "lon"]) p.delete(name);
    if (open) p.set("report", open); else p.delete("report");
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
  };
  const set = (changes) => { filter = Object.fromEntries(Object.entries({ ...filter, ...changes }).filter(([, value]) => value)); address(); chips(); renew(); };
  const stand = (id) => {
    if (!id) return;
    current = id;
    if (open) show(id);
    point();
    const row = $(`report-${id}`);
    if (row) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
  };
  const walk = (step) => {
    const at = rows.findIndex((row) => row.id === current), inside = document.activeElement?.dataset?.report || open, next = Math.min(Math.max(inside ? at + step : at, 0), rows.length - 1);
    stand(rows[next]?.id);
    if (next >= rows.length - 2) further();
  };
  const close = () => { const back = open || current; deed = null; show(null); stand(back); if (!$("reports-waiting").hidden) renew(); };
  for (const kind of ["pointermove", "pointerdown", "wheel", "keydown"]) document.addEventListener(kind, ({ target }) => { if (target.closest?.("#reports-list, #reports-one")) touched = Date.now(); }, { passive: true, capture: true });
  document.addEventListener("click", ({ target }) => {
    if (!$("reports-list")) return;
    const button = target.closest("button"), row = target.closest("tr[data-report]"), d = button?.dataset || {};
    if (row) { show(row.dataset.report); row.focus({ preventScroll: true }); }
    else if (!button) return;
    else if (d.reportDeed) start(d.reportDeed);
    else if (d.reportWithhold) withhold(d.reportWithhold, button.getAttribute("aria-pressed") !== "true");
    else if (d.reportTwin) compare(d.reportTwin);
    else if (d.reportOpen) { deed = null; show(d.reportOpen); }
    else if (d.reportAgain) fresh();
    else if (d.reportCancel) quit();
    else if (d.reportsState !== undefined) set({ state: d.reportsState === "triage" ? "" : d.reportsState });
    else if (button.id === "reports-merge") merge();
    else if (button.id === "reports-apart") $("reports-beside").close();
    else if (button.id === "reports-close") close();
    else if (button.id === "reports-more") further();
    else if (button.id === "reports-waiting") renew();
    else if (button.id === "reports-new") fresh();
    else if (button.id === "reports-all") set({ category: "", commune: "", unit: "", late: "" });
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.closest?.("#reports-one")) return;
    event.preventDefault();
    if (event.target.dataset.reportNew) enter(); else submit(event.target);
  });
  document.addEventListener("change", ({ target }) => { if (target.dataset?.reportFilter) set({ [target.dataset.reportFilter]: target.value }); });
  document.addEventListener("focusin", ({ target }) => { if (target.dataset?.report && target.dataset.report !== current && target.tagName === "TR") { current = target.dataset.report; point(); } });
  document.addEventListener("keydown", (event) => {
    if (!$("reports-list") || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, typing = event.target.closest("input,textarea,select,[contenteditable]"), form = event.target.closest("#reports-one form");
    if ($("reports-beside").open) { if (key === "g" && !event.repeat && !event.ctrlKey && !event.metaKey) merge(); else return; }
    else if (form && key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    else if (event.ctrlKey || event.metaKey) return;
    else if (form && !form.dataset.reportNew && key === "Escape") quit();
    else if (event.target.id === "reports-number" && key === "Enter") { const id = event.target.value.trim().toUpperCase(); if (/^[A-Z0-9-]{1,20}$/.test(id)) show(id); else haidang.say(t("Không có phản ánh số {id}.", { id })); }
    else if (typing) return;
    else if (key === "/") { $("reports-number").focus(); $("reports-number").select(); }
    else if (key === "j" || (key === "ArrowDown" && event.target.dataset?.report)) walk(1);
    else if (key === "k" || (key === "ArrowUp" && event.target.dataset?.report)) walk(-1);
    else if (key === "Enter" && event.target.tagName === "TR" && event.target.dataset.report) show(event.target.dataset.report);
    else if (key === "i" && !event.repeat) fresh();
    else if (key === "Escape" && (open || deed)) close();
    else if (key === "Escape" && !$("reports-waiting").hidden) renew();
    else if (one && /^[1-5]$/.test(key) && near?.[Number(key) - 1]) compare(near[Number(key) - 1].id);
    else if (one && !event.repeat && Object.values(r().KEYS).includes(key)) start(Object.entries(r().KEYS).find(([, own]) => own === key)[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  callbacks.reports_tick = () => { if ($("reports-screen")?.begun) refresh(); return dash.no_update; };
  new MutationObserver(() => {
    const screen = $("reports-screen");
    if (!screen || screen.begun || !$("reports-number")) return;
    screen.begun = true;
    const { report, new: entering, ...wanted } = JSON.parse(screen.dataset.wanted || "{}");
    filter = wanted;
    rows = []; counts = null; one = null; open = null; current = null; deed = null; measured = 0; beside = null;
    $("reports-beside").addEventListener("close", () => { beside = null; $(`report-${open}`)?.focus({ preventScroll: true }); });
    refresh().then(() => { if (entering) fresh(); });
    if (report && /^[A-Z0-9-]{1,20}$/i.test(report)) show(report.toUpperCase());
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
