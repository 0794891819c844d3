// The screen of warnings: those in force, those that wait, and one beside its area on the map, step by step to its end.
(() => {
  "use strict";
  const haidang = window.haidang;
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const { $, t, element, ask, named, speech, badge, badges, marks, headline, source, clock, stamp } = haidang.warning;
  const ENDED_PAGE = 30, ENDED_MOST = 300, WAITING_MOST = 200, SURE_MS = 5000, TWICE_MS = 700;
  const GROUPS = [["force", () => t("Đang có hiệu lực")], ["approved", () => t("Đã duyệt, chờ phát")], ["waiting", () => t("Chờ duyệt")], ["returned", () => t("Dự thảo trả lại để sửa")], ["ended", () => t("Đã kết thúc")]];
  let rows = { force: [], approved: [], waiting: [], returned: [], ended: [] }, ended_n = ENDED_PAGE, open = null, one = null, current = null, failed = false, known = false, number = 0, busy = false, sure = null;

  // ---- what is asked -----------------------------------------------------------------------------------------------------
  const refresh = async () => {
    const n = ++number, list = (states, limit) => ask(`/api/v1/warnings?state=${states}&limit=${limit}`);
    const [force, waiting, ended] = await Promise.all([list("issued", WAITING_MOST), list("draft,approved", WAITING_MOST), list("updated,cancelled,expired,discarded", ended_n), haidang.warning.learn()]);
    if (n !== number || !$("warnings-list")) return;
    failed = ![force, waiting, ended].every((each) => each.ok);
    if (!failed) {
      known = true;
      rows = {
        force: force.said, ended: ended.said,
        approved: waiting.said.filter((row) => row.state === "approved"),
        waiting: waiting.said.filter((row) => row.state === "draft" && row.last_deed !== "return"),
        returned: waiting.said.filter((row) => row.state === "draft" && row.last_deed === "return"),
      };
    }
    draw();
    if (open && !haidang.warning_form?.shown()) show(open, true);
  };
  // By the clock, whoever answers: what has run out since it was read is over.
  const lapsed = (row) => row?.state === "issued" && Date.parse(row.ends_at) <= haidang.now();
  const by_now = (row) => (lapsed(row) ? { ...row, state: "expired" } : row);
  const all = () => GROUPS.flatMap(([name]) => rows[name]);
  callbacks.warnings_tick = () => { draw(); if (lapsed(one)) panel(); refresh(); return dash.no_update; };

  // ---- the list -------------------------------------------------------------------------------------------------------------
  const until = (row, group) => {
    const ends = row.ends_at || row.expires_at;
    if (group === "force") return [t("đến {at}", { at: clock(ends) }), " · ", t("còn {span}", { span: haidang.age(Math.max(0, Date.parse(ends) - haidang.now()) / 1000) })];
    if (group === "ended") return [named("states", row.state)];
    return [t("{who} soạn", { who: row.edited_by || row.drafted_by })];
  };
  const line = (row, group) => {
    const chosen = row.id === open, [, ...more] = ["", element("span", { class: "muted" }, until(row, group), " · ", source(row))];
    return element("li", {}, element("button", { id: `warning-${row.id}`, class: `warnings-item ${group}`, "data-warning-id": row.id, tabindex: row.id === current ? 0 : -1, "aria-current": chosen ? "true" : null },
      element("span", { class: "warning-line" }, badge(row), badges(row), element("span", { class: "muted" }, named("hazards", row.hazard))),
      element("strong", {}, headline(row)), more));
  };
  const draw = () => {
    const place = $("warnings-list");
    if (!place) return;
    const said = failed ? t("Không đọc được cảnh báo: máy chủ hoặc cơ sở dữ liệu không trả lời. Sẽ tự thử lại.") : "";
    if ($("warnings-said").textContent !== said) $("warnings-said").textContent = said;
    if (!known) return;
    const over = rows.force.filter((row) => lapsed(row) && !rows.ended.some((each) => each.id === row.id)).map(by_now);
    rows = { ...rows, force: rows.force.filter((row) => !lapsed(row)), ended: [...over, ...rows.ended] };
    $("warnings-count").textContent = t("{n} đang có hiệu lực", { n: haidang.number(rows.force.length) });
    const print = JSON.stringify([rows, open, current, Math.floor(haidang.now() / 60000)]);
    if (place.print === print) return;
    place.print = print;
    const held = document.activeElement?.dataset?.warningId, scrolled = place.scrollTop;
    if (!all().some((row) => row.id === current)) current = open && all().some((row) => row.id === open) ? open : all()[0]?.id ?? null;
    const parts = GROUPS.filter(([name]) => rows[name].length).map(([name, words]) => element("section", {}, element("h2", {}, words(), element("span", { class: "count" }, haidang.number(rows[name].length) + (name === "ended" && rows.ended.length >= ended_n ? "+" : ""))), element("ul", {}, rows[name].map((row) => line(row, name)))));
    if (!rows.force.length) parts.unshift(element("p", { class: "empty" }, t("Không có cảnh báo nào đang có hiệu lực.")));
    if (rows.ended.length >= ended_n) parts.push(ended_n < ENDED_MOST ? element("button", { id: "warnings-more", class: "column-more" }, t("Hiện thêm")) : element("p", { class: "note" }, t("{n} cảnh báo đã kết thúc gần nhất.", { n: ended_n })));
    place.replaceChildren(...parts);
    place.scrollTop = scrolled;
    if (held && $(`warning-${held}`)) $(`warning-${held}`).focus({ preventScroll: true });
  };

  // ---- one warning ----------------------------------------------------------------------------------------------------------
  const show = async (id, again) => {
    if (!again && haidang.warning_form?.shown()) { if (!haidang.warning_form.given_up()) return; haidang.warning_form.close(); }
    if (!again) { open = id; sure = null; if (id) current = id; address(); draw(); }
    if (!id) { one = null; panel(); return; }
    const answer = await ask(`/api/v1/warnings/${id}`);
    if (open !== id || !$("warnings-one") || haidang.warning_form?.shown()) return;
    if (answer.ok) { one = answer.said; } else if (!again) { one = null; haidang.say(answer.status === 404 ? t("Không có cảnh báo số {n}.", { n: id }) : t("Không đọc được cảnh báo {n}.", { n: id })); open = null; }
    panel();
    if (one && !again) picture(true);
  };
  const picture = (fly) => {
    const map = haidang.map;
    if (!map || !window.L) return;
    if (!picture.group || picture.group._map !== map) { haidang.warning.group(map); picture.group = L.layerGroup().addTo(map); }
    picture.group.clearLayers();
    if (!one?.geom || haidang.warning_form?.shown()) return;
    const held = one.state === "issued"; // drawn already, in the colour of its level
    const places = haidang.warning.latlngs(one.geom);
    if (!places.length) return;
    const shape = L.polygon(places, { pane: "warnings", className: `warning-chosen${held ? " held" : ""}`, interactive: false }).addTo(picture.group);
    if (fly) map.fitBounds(shape.getBounds().pad(0.25), { animate: false });
  };
  const frame = (row) => {
    const place = $("warnings-frame"), said = row ? marks(row) : [];
    place.hidden = !said.length;
    const words = said.length ? `${said.join(" · ")} · ${t("KHÔNG PHẢI CẢNH BÁO THẬT")}` : "";
    if (place.textContent !== words) place.replaceChildren(words ? element("strong", {}, words) : "");
  };
  const text = (lang, said) => (!said ? "" : element("section", { class: "warning-text", lang },
    element("h3", {}, said.headline || said.event || "", element("span", { class: "muted" }, lang)),
    said.description ? element("p", {}, said.description) : "", said.instruction ? element("p", { class: "instruction" }, element("b", {}, `${t("Cần làm")}: `), said.instruction) : ""));
  const DEEDS = () => ({ draft: t("Đã soạn"), edit: t("Đã sửa"), approve: t("Đã duyệt"), return: t("Đã trả lại"), discard: t("Đã bỏ"), issue: t("Đã phát"), cancel: t("Đã hủy"), receive: t("Đã nhận") });
  const journal = (row) => element("div", { class: "case-log" }, element("h3", {}, t("Đã làm gì")), element("ul", {}, [...row.log].reverse().map((each) => element("li", { class: `log-${each.deed}` },
    element("div", { class: "log-head" }, element("b", {}, `${DEEDS()[each.deed]} · ${each.actor}`), stamp(each.at)),
    each.note ? element("div", {}, each.note) : "",
    each.content?.raised ? element("div", {}, t("nâng {n} cấp vì chồng với cảnh báo {ids}", { n: each.content.raised, ids: each.content.raised_for.join(", ") })) : ""))));
  const standing = (row) => {
    const last = row.log.at(-1);
    if (row.state === "draft") return last?.deed === "return" ? t("Trả lại để sửa: {note}", { note: last.note || "" }) : t("Chờ người thứ hai duyệt");
    if (row.state === "approved") return t("{who} đã duyệt lúc {at}; chưa phát", { who: row.approved_by, at: clock(row.approved_at) });
    if (row.state === "issued") return t("Đang có hiệu lực đến {at}", { at: clock(row.ends_at) });
    return named("states", row.state);
  };
  const press = (deed, words, kind = "action") => element("button", { id: `warning-do-${deed}`, class: kind, "data-warning-deed": deed }, words);
  const doing = (row) => {
    if (row.origin !== "own" || row.msg_type === "Cancel") return "";
    const draft = row.state === "draft", approved = row.state === "approved", live = row.state === "issued";
    if (!draft && !approved && !live) return "";
    const buttons = [draft ? press("approve", t("Duyệt"), "primary") : "", approved ? press("issue", t("Phát cảnh báo"), "primary") : "", draft || approved ? [press("edit", t("Sửa")), press("return", t("Trả lại")), press("discard", t("Bỏ"))] : "", live ? [press("update", t("Soạn bản cập nhật")), press("cancel", t("Hủy cảnh báo"))] : ""];
    return element("div", { class: "warning-doing" },
      draft ? element("p", { class: "note" }, t("Người duyệt phải khác người soạn ({who}).", { who: [...new Set(row.log.filter((each) => ["draft", "edit"].includes(each.deed)).map((each) => each.actor))].join(", ") })) : "",
      element("label", {}, element("span", {}, live ? t("Lý do hủy") : t("Lý do (khi trả lại hoặc bỏ)")), element("input", { id: "warning-note", type: "text", maxlength: 500, autocomplete: "off" })),
      element("div", { class: "warning-buttons" }, buttons));
  };
  const facts = (row) => [
    [t("Trạng thái"), standing(row)], [t("Loại"), named("hazards", row.hazard)], [t("Tên vùng"), row.area_words],
    [t("Mức độ"), [named("severities", row.severity), named("urgencies", row.urgency), named("certainties", row.certainty)].filter(Boolean).join(" · ")],
    [t("Giờ bắt đầu"), row.onset_at ? stamp(row.onset_at) : t("ngay khi phát")], [t("Giờ kết thúc"), row.ends_at || row.expires_at ? stamp(row.ends_at || row.expires_at) : ""],
    [t("Của ai"), row.origin === "own" ? (row.known_at ? t("của trung tâm, {who} phát", { who: row.issued_by }) : t("của trung tâm")) : source(row)],
    [t("Mã CAP"), row.identifier ? element("a", { href: row.origin === "own" ? `/cap/${encodeURIComponent(row.identifier)}.xml` : `/api/v1/warnings/${row.id}/document` }, row.identifier) : ""],
    [t("Thay cho"), row.of_id ? element("button", { class: "link", "data-warning-go": row.of_id }, t("cảnh báo {n}", { n: row.of_id })) : ""], [t("Tiếp theo"), row.next ? element("button", { class: "link", "data-warning-go": row.next }, t("cảnh báo {n}", { n: row.next })) : ""],
    [t("Ghi chú"), row.notes?.length ? row.notes.join("; ") : ""]];
  const panel = () => {
    const place = $("warnings-one"), row = one = by_now(one);
    if (!place || haidang.warning_form?.shown()) return;
    frame(row);
    const print = row ? JSON.stringify([row, document.documentElement.lang]) : "";
    if (place.print === print) { if (row) sent(row); return; }
    const same = row && place.of === row.id && place.state === row.state, typed = same ? $("warning-note")?.value : "", inside = place.contains(document.activeElement) ? document.activeElement.id : null;
    Object.assign(place, { print, of: row?.id, state: row?.state });
    if (!row) { place.replaceChildren(element("p", { class: "empty" }, t("Chọn một cảnh báo, hoặc soạn cảnh báo mới."))); picture(false); return; }
    place.replaceChildren(
      element("div", { class: "case-head" }, element("h2", { tabindex: -1 }, headline(row)), element("button", { id: "warnings-close", class: "quiet", "aria-label": t("Đóng") }, "×")),
      element("div", { class: "warning-line warning-top" }, badge(row, true), badges(row)),
      element("dl", { class: "facts" }, facts(row).filter(([, value]) => value).map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
      doing(row), element("p", { id: "warning-said", class: "deed-words", role: "status" }),
      ...Object.entries(row.words).sort(([a]) => (a === "vi" ? -1 : 1)).map(([lang, said]) => text(lang, said)),
      element("div", { id: "warning-inside", class: "warning-inside" }), element("div", { id: "warning-sent" }), journal(row));
    if (typed && $("warning-note")) $("warning-note").value = typed;
    if (inside && $(inside)) $(inside).focus({ preventScroll: true });
    picture(false);
    reach(row);
    sent(row);
  };
  // Who has it: the public feed, and each channel that takes warnings.
  const sent = async (row) => {
    const place = $("warning-sent");
    if (row.origin !== "own" || !row.known_at || !place) return;
    const answer = await ask(`/api/v1/warnings/${row.id}/sent`);
    if (!answer.ok || one?.id !== row.id || !$("warning-sent")) return;
    const print = JSON.stringify(answer.said);
    if ($("warning-sent").print === print) return;
    $("warning-sent").print = print;
    const states = { delivered: t("đã gửi"), failed: t("không gửi được"), withheld: t("giữ lại"), retrying: t("đang gửi lại"), waiting: t("đang chờ") };
    const whys = { rehearsal: t("hệ thống đang mô phỏng, không gửi ra ngoài"), simulated_warning: t("cảnh báo mô phỏng không gửi ra ngoài"), ended: t("cảnh báo đã hủy, đã thay hoặc hết hạn trước khi gửi"), disabled: t("kênh đã tắt") };
    const { feed, channels } = answer.said;
    $("warning-sent").replaceChildren(element("section", {}, element("h3", {}, t("Đã gửi đi đâu")), element("ul", { class: "warning-ways" },
      feed ? element("li", {}, element("b", {}, t("Bảng tin CAP công khai")), element("span", {}, ` ${t("từ")} `, stamp(feed.since), row.state === "issued" || row.msg_type === "Cancel" ? [` ${t("đến")} `, stamp(feed.until)] : ` · ${t("không còn ở đó")}`)) : "",
      channels.map((each) => element("li", { class: each.state }, element("b", {}, each.channel_name), element("span", {}, ` ${states[each.state]} `, stamp(each.delivered_at || each.failed_at || each.made_at)), each.state !== "delivered" && each.answer ? element("span", { class: "muted" }, ` · ${whys[each.answer] || each.answer}`) : "")),
      channels.length ? "" : element("li", { class: "muted" }, t("Không kênh nào nhận cảnh báo (chọn ở màn hình Kênh gửi).")))));
  };
  const reach = async (row) => {
    if (!row.geom || ["cancelled", "expired", "discarded", "updated", "notice"].includes(row.state)) return;
    const answer = await ask("/api/v1/warnings/inside", { area: row.geom, hazard: row.hazard || "", status: row.status === "Actual" ? "Actual" : "Exercise", ...(row.of_id ? { of_id: row.of_id } : {}) });
    if (one?.id !== row.id || !$("warning-inside")) return;
    $("warning-inside").replaceChildren(...(answer.ok ? haidang.warning.inside(answer.said) : [element("p", { class: "note" }, t("Không đọc được trong vùng có gì."))]));
  };
  // What lies inside: how many, what of it may have gone by now, and the names.
  haidang.warning.inside = (told) => {
    const people = told.people_at_most ? t("nhiều nhất {n} người", { n: haidang.number(told.people_at_most) }) : t("chưa có số dân");
    const missing = told.without_population && told.people_at_most ? ` ${t("({n} xã chưa có số dân)", { n: told.without_population })}` : "";
    const figure = (n, words, more, key) => element("li", { "data-inside": key, class: n ? "" : "none" }, element("b", {}, haidang.number(n)), ` ${words}`, more ? element("span", { class: "muted" }, ` ${more}`) : "");
    const old = (each) => [each.old ? t("{n} đã lâu không có tin", { n: haidang.number(each.old) }) : "", each.simulated ? t("{n} mô phỏng", { n: haidang.number(each.simulated) }) : ""].filter(Boolean).join(", ");
    const title = (each) => (document.documentElement.lang === "en" ? each.en : each.vi);
    const names = told.communes.slice(0, 12).map((each) => element("li", {}, each.name, element("span", { class: "muted" }, ` ${haidang.number(Math.max(1, Math.round(each.share * 100)))} %${each.population === null ? "" : ` · ${t("{n} dân", { n: haidang.number(each.population) })}`}`)));
    return [element("h3", {}, t("Trong vùng có gì")),
      element("ul", { class: "inside-figures" }, figure(told.communes.length, t("xã và phường"), `${people}${missing}`, "commune"), figure(told.boats, t("tàu thuyền"), "", "boats"), told.layers.map((each) => figure(each.count, title(each), old(each), each.layer))),
      names.length ? element("details", {}, element("summary", {}, t("Các xã, phường")), element("ul", { class: "inside-names" }, names, told.communes.length > 12 ? element("li", { class: "muted" }, t("và {n} xã khác", { n: told.communes.length - 12 })) : "")) : "",
      told.layers.filter((each) => each.names.length).map((each) => element("details", {}, element("summary", {}, title(each)), element("ul", { class: "inside-names" }, each.names.map(([, name]) => element("li", {}, name)), each.count > each.names.length ? element("li", { class: "muted" }, t("và {n} nữa", { n: haidang.number(each.count - each.names.length) })) : "")))].flat();
  };

  // ---- the deeds ------------------------------------------------------------------------------------------------------------
  const say = (words, bad) => { const box = $("warning-said"); if (box) { box.textContent = words; box.className = `deed-words ${bad ? "bad" : "good"}`; } else haidang.say(words); };
  const actor = () => {
    const name = $("warnings-actor")?.value.trim();
    if (!name) { $("warnings-actor").focus(); haidang.say(t("Hãy ghi tên cán bộ trực ban")); }
    return name;
  };
  const refusal = (answer) => {
    const detail = answer.said?.detail;
    if (answer.status === 0) return t("Máy chủ không trả lời: CHƯA làm được.");
    if (answer.status === 409) return `${t("CHƯA làm: người khác vừa thay đổi cảnh báo này. Xem lại rồi làm tiếp.")}${document.documentElement.lang === "en" && typeof detail === "string" ? ` (${detail})` : ""}`;
    if (Array.isArray(detail) && detail[0].vi) return `${t("CHƯA làm")}: ${document.documentElement.lang === "en" ? detail[0].msg : detail[0].vi}`;
    if (answer.status === 404) return t("CHƯA làm: không còn cảnh báo này.");
    if (answer.status === 422) return t("CHƯA làm: có chỗ ghi chưa đúng.");
    return t("CHƯA làm: máy chủ từ chối ({n}).", { n: answer.status });
  };
  const CONFIRM = { issue: () => t("Bấm lần nữa để phát"), cancel: () => t("Bấm lần nữa để hủy"), discard: () => t("Bấm lần nữa để bỏ") };
  const act = async (deed) => {
    if (!one || busy) return;
    if (deed === "edit" || deed === "update") { haidang.warning_form.open(one, deed); return; }
    const by = actor(), note = $("warning-note")?.value.trim() || "";
    if (!by) return;
    if (["return", "discard", "cancel"].includes(deed) && !note) { $("warning-note").focus(); say(t("Ghi lý do trước."), true); return; }
    const now = performance.now(), mark = `${one.id} ${one.version} ${deed}`;
    if (CONFIRM[deed] && (sure?.mark !== mark || now - sure.at > SURE_MS || now - sure.at < TWICE_MS)) {
      if (sure?.mark !== mark || now - sure.at > SURE_MS) sure = { mark, at: now };
      say(CONFIRM[deed](), true);
      return;
    }
    sure = null;
    busy = true;
    say(t("Đang gửi…"));
    const answer = await ask(`/api/v1/warnings/${one.id}/${deed}`, { actor: by, ...(deed === "cancel" ? { note } : { version: one.version }), ...(["return", "discard"].includes(deed) ? { note } : {}) });
    busy = false;
    if (answer.ok && $("warning-note")) $("warning-note").value = "";
    const said = answer.ok ? DONE()[deed] : refusal(answer);
    await refresh();
    await show(open, true);
    haidang.warning.refresh();
    say(said, !answer.ok);
  };
  const DONE = () => ({ approve: t("Đã duyệt. Chưa phát: bấm “Phát cảnh báo”."), issue: t("Đã phát. Cảnh báo có ở bảng tin CAP và trên bản đồ."), return: t("Đã trả lại người soạn."), discard: t("Đã bỏ."), cancel: t("Đã hủy. Bản hủy có ở bảng tin CAP.") });

  // ---- the address, pressing and typing -------------------------------------------------------------------------------------
  const address = () => {
    const p = new URLSearchParams(location.search);
    p.delete("new");
    if (open) p.set("id", open); else p.delete("id");
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
  };
  const walk = (step) => {
    const list = all(), at = list.findIndex((row) => row.id === current), on = document.activeElement?.dataset?.warningId || open, next = list[Math.min(Math.max(on ? at + step : Math.max(at, 0), 0), list.length - 1)];
    if (!next) return;
    current = next.id;
    if (open) show(next.id);
    draw();
    const row = $(`warning-${next.id}`);
    if (row) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
  };
  const close = () => { const back = open; show(null); if (back) $(`warning-${back}`)?.focus(); };
  haidang.warnings = { refresh, show, actor, refusal, frame, say, close, here: () => one };
  document.addEventListener("click", ({ target }) => {
    if (!$("warnings-list")) return;
    const button = target.closest("button");
    if (!button) return;
    const d = button.dataset;
    if (d.warningId) show(Number(d.warningId));
    else if (d.warningGo) show(Number(d.warningGo));
    else if (d.warningDeed) act(d.warningDeed);
    else if (button.id === "warnings-close") close();
    else if (button.id === "warnings-new") haidang.warning_form.open(null, "new");
    else if (button.id === "warnings-more") { ended_n += ENDED_PAGE; refresh(); }
  });
  document.addEventListener("keydown", (event) => {
    if (!$("warnings-list") || haidang.warning_form?.shown() || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.target.closest("input,textarea,select,[contenteditable]")) return;
    if (key === "j" || (key === "ArrowDown" && event.target.dataset?.warningId)) walk(1);
    else if (key === "k" || (key === "ArrowUp" && event.target.dataset?.warningId)) walk(-1);
    else if (key === "n") haidang.warning_form.open(null, "new");
    else if (key === "Escape" && open) close();
    else return; // Enter on a line is the button's own
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener("haidang:warnings", () => { if ($("warnings-list") && known) refresh(); });
  // Whoever opens the screen sees all that is in force, wherever it lies, until one is chosen or the map is moved.
  const whole = () => {
    const screen = $("warnings-screen"), map = haidang.map, areas = haidang.warning.in_force().flatMap((each) => haidang.warning.latlngs(each.geometry));
    if (!screen || screen.fitted || open || !areas.length || haidang.warning_form?.shown() || map?.getContainer().id !== "warnings-map") return;
    screen.fitted = true;
    map.fitBounds(L.polygon(areas).getBounds().pad(0.15), { animate: false });
  };
  document.addEventListener("haidang:warnings", whole);

  new MutationObserver(() => {
    const screen = $("warnings-screen");
    if (!screen || screen.begun || !$("warnings-actor")) return;
    screen.begun = true;
    const wanted = JSON.parse(screen.dataset.wanted || "{}");
    [open, one, current, known] = [Number(wanted.id) || null, null, null, false];
    panel();
    refresh().then(() => { if (wanted.new) haidang.warning_form.open(null, "new"); else if (open) { show(open, true).then(() => picture(true)); } });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
