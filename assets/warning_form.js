// A warning as it is written: what, how grave, until when, in which words and where; what lies there is told before it is kept.
(() => {
  "use strict";
  const haidang = window.haidang;
  const { $, t, element, ask, named, pick, badges, headline } = haidang.warning;
  const drawn = () => haidang.warning_draw;
  const ASK_MS = 350, HOUR_MS = 3600e3, SHIFT_MS = 7 * HOUR_MS, MOST_LEVEL = 5; // of Asia/Ho_Chi_Minh, which knows no summer time
  let open = null, row = null, told = null, asked = 0, timer = 0, dirty = false, unread = 0, resting = 0, saving = 0, number = 0, sure = -Infinity;

  const TIME = /^(\d{1,2})[:hg](\d{2})\s+(\d{1,2})\/(\d{1,2})\/(\d{4})$/;
  const local = (at) => (at ? haidang.exact(Date.parse(at)).replace(/:\d\d /, " ") : ""); // 18:00 29/11/2026
  // null: nothing is written; "": what is written is no time. Read as the hour at the centre.
  const moment = (id) => {
    const value = $(id).value.trim(), word = TIME.exec(value);
    if (!value || !word) return value ? "" : null;
    const [hour, minute, day, month, year] = word.slice(1).map(Number), ms = Date.UTC(year, month - 1, day, hour, minute), back = new Date(ms);
    return hour < 24 && minute < 60 && back.getUTCDate() === day && back.getUTCMonth() === month - 1 ? new Date(ms - SHIFT_MS).toISOString() : "";
  };
  const simulated = () => Boolean($("warnings-screen")?.dataset.simulated);
  const field = (name, words, control, more = "") => element("div", { class: "warning-field", "data-field-of": name }, element("label", {}, element("span", {}, words), control), more, element("p", { class: "field-error", id: `wrong-${name}` }));
  const select = (id, list, chosen, hidden = []) => element("select", { id, class: "picked" }, Object.keys(haidang.warning.words()[list]).filter((key) => !hidden.includes(key)).map((key) => element("option", { value: key, selected: key === chosen }, named(list, key))));
  const line = (id, most, value) => { const made = element("input", { id, type: "text", maxlength: most, autocomplete: "off" }); made.value = value || ""; return made; };
  const lines = (id, most, value) => { const made = element("textarea", { id, rows: 3, maxlength: most }); made.value = value || ""; return made; };
  const time = (id, value) => { const made = element("input", { id, type: "text", maxlength: 30, placeholder: "18:00 29/11/2026", autocomplete: "off" }); made.value = value; return made; };

  const levels = (chosen) => element("fieldset", { class: "warning-levels", id: "write-level" }, element("legend", {}, t("Cấp độ rủi ro thiên tai (Quyết định 18/2021/QĐ-TTg)")),
    [["", t("không xếp cấp"), "", ""], ...Object.entries(haidang.warning.words().levels).map(([n, one]) => [n, pick({ vi: `${one.name_vi} · ${one.colour_vi}`, en: `${one.name_en} · ${one.colour_en}` }), one.hex, one.ink])].map(([n, words, hex, ink]) => {
      const label = element("label", { class: "warning-choice" }, element("input", { type: "radio", name: "write-level", value: n, checked: String(chosen ?? "") === n }), element("span", { class: `warning-level${hex ? "" : " none"}` }, words));
      if (hex) { label.lastChild.style.background = hex; label.lastChild.style.color = ink; }
      return label;
    }), element("p", { class: "field-error", id: "wrong-risk_level" }));
  const form = (from, what) => {
    const vi = from?.words?.vi || {}, en = from?.words?.en || {}, hours = (n) => element("button", { type: "button", class: "chip", "data-write-hours": n }, t("{n} giờ", { n })), status = from?.status || (simulated() ? "Exercise" : "Actual"), fixed = simulated() || from?.simulated || what === "update" || from?.of_id;
    const kinds = [["Actual", t("Cảnh báo thật")], ["Exercise", t("Diễn tập")]].map(([key, words]) => element("label", { class: "warning-choice" }, element("input", { type: "radio", name: "write-status", value: key, checked: key === status, disabled: fixed && key !== status }), element("span", {}, words)));
    return [
      element("div", { class: "case-head" }, element("h2", { id: "write-title", tabindex: -1 }, { new: t("Soạn cảnh báo"), edit: t("Sửa cảnh báo {n}", { n: from?.id }), update: t("Bản cập nhật của cảnh báo {n}", { n: from?.id }) }[what]), element("button", { id: "write-close", class: "quiet", "aria-label": t("Đóng") }, "×")),
      element("div", { class: "warning-form" },
        element("fieldset", { class: "warning-kinds", id: "write-kinds" }, element("legend", {}, t("Thật hay diễn tập")), kinds, simulated() ? element("p", { class: "note" }, t("Dữ liệu là mô phỏng nên chỉ được diễn tập.")) : "", element("p", { class: "field-error", id: "wrong-status" })),
        field("hazard", t("Loại thiên tai"), select("write-hazard", "hazards", from?.hazard || "flood")), levels(from?.risk_level),
        element("div", { class: "warning-three" }, field("severity", t("Mức nguy hiểm"), select("write-severity", "severities", from?.severity || "Severe")), field("urgency", t("Khẩn đến đâu"), select("write-urgency", "urgencies", from?.urgency || "Expected")), field("certainty", t("Chắc đến đâu"), select("write-certainty", "certainties", from?.certainty || "Likely"))),
        element("section", { class: "warning-area-of" }, element("h3", {}, t("Vùng cảnh báo")),
          element("div", { class: "warning-buttons" }, element("button", { id: "write-draw", class: "action", type: "button" }, t("Vẽ vùng")), element("button", { id: "write-part", class: "action", type: "button" }, t("Thêm phần")), element("button", { id: "write-undo", class: "action", type: "button" }, t("Lùi một bước"))),
          element("details", {}, element("summary", {}, t("Gõ tọa độ")), element("label", {}, element("span", {}, t("Mỗi dòng một đỉnh: vĩ độ, kinh độ; dòng trống bắt đầu phần khác")), element("textarea", { id: "write-points", rows: 5, spellcheck: "false" }))),
          element("p", { class: "field-error", id: "wrong-area" }), element("div", { id: "write-inside", class: "warning-inside", role: "status" })),
        element("div", { id: "write-raise", class: "warning-raise", hidden: true }),
        field("area_words", t("Tên vùng"), line("write-area-words", 500, from?.area_words)),
        element("div", { class: "warning-two" }, field("onset_at", t("Bắt đầu (trống: ngay khi phát)"), time("write-onset", local(from?.onset_at))), field("expires_at", t("Giờ kết thúc"), time("write-expires", local(from?.expires_at)), element("div", { class: "chips" }, [3, 6, 12, 24].map(hours)))),
        field("words.vi.headline", t("Tiêu đề"), line("write-vi-headline", 160, vi.headline)), field("words.vi.description", t("Nội dung"), lines("write-vi-description", 4000, vi.description)), field("words.vi.instruction", t("Người dân cần làm gì"), lines("write-vi-instruction", 4000, vi.instruction)),
        element("details", { id: "write-en", open: Boolean(en.headline) }, element("summary", {}, t("Tiếng Anh (nếu có)")), field("words.en.headline", t("Tiêu đề, tiếng Anh"), line("write-en-headline", 160, en.headline)), field("words.en.description", t("Nội dung, tiếng Anh"), lines("write-en-description", 4000, en.description)), field("words.en.instruction", t("Cần làm gì, tiếng Anh"), lines("write-en-instruction", 4000, en.instruction)))),
      element("div", { class: "warning-foot" }, element("p", { id: "write-said", class: "deed-words", role: "status" }), element("div", { class: "warning-buttons" }, element("button", { id: "write-save", class: "primary" }, what === "edit" ? t("Lưu, gửi duyệt lại") : t("Lưu, gửi duyệt")), element("button", { id: "write-cancel", class: "action" }, t("Thôi"))))];
  };
  const chosen = (name) => document.querySelector(`#warnings-one input[name="${name}"]:checked`)?.value || "";
  const say = (words, bad) => { $("write-said").textContent = words; $("write-said").className = `deed-words ${bad ? "bad" : words ? "good" : ""}`; };

  // ---- what lies inside, and what it meets ---------------------------------------------------------------------------------
  const meant = () => {
    const expires = moment("write-expires"), onset = moment("write-onset"), of = open === "update" ? row.id : row?.of_id;
    return { hazard: $("write-hazard").value, status: chosen("write-status") || "Actual", ...(expires ? { expires_at: expires } : {}), ...(onset ? { onset_at: onset } : {}), ...(of ? { of_id: of } : {}) };
  };
  const asking = (same) => { // same: the area has not changed, so that what lies there is still known
    if (!same) told = null;
    ready();
    clearTimeout(timer);
    const area = drawn().geometry(), n = ++asked;
    if (!area) { $("write-inside").replaceChildren(element("p", { class: "note" }, drawn().drawing() ? t("Vẽ xong vùng để biết trong đó có gì.") : t("Vẽ vùng để biết trong đó có gì."))); raise(); return; }
    if (!told) $("write-inside").replaceChildren(element("p", { class: "note" }, t("Đang xem trong vùng có gì…")));
    timer = setTimeout(async () => {
      const answer = await ask("/api/v1/warnings/inside", { area, ...meant() });
      if (n !== asked || !open) return;
      if (!same && !unread) $("wrong-area").textContent = "";
      if (answer.ok) { told = answer.said; $("write-inside").replaceChildren(...haidang.warning.inside(told)); } else { $("write-inside").replaceChildren(element("p", { class: "note" }, t("Chưa biết trong vùng có gì nên chưa lưu được."))); wrong(answer); }
      raise();
      ready();
    }, ASK_MS);
  };
  // What is typed is the area, at once before it is kept; while a line of it cannot be read, what was there before is not.
  const typed = () => {
    clearTimeout(resting);
    resting = 0;
    unread = drawn().read($("write-points").value);
    $("wrong-area").textContent = unread ? t("Dòng {n}: không đọc được, ghi như 16,55 107,60.", { n: unread }) : "";
    ready();
  };
  const ready = () => {
    const why = unread ? t("Có dòng tọa độ chưa đọc được") : !drawn().geometry() ? t("Chưa vẽ vùng") : !told ? t("Chưa biết trong vùng có gì") : "";
    $("write-save").setAttribute("aria-disabled", String(Boolean(why)));
    $("write-save").title = why;
    return why;
  };
  // Two hazards at once: told, and raised only when a person says so.
  const raise = () => {
    const box = $("write-raise"), meets = told?.meets || [], kept = chosen("write-raised") || String(last()?.raised || 0), level = Number(chosen("write-level"));
    box.hidden = !meets.length;
    if (!meets.length) { box.replaceChildren(); return; }
    const steps = Array.from({ length: told.raise_most + 1 }, (_, n) => n);
    box.replaceChildren(element("h3", {}, t("Chồng với cảnh báo khác")), element("ul", {}, meets.map((each) => element("li", { class: "warning-line" }, haidang.warning.badge(each), badges(each), `${headline(each)} · ${t("đến {at}", { at: haidang.warning.clock(each.ends_at) })}`))),
      element("p", {}, t("Nhiều thiên tai cùng lúc: có thể nâng 1 đến {n} cấp, cao nhất cấp {most} (Quyết định 18/2021/QĐ-TTg). Người soạn quyết định; sổ giữ lại.", { n: told.raise_most, most: MOST_LEVEL })),
      element("fieldset", { class: "warning-kinds", id: "write-raised" }, element("legend", {}, t("Nâng cấp")), steps.map((n) => element("label", { class: "warning-choice" }, element("input", { type: "radio", name: "write-raised", value: n, checked: String(n) === kept, disabled: n > 0 && (!level || level + n > MOST_LEVEL) }), element("span", {}, n ? t("nâng {n} cấp: cấp {to}", { n, to: level ? level + n : "?" }) : t("không nâng"))))),
      element("p", { class: "field-error", id: "wrong-raised" }));
    if (!chosen("write-raised")) box.querySelector("input").checked = true;
  };
  // What was written last of the one that is edited or updated: a level that it was raised to is not raised once more.
  const last = () => (open === "edit" || open === "update" ? row?.log?.filter((each) => each.content).at(-1)?.content : null);

  // ---- keeping it -----------------------------------------------------------------------------------------------------------
  const wrong = (answer) => {
    for (const box of document.querySelectorAll("#warnings-one .field-error")) box.textContent = "";
    for (const each of document.querySelectorAll("#warnings-one [aria-invalid]")) each.removeAttribute("aria-invalid");
    const detail = answer.said?.detail;
    if (answer.status !== 422 || !Array.isArray(detail)) { say(haidang.warnings.refusal(answer), true); return; }
    let first = null;
    for (const one of detail) {
      const path = one.loc.slice(1).map(String).join(".").replace(/^(vi|en)\./, "words.$1."), box = $(`wrong-${path}`) || $(`wrong-${path.split(".")[0]}`);
      const english = document.documentElement.lang === "en", words = english ? one.msg : one.vi || t("Chưa hợp lệ: ghi lại ô này.");
      if (!box) { say(`${t("CHƯA làm")}: ${words}`, true); continue; }
      box.textContent = words;
      const control = box.parentElement.querySelector("input,textarea,select");
      if (control) { control.setAttribute("aria-invalid", "true"); control.setAttribute("aria-describedby", box.id); first = first || control; }
      box.closest("details")?.setAttribute("open", "");
    }
    if (first) { say(t("CHƯA lưu: sửa những chỗ được báo."), true); first.focus(); }
  };
  const words_of = (lang) => { const text = (name) => $(`write-${lang}-${name}`).value.trim(); return { headline: text("headline"), description: text("description"), instruction: text("instruction") }; };
  const save = async () => {
    if (resting || unread) typed();
    const why = ready(), by = why || saving === number ? null : haidang.warnings.actor();
    if (why) { say(t("CHƯA lưu: {why}.", { why: why.toLowerCase() }), true); if (unread) $("write-points").focus(); else if (!drawn().geometry()) $("write-draw").focus(); return; }
    if (!by) return;
    const empty = (id) => !$(id).value.trim(), bad = (id) => moment(id) === "";
    const missing = [["onset_at", "write-onset", bad("write-onset") ? t("Ghi giờ như 18:00 29/11/2026.") : ""], ["expires_at", "write-expires", bad("write-expires") ? t("Ghi giờ như 18:00 29/11/2026.") : empty("write-expires") ? t("Ghi giờ kết thúc.") : ""], ["words.vi.headline", "write-vi-headline", empty("write-vi-headline") ? t("Ghi tiêu đề.") : ""], ["area_words", "write-area-words", empty("write-area-words") ? t("Ghi tên vùng.") : ""]].filter(([, , words]) => words);
    for (const box of document.querySelectorAll("#warnings-one .field-error")) box.textContent = "";
    for (const [name, , words] of missing) $(`wrong-${name}`).textContent = words;
    if (missing.length) { $(missing[0][1]).focus(); say(t("CHƯA lưu: sửa những chỗ được báo."), true); return; }
    const level = Number(chosen("write-level")) || null, raised = level && told.meets.length ? Number(chosen("write-raised")) || 0 : 0, en = words_of("en");
    const body = { actor: by, ...meant(), urgency: $("write-urgency").value, severity: $("write-severity").value, certainty: $("write-certainty").value, risk_level: level === null ? null : level + raised, raised, raised_for: raised ? told.meets.map((each) => each.id) : [], vi: words_of("vi"), ...(en.headline || en.description || en.instruction ? { en } : {}), area: drawn().geometry(), area_words: $("write-area-words").value.trim() };
    delete body.of_id;
    const mine = saving = number;
    say(t("Đang gửi…"));
    const path = open === "edit" ? `/api/v1/warnings/${row.id}/edit` : open === "update" ? `/api/v1/warnings/${row.id}/update` : "/api/v1/warnings";
    const answer = await ask(path, open === "edit" ? { ...body, version: row.version } : body);
    if (saving === mine) saving = 0;
    if (!open || mine !== number) { haidang.warnings.refresh(); return; } // it was left meanwhile: another form is none of its business
    if (!answer.ok) { wrong(answer); return; }
    close();
    await haidang.warnings.refresh();
    if (open) return;
    await haidang.warnings.show(answer.said.id);
    haidang.warnings.say(t("Đã lưu. Cần người thứ hai duyệt."));
  };
  const close = () => {
    [open, row, told, dirty, unread] = [null, null, null, false, 0];
    asked += 1;
    clearTimeout(timer);
    clearTimeout(resting);
    resting = 0;
    drawn().close();
    delete $("warnings-screen").dataset.writing;
    const place = $("warnings-one");
    place.print = null;
    place.replaceChildren();
    haidang.warnings.frame(null);
  };
  // Whether the form may be closed by whoever is not keeping it: what is not kept is lost only on a second press.
  const given_up = () => {
    if (!dirty || performance.now() - sure <= 5000) return true;
    sure = performance.now();
    say(t("Có chỗ chưa lưu: bấm lần nữa để bỏ."), true);
    return false;
  };
  const leave = () => {
    if (!given_up()) return;
    const back = haidang.warnings.here()?.id;
    close();
    haidang.warnings.show(back || null);
    haidang.warnings.refresh();
  };
  const begin = async (from, what) => {
    if (open) return;
    if (!(await haidang.warning.learn())) { haidang.say(t("Máy chủ không trả lời: CHƯA làm được.")); return; }
    [open, row, dirty, sure, number] = [what, from, false, -Infinity, number + 1];
    const content = last();
    $("warnings-one").replaceChildren(...form(content?.raised ? { ...from, risk_level: from.risk_level - content.raised } : from, what));
    $("warnings-screen").dataset.writing = "1";
    if (!from) $("write-expires").value = local(new Date(haidang.now() + 6 * HOUR_MS).toISOString());
    haidang.warnings.frame({ status: chosen("write-status"), simulated: simulated() || from?.simulated });
    drawn().open(from?.geom || null, (by) => { if (by !== "text") { $("write-points").value = drawn().text(); clearTimeout(resting); if (unread) $("wrong-area").textContent = ""; [resting, unread] = [0, 0]; } dirty = true; asking(); });
    $("write-points").value = drawn().text();
    asking();
    $("write-title").focus();
  };
  haidang.warning_form = { open: begin, close, given_up, shown: () => open };

  document.addEventListener("click", ({ target }) => {
    const button = open && target.closest("button");
    if (!button) return;
    if (button.id === "write-draw") drawn().begin(true);
    else if (button.id === "write-part") drawn().begin(false);
    else if (button.id === "write-undo") drawn().back();
    else if (button.id === "write-save") save();
    else if (button.id === "write-cancel" || button.id === "write-close") leave();
    else if (button.dataset.writeHours) { const onset = moment("write-onset"), from = onset ? Date.parse(onset) : haidang.now(); $("write-expires").value = local(new Date(from + Number(button.dataset.writeHours) * HOUR_MS).toISOString()); dirty = true; asking(true); }
  });
  document.addEventListener("input", ({ target }) => {
    if (!open || !target.closest?.("#warnings-one")) return;
    dirty = true;
    if (target.id !== "write-points") return;
    clearTimeout(resting);
    resting = setTimeout(typed, 300);
  });
  document.addEventListener("change", ({ target }) => {
    if (!open || !target.closest?.("#warnings-one")) return;
    dirty = true;
    if (target.name === "write-level") raise();
    if (target.name === "write-status") haidang.warnings.frame({ status: target.value, simulated: simulated() });
    if (["write-hazard", "write-expires", "write-onset"].includes(target.id) || target.name === "write-status") asking(true);
  });
  document.addEventListener("keydown", (event) => {
    if (!open || event.altKey) return;
    const typing = event.target.closest("input:not([type=radio]),textarea,select"), command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "s") save();
    else if (event.key === "Escape") { if (drawn().drawing()) drawn().finish(); else if (typing) typing.blur(); else leave(); }
    else if (typing || command) return;
    else if (event.key === "Enter" && drawn().drawing() && !event.target.closest("button,summary,a")) drawn().finish();
    else if (event.key === "Backspace" && drawn().drawing()) drawn().back();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the list's own keys begin where the form's end
  }, true);
  window.addEventListener("beforeunload", (event) => { if (dirty && open) event.preventDefault(); });
})();
