// What is done about a field report, out of the machine's own data: its words, its clocks, its log, and one form for every deed.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const ANSWER_MS = 30000, READ_MS = 12000, FOUND_MOST = 8, MINUTE = 60, HOUR = 3600, DAY = 86400, FAR_DAYS = 3, BYTES_MOST = 8 << 20, PIXELS_MOST = 25e6, SIDE_MOST = 2560;
  const KEYS = { verify: "v", assign: "a", transfer: "h", start: "s", return: "b", reply: "r", send_back: "w", publish: "p", close: "c", reject: "x", reopen: "o", merge: "g", unmerge: "u", extend: "e", track: "t", place: "l", note: "n", photo: "f" };
  let told = null;

  const t = (...given) => haidang.t(...given);
  const english = () => document.documentElement.lang === "en";
  const pick = (one, fallback) => (one ? (english() ? one.en || one.vi : one.vi || one.en) : fallback || "");
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
    return made;
  };
  const fold = (text) => text.normalize("NFD").replace(/[̀-ͯ]/g, "").replace(/[đĐ]/g, "d").toLowerCase().trim();

  // ---- asking the server ---------------------------------------------------------------------------------------------------
  const ask = async (path, options = {}, ms = READ_MS) => {
    const given = new AbortController(), late = setTimeout(() => given.abort(), ms);
    try {
      const answer = await fetch(path, { ...options, signal: given.signal });
      return { status: answer.status, ok: answer.ok, told: await answer.json().catch(() => null) };
    } catch { return { status: 0, ok: false, told: null }; } finally { clearTimeout(late); }
  };
  const read = async (path) => { const answer = await ask(path); return answer.ok ? answer.told : null; };
  const post = (path, body) => ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }, ANSWER_MS);
  const fault = (answer) => { // in this language, what was wrong
    const detail = answer.told?.detail, first = Array.isArray(detail) ? detail[0] : null;
    if (answer.status === 0) return t("Máy chủ không trả lời");
    if (answer.status === 413) return t("Ảnh lớn hơn 8 MB");
    return first ? (english() ? first.msg : first.vi || first.msg) : detail || String(answer.status);
  };
  const load = async () => {
    if (told) return told;
    const [words, units] = await Promise.all([read("/api/v1/reports/words"), read("/api/v1/units")]);
    if (words && units) told = { ...words, units: units.map((one) => ({ key: one.key, vi: one.name_vi, en: one.name_en, fold: fold(`${one.name_vi} ${one.name_en} ${one.key}`) })) };
    return told;
  };
  const named = (list, key) => pick(told?.[list]?.[key], key);
  const unitName = (key) => pick(told?.units.find((one) => one.key === key), key);

  // ---- words of time ---------------------------------------------------------------------------------------------------------
  const clock = (ms) => {
    const [time, day] = haidang.exact(ms).split(" "), today = haidang.exact(haidang.now()).split(" ")[1];
    return day === today ? time.slice(0, 5) : `${time.slice(0, 5)} ${day.slice(0, 5)}`;
  };
  const stamp = (text) => { const ms = Date.parse(text); return element("time", { datetime: text, title: haidang.exact(ms) }, clock(ms)); };
  const span = (ms) => {
    const whole = Math.max(0, Math.floor(ms / 1000)), days = Math.floor(whole / DAY), hours = Math.floor((whole % DAY) / HOUR);
    return days && days < FAR_DAYS && hours ? t("{d} ngày {h} giờ", { d: days, h: hours }) : haidang.age(whole);
  };
  // A term that ends at midnight ends with the day before: so it is said, 24:00.
  const dueWords = (text) => {
    const ms = Date.parse(text), [time, day] = haidang.exact(ms).split(" ");
    if (!time.startsWith("00:00")) return `${time.slice(0, 5)} ${day}`;
    return `24:00 ${haidang.exact(ms - MINUTE * 1000).split(" ")[1]}`;
  };
  const running = (row) => Boolean(told?.deeds.extend.before.includes(row.status));
  const lateness = (row) => {
    if (!running(row)) return row.late === 2 ? "was-late" : "";
    const now = haidang.now();
    return now >= Date.parse(row.due_at) ? "over" : now >= Date.parse(row.warn_at) ? "soon" : "";
  };
  // The mark before it says the same as its colour.
  const lateWords = (row) => {
    if (!running(row)) return row.late === 2 ? t("trả lời trễ hạn") : row.replied_at ? t("trả lời đúng hạn") : "";
    const left = Date.parse(row.due_at) - haidang.now(), at = lateness(row);
    if (at === "over") return `‼ ${t("QUÁ HẠN {span}", { span: span(-left) })}`;
    return at === "soon" ? `! ${t("sắp hết hạn, còn {span}", { span: span(left) })}` : t("còn {span}", { span: span(left) });
  };
  const due = (row) => {
    if (!row.due_at) return "";
    const made = element("span", { class: `report-due ${lateness(row)}`, title: dueWords(row.due_at) }, lateWords(row));
    made.row = row;
    return made;
  };
  window.addEventListener("haidang:second", () => {
    for (const each of document.querySelectorAll(".report-due")) {
      if (!each.row) continue;
      const words = lateWords(each.row), at = `report-due ${lateness(each.row)}`;
      if (each.textContent !== words) each.textContent = words;
      if (each.className !== at) each.className = at;
    }
  });

  // ---- what is shown of a report ----------------------------------------------------------------------------------------------
  const state = (row) => element("span", { class: `report-state ${row.status}` }, named("statuses", row.status));
  // Where `judged`, each can be kept from the public board: who is in it may not have been asked.
  const photos = (row, part, judged) => {
    const some = (row.photos || []).filter((one) => one.part === part);
    if (!some.length) return "";
    const title = part === "result" ? t("Ảnh kết quả") : t("Ảnh người dân gửi");
    return element("div", { class: "report-photos" }, element("h3", {}, title), element("div", {}, some.map((one, n) => {
      const source = `/api/v1/report-photos/${one.name}`, kept = Boolean(one.withheld_at);
      return element("figure", { class: kept ? "withheld" : null }, element("a", { href: source, target: "_blank", rel: "noopener" }, element("img", { src: source, alt: `${title} ${n + 1}`, width: one.width, height: one.height, loading: "lazy" })),
        judged ? element("button", { id: `photo-${one.name.slice(0, 12)}`, class: "action", "data-report-withhold": one.name, "aria-pressed": String(kept) }, kept ? t("Đang giấu khỏi trang công khai · hiện lại") : t("Không đưa lên trang công khai")) : "");
    })));
  };
  const DEED = {
    verify: () => t("Xác minh"), assign: () => t("Giao đơn vị"), transfer: () => t("Chuyển đơn vị khác"), start: () => t("Bắt đầu xử lý"),
    return: () => t("Trả lại"), reply: () => t("Trả lời"), send_back: () => t("Yêu cầu làm lại"), publish: () => t("Công khai"), close: () => t("Đóng"),
    reject: () => t("Không tiếp nhận"), reopen: () => t("Mở lại"), merge: () => t("Gộp trùng"), unmerge: () => t("Tách ra"), extend: () => t("Gia hạn"),
    track: () => t("Đổi luồng"), place: () => t("Sửa vị trí"), note: () => t("Ghi chú"), receive: () => t("Tiếp nhận"), photo: () => t("Thêm ảnh"),
    warn: () => t("Sắp quá hạn"), overdue: () => t("Quá hạn"), rate: () => t("Người dân đánh giá"), withhold: () => t("Trang công khai"),
  };
  const deedName = (deed) => (DEED[deed] ? DEED[deed]() : deed);
  const detail = (line) => {
    const data = line.data || {}, some = [];
    if (line.unit) some.push(unitName(line.unit));
    if (data.choice) some.push(named("rejections", data.choice));
    if (data.into) some.push(t("vào {id}", { id: data.into }));
    if (data.track) some.push(named("tracks", data.track));
    if (data.due) some.push(t("hạn {at}", { at: dueWords(data.due) }));
    if (data.score) some.push(`${data.score}/5`);
    if (data.channel) some.push(named("channels", data.channel));
    if (data.seen_at) some.push(t("thấy lúc {at}", { at: clock(Date.parse(data.seen_at)) }));
    if (data.withheld !== undefined) some.push(data.withheld ? t("giấu một ảnh") : t("hiện lại một ảnh"));
    if (data.away_m !== undefined) some.push(t("ảnh chụp cách vị trí {n} m", { n: haidang.number(data.away_m) }));
    return some.join(" · ");
  };
  const who = (name) => ({ "hệ thống": t("hệ thống"), "người phản ánh": t("người phản ánh") })[name] || name;
  const log = (row) => element("div", { class: "case-log" }, element("h3", {}, t("Nhật ký")), element("ul", {}, [...row.log].reverse().map((line) => element("li", {},
    element("div", { class: "log-head" }, element("b", {}, deedName(line.deed)), stamp(line.at)),
    element("div", { class: "muted" }, [who(line.actor), detail(line)].filter(Boolean).join(" · ")), line.reason ? element("div", { class: "report-text" }, line.reason) : ""))));
  const replies = (row) => (row.replies.length ? element("div", { class: "report-replies" }, element("h3", {}, t("Trả lời")), row.replies.map((one) => element("blockquote", {}, element("p", { class: "report-text" }, one.words), element("footer", {}, [one.unit ? unitName(one.unit) : "", one.actor].filter(Boolean).join(" · "), " · ", stamp(one.at))))) : "");

  // ---- one form for every deed --------------------------------------------------------------------------------------------------
  const possible = (row) => Object.keys(told.deeds).filter((deed) => told.deeds[deed].before.includes(row.status));
  const label = (title, field) => element("label", {}, element("span", {}, title), field);
  const options = (pairs, chosen, none) => [none === undefined ? "" : element("option", { value: "" }, none), ...pairs.map(([key, words]) => element("option", { value: key, selected: key === chosen }, words))];
  // Of 226 units one is found by letters of its name, with or without accents; arrows choose among what is found.
  const unitField = (hint, first) => {
    const box = element("input", { type: "search", id: "deed-unit-text", autocomplete: "off", placeholder: t("Gõ tên đơn vị"), "aria-label": t("Tìm đơn vị") });
    const list = element("select", { id: "deed-unit", class: "picked", size: 5, "aria-label": t("Đơn vị") });
    const fill = () => {
      const asked = fold(box.value).split(/\s+/).filter(Boolean), near = fold(hint || "");
      const found = told.units.filter((one) => one.key !== first && asked.every((word) => one.fold.includes(word)));
      found.sort((a, b) => Number(Boolean(near) && b.fold.includes(near)) - Number(Boolean(near) && a.fold.includes(near)));
      list.replaceChildren(...found.slice(0, asked.length ? FOUND_MOST * 3 : 300).map((one, n) => element("option", { value: one.key, selected: n === 0 && (asked.length > 0 || (Boolean(near) && one.fold.includes(near))) }, pick(one))));
    };
    box.addEventListener("input", fill);
    box.addEventListener("keydown", (event) => { if (event.key === "ArrowDown") { event.preventDefault(); list.focus(); if (list.selectedIndex < 0) list.selectedIndex = 0; } });
    fill();
    return element("div", { class: "report-unit" }, label(t("Đơn vị"), box), list);
  };
  const fileField = (title) => label(`${title} (${t("JPEG, PNG, WebP; mỗi ảnh tới 8 MB")})`, element("input", { type: "file", id: "deed-photos", accept: "image/jpeg,image/png,image/webp", multiple: true }));
  const fields = (row, deed, more) => {
    const made = [], terms = more.terms;
    if (deed === "photo") return [fileField(t("Ảnh người dân gửi"))]; // no deed of the machine: it changes no status
    for (const need of told.deeds[deed].needs) {
      if (need === "unit") made.push(unitField(named("communes", row.commune), deed === "transfer" ? row.unit : null));
      else if (need === "choice") made.push(label(t("Lý do"), element("select", { id: "deed-choice", class: "picked" }, options(Object.keys(told.rejections).map((key) => [key, named("rejections", key)]), null, t("Chọn lý do")))));
      else if (need === "words") made.push(label(t("Nội dung trả lời người dân"), element("textarea", { id: "deed-words", rows: 4, maxlength: 4000 })), fileField(t("Ảnh kết quả")));
      else if (need === "track") made.push(label(t("Luồng xử lý"), element("select", { id: "deed-track", class: "picked" }, options(Object.keys(told.tracks).filter((key) => key !== row.track).map((key) => [key, `${named("tracks", key)}${terms ? ` · ${t("hạn {at}", { at: dueWords(terms.tracks[key]) })}` : ""}`])))));
      else if (need === "due") made.push(label(t("Hạn mới"), element("select", { id: "deed-due", class: "picked" }, options(Object.entries(terms?.more || {}).map(([days, at]) => [at, `${t("thêm {n} ngày làm việc", { n: days })} · ${dueWords(at)}`])))));
      else if (need === "into") made.push(label(t("Gộp vào phản ánh số"), element("input", { type: "text", id: "deed-into", autocomplete: "off", maxlength: 20, value: more.into || "" })));
      else if (need === "place") made.push(label(t("Vị trí: vĩ độ, kinh độ"), element("input", { type: "text", id: "deed-place", autocomplete: "off", maxlength: 60, placeholder: "16.4637, 107.5905" })));
      else if (need === "reason") made.push(label(deed === "note" ? t("Ghi chú") : t("Vì sao"), element("textarea", { id: "deed-reason", rows: 2, maxlength: 1000 })));
    }
    if (told.deeds[deed].needs.includes("choice")) made.push(label(t("Nói thêm"), element("textarea", { id: "deed-reason", rows: 2, maxlength: 1000 })));
    if (deed === "assign" && terms) {
      const left = row.track === "timed" && terms.left_wd ? t("còn {n} ngày làm việc", { n: haidang.number(terms.left_wd) }) : lateWords(row);
      made.push(element("p", { class: "note" }, [t("Hạn {at}", { at: dueWords(terms.due_at) }), left, named("tracks", row.track)].join(" · ")));
    }
    if (["assign", "extend", "track"].includes(deed) && terms?.lacks.length) made.push(element("p", { class: "note bad" }, t("Lịch chưa có ngày nghỉ của năm {years}: hạn có thể sớm hơn thật.", { years: terms.lacks.join(", ") })));
    return made;
  };
  const value = (form, name) => form.querySelector(`#deed-${name}`)?.value.trim() || null;
  const place = (text) => { // 16.4637, 107.5905 or 16,4637 107,5905
    const found = /^\s*(-?\d{1,2}[.,]\d+)\s*[,; ]\s*(-?\d{1,3}[.,]\d+)\s*$/.exec(text || "");
    return found ? { lat: Number(found[1].replace(",", ".")), lon: Number(found[2].replace(",", ".")) } : null;
  };
  const body = (form, deed) => {
    if (deed === "photo") return {};
    const needs = told.deeds[deed].needs, said = {};
    for (const name of ["unit", "choice", "words", "track", "due", "into"]) if (needs.includes(name)) said[name] = value(form, name);
    if (said.into) said.into = said.into.toUpperCase();
    said.reason = value(form, "reason");
    if (needs.includes("place")) Object.assign(said, place(value(form, "place")) || {});
    return said;
  };
  const form = (row, deed, more = {}) => element("form", { class: "report-form", "data-report-form": deed, "aria-label": deedName(deed) }, element("h3", {}, deedName(deed)), fields(row, deed, more),
    element("div", { class: "event-deeds" }, element("button", { type: "submit", class: "primary" }, deedName(deed), element("kbd", {}, "Ctrl ↵")), element("button", { type: "button", class: "action", "data-report-cancel": "1" }, t("Thôi"), element("kbd", {}, "Esc"))));

  // ---- doing it -----------------------------------------------------------------------------------------------------------------
  // A telephone's camera makes more than the server takes (8 MB, 25 megapixels): such a picture is made smaller here first.
  const fitted = async (file) => {
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture || (file.size <= BYTES_MOST && picture.width * picture.height <= PIXELS_MOST)) return file;
    const part = Math.min(1, SIDE_MOST / Math.max(picture.width, picture.height)), canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * part);
    canvas.height = Math.round(picture.height * part);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return (await new Promise((made) => canvas.toBlob(made, "image/jpeg", 0.88))) || file;
  };
  // Each photograph makes a version of its own: whoever else changed the report meanwhile is found by the count.
  // {ok, told, sent}: the report after it, where it could be read, and which files it has by now.
  const attach = async (row, files, part, actor) => {
    const sent = [];
    let failed = null;
    for (const file of files) {
      const fit = await fitted(file);
      const path = `/api/v1/report-photos?${new URLSearchParams({ report: row.id, part, actor })}`;
      const answer = await ask(path, { method: "POST", headers: { "content-type": fit.type || "application/octet-stream" }, body: fit }, 4 * ANSWER_MS);
      if (!answer.ok) { failed = { ...answer, file: file.name }; break; }
      sent.push(file);
    }
    if (failed && !sent.length) return { ...failed, told: null, words: fault(failed), sent };
    const after = await ask(`/api/v1/reports/${row.id}`), told = after.ok ? after.told : null;
    if (failed) return { ...failed, told, words: fault(failed), sent };
    if (told && told.version !== row.version + files.length) return { ok: false, status: 409, told, sent };
    return { ...after, told, words: fault(after), sent };
  };
  // Takes files that were sent out of a form, so that its next try does not send them again.
  const drop = (place, sent) => {
    const box = place?.querySelector("#deed-photos");
    if (!box || !sent?.length) return;
    const rest = new DataTransfer();
    for (const file of box.files) if (!sent.includes(file)) rest.items.add(file);
    box.files = rest.files;
  };
  // {ok, row, words, sent}: what it became, where it changed; what is to be said; files that were sent. Of a reply the photographs go first.
  const act = async (row, deed, said, actor, files = []) => {
    let seen = row, sent = [];
    if (deed === "photo" && !files.length) return { ok: false, words: `${t("CHƯA làm")}: ${t("Chọn ảnh")}` };
    if (files.length && deed !== "photo" && !said.words) return { ok: false, words: `${t("CHƯA làm")}: ${t("Hãy ghi nội dung trả lời")}` };
    if (files.length) {
      const answer = await attach(row, files, deed === "photo" ? "report" : "result", actor);
      sent = answer.sent;
      if (!answer.ok) return { ok: false, row: answer.told, sent, conflict: answer.status === 409, words: `${t("CHƯA làm")}: ${answer.file ? `${answer.file}: ` : ""}${answer.status === 409 ? t("người khác vừa sửa phản ánh này") : answer.words}` };
      seen = answer.told;
      if (deed === "photo") return { ok: true, row: seen, words: t("Đã ghi: {words}.", { words: deedName(deed) }) };
    }
    const answer = await post(`/api/v1/reports/${row.id}/${deed}`, { actor, version: seen.version, ...said });
    if (answer.ok) return { ok: true, row: answer.told, words: t("Đã ghi: {words}.", { words: deedName(deed) }) };
    if (answer.status === 0) { // the answer is lost, perhaps not the deed
      const after = await read(`/api/v1/reports/${row.id}`), line = after?.log.at(-1);
      if (after?.version === seen.version + 1 && line.deed === deed && line.actor === actor) return { ok: true, row: after, words: t("Đã ghi: {words}.", { words: deedName(deed) }) };
      return { ok: false, row: after || (sent.length ? seen : null), sent, words: `${t("CHƯA làm")}: ${fault(answer)}` };
    }
    const conflict = answer.status === 409;
    return { ok: false, row: sent.length ? seen : null, sent, conflict, words: conflict ? t("CHƯA ghi: người khác vừa xử lý phản ánh này, xem bản mới.") : `${t("CHƯA làm")}: ${fault(answer)}` };
  };

  haidang.report = { KEYS, element, fold, ask, read, post, fault, load, named, unitName, pick, stamp, span, dueWords, due, lateWords, state, photos, deedName, log, replies, possible, form, body, place, act, attach, drop, label, options, words: () => told };
})();
