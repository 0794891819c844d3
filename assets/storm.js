// A storm's call list: the boats by how near the danger is, who was called and answered, and a call in two keystrokes.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const PICKS = ["group", "commune", "state"], READ_MS = 8000, HOUR_MS = 3600e3, DAY_MS = 24 * HOUR_MS;
  const ANSWER_MS = 12000, TWICE_MS = 700, SURE_MS = 5000; // a double-click is no second thought
  let told = null, filter = {}, number = 0, order = [], shown = [], current = null, open = null, who = "owner", touched = 0, busy = false, newest = null, sure = null, told_of = null, told_on = null;
  const mine = new Map(); // the last call about each boat that was logged at this screen

  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  };
  const plate = (text) => text.normalize("NFC").toUpperCase().replace(/[^0-9A-ZĐ]/g, "");
  const fold = (text) => text.normalize("NFD").replace(/[̀-ͯ]/g, "").replace(/[đĐ]/g, "d").toLowerCase().trim();

  // ---- words of time --------------------------------------------------------------------------------------------------------
  const clock = (ms) => { // 14:20, with the day when it is another one
    const [time, day] = haidang.exact(ms).split(" "), today = haidang.exact(haidang.now()).split(" ")[1];
    return day === today ? time.slice(0, 5) : `${time.slice(0, 5)} ${day.slice(0, 5)}`;
  };
  const stamp = (ms, words) => element("time", { datetime: new Date(ms).toISOString(), title: haidang.exact(ms) }, words);
  const ago = (ms) => element("time", { class: "age tick", datetime: new Date(ms).toISOString(), title: haidang.exact(ms) }, haidang.age((haidang.now() - ms) / 1000));
  const left = (ms) => haidang.age(Math.max(0, ms - haidang.now()) / 1000);
  const km = (value) => `${haidang.number(value)} km`;

  // ---- the storm itself -----------------------------------------------------------------------------------------------------
  const heading = () => {
    const choice = $("storm-choice"), print = JSON.stringify(told.storms);
    if (choice.print !== print) {
      choice.print = print;
      choice.replaceChildren(...told.storms.map(([id, words]) => element("option", { value: id }, words)));
    }
    choice.hidden = !told.storms.length;
    const storm = told.storm;
    if (storm) choice.value = String(storm.id);
    $("storm-csv").hidden = !storm;
    $("storm-close").hidden = !storm || Boolean(storm.closed);
    $("storm-filters").hidden = !storm;
    $("storm-progress").hidden = !told.progress;
    $("storm-again").hidden = !storm?.closed;
    if (!storm) { $("storm-bulletin").replaceChildren(); return; }
    $("storm-csv").setAttribute("href", `/api/v1/storms/${storm.id}/boats.csv`);
    const lang = document.documentElement.lang === "en" ? "&lang=en" : "";
    $("storm-map").setAttribute("href", storm.lat === null ? `/?zoom=6${lang}` : `/?lat=${storm.lat}&lon=${storm.lon}&zoom=6${lang}`);
    const badge = storm.simulated ? element("span", { class: "badge" }, t("MÔ PHỎNG")) : null;
    const here = [storm.wind, storm.place ? t("tâm {place}", { place: storm.place }) : "", storm.radii ? t("bán kính gió {radii}", { radii: storm.radii }) : ""].filter(Boolean).join(" · ");
    const source = element("p", { class: "storm-source" }, t("Bản tin {n}: {source}, phát lúc {at}", { n: storm.version, source: storm.source, at: clock(storm.issued) }), ` · ${t("cách đây")} `, ago(storm.issued));
    const state = storm.closed
      ? t("Đã đóng lúc {at}, {who}{note}", { at: clock(storm.closed), who: storm.closed_by, note: storm.closed_note ? `: ${storm.closed_note}` : "" })
      : storm.fresh === "over" ? t("Bản tin đã hết hạn lúc {at}: không còn biết bão ở đâu. Nhập bản tin mới.", { at: clock(storm.until) })
        : storm.fresh === "due" ? t("Đã tới giờ có bản tin mới ({at}); bảng này vẫn tính theo bản tin cũ.", { at: clock(storm.due) }) : "";
    const again = storm.reopened ? element("p", { class: "note" }, t("Mở lại lúc {at}, {who}: {note}", { at: clock(storm.reopened[0]), who: storm.reopened[1], note: storm.reopened[2] })) : "";
    const note = element("p", { class: "note" }, t("Đường đi của tàu là ước tính: giữ nguyên hướng và tốc độ của tín hiệu cuối; tàu chậm hoặc tín hiệu cũ coi như đứng yên."), storm.unplaced ? ` ${t("{n} tàu trong sổ đăng ký chưa có vị trí nào nên không có ở đây.", { n: haidang.number(storm.unplaced) })}` : "");
    $("storm-bulletin").replaceChildren(
      element("div", { class: "storm-title" }, element("h2", {}, storm.title), badge, element("p", {}, here || t("Lúc này bản tin không cho biết vị trí."))),
      source, state ? element("p", { class: `storm-state ${storm.closed ? "closed" : storm.fresh}`, role: "status" }, state) : "", again, storm.closed ? "" : note,
    );
  };
  const progress = () => {
    const place = $("storm-progress"), p = told.progress;
    if (!p) { place.replaceChildren(); return; }
    const share = (n) => (p.boats ? (100 * n) / p.boats : 0), staying = p.staying;
    const parts = [["answered", p.answered - staying], ["staying", staying], ["unreached", p.unreached], ["left", p.to_call]];
    const bar = element("div", { class: "storm-bar", role: "img", "aria-label": t("{a} trên {n} tàu đã nghe máy", { a: p.answered, n: p.boats }) },
      parts.map(([name, n]) => { const part = element("span", { class: name }); part.style.width = `${share(n)}%`; return part; }));
    const figure = (name, n, words, at) => element("span", { class: `storm-figure ${name}` }, element("b", {}, haidang.number(n)), ` ${words}`, at ? [" · ", stamp(at, clock(at))] : []);
    place.replaceChildren(bar, element("p", { class: "storm-figures" },
      figure("all", p.boats, t("tàu phải gọi")),
      figure("called", p.called, t("đã gọi"), p.called_at),
      figure("answered", p.answered, t("đã nghe máy"), p.answered_at),
      staying ? figure("staying", staying, t("nghe máy mà chưa đi")) : "",
      figure("unreached", p.unreached, t("gọi chưa gặp")),
      figure("left", p.to_call, t("chưa gọi"))));
  };

  // ---- the list -----------------------------------------------------------------------------------------------------------------
  const state = (row) => (row.ans ? "answered" : row.calls ? "unreached" : "to_call");
  const value = (row, pick) => (pick === "state" ? state(row) : pick === "commune" ? row.com : row.group);
  const sift = () => {
    const counts = Object.fromEntries(PICKS.map((pick) => [pick, new Map()])), found = [];
    const plain = plate(filter.q || ""), name = fold(filter.q || "");
    for (const row of told.rows) {
      if (name && !((plain && row.plate.includes(plain)) || row.fold.includes(name))) continue;
      const fails = PICKS.filter((pick) => filter[pick] && value(row, pick) !== filter[pick]);
      if (fails.length > 1) continue;
      for (const pick of fails.length ? fails : PICKS) { const own = value(row, pick); if (own) counts[pick].set(own, (counts[pick].get(own) || 0) + 1); }
      if (!fails.length) found.push(row);
    }
    return { found, counts };
  };
  const STATES = () => [["to_call", t("Chưa gọi")], ["unreached", t("Gọi chưa gặp")], ["answered", t("Đã nghe máy")]];
  const picks = (counts) => {
    for (const select of document.querySelectorAll("[data-storm-pick]")) {
      const pick = select.dataset.stormPick, own = counts[pick], chosen = filter[pick] || "";
      const named = { group: told.groups, state: STATES() }[pick] || [...own.keys()].sort((a, b) => a.localeCompare(b, "vi")).map((key) => [key, key]);
      const options = [["", select.dataset.every], ...named.filter(([key]) => own.get(key) || key === chosen).map(([key, words]) => [key, `${words} (${haidang.number(own.get(key) || 0)})`])];
      if (chosen && !options.some(([key]) => key === chosen)) options.push([chosen, chosen]);
      const print = JSON.stringify([options, chosen]);
      if (select.print === print || document.activeElement === select) continue;
      select.print = print;
      select.replaceChildren(...options.map(([key, words]) => element("option", { value: key }, words)));
      select.value = chosen;
      select.classList.toggle("chosen", Boolean(chosen));
    }
    $("storm-all").hidden = !filtered();
  };
  const filtered = () => Boolean(filter.q || PICKS.some((pick) => filter[pick]));
  const danger = (row) => {
    const level = row.worst ? t("cấp {n}", { n: row.worst }) : "";
    if (row.group === "inside") return [element("strong", {}, t("Trong vùng, gió cấp {n}", { n: row.now })), row.worst > row.now ? ` ${t("rồi cấp {n}", { n: row.worst })}` : ""];
    if (row.group === "coming") return [element("strong", {}, t("Vào vùng nguy hiểm lúc {at}", { at: clock(row.enters) })), element("span", { class: "muted" }, ` ${t("còn {span}", { span: left(row.enters) })}, ${level}`)];
    if (row.group === "old") return [element("strong", {}, t("Vị trí cũ")), element("span", { class: "muted" }, (row.edge ?? 0) > 0 ? ` ${t("cách vùng {km}", { km: km(row.edge) })}` : ` ${t("chỗ cũ nằm trong vùng")}`)];
    if (row.group === "staying") return [t("Ra xa nếu giữ hướng")];
    if (row.group === "port") return [row.now ? t("Ở cảng, gió cấp {n}", { n: row.now }) : t("Ở cảng, bão tới lúc {at}", { at: row.enters ? clock(row.enters) : "?" })];
    if (row.group === "unplaced") return [element("strong", {}, t("Chưa biết: không có vị trí"))];
    if (row.group === "unknown") return [element("strong", {}, t("Chưa biết: bản tin đã hết hạn"))];
    if (row.group === "closed") return [element("span", { class: "muted" }, t("bão đã đóng"))];
    return [t("Không còn trong vùng")];
  };
  const lastCall = (row) => {
    if (!row.last) return [element("span", { class: "muted" }, t("chưa gọi"))];
    const reached = told.answered.includes(row.last.outcome), before = reached || !row.answer ? "" : new Map(told.outcomes).get(row.answer);
    return [element("span", { class: `outcome ${reached ? row.last.outcome : "unreached"}` }, row.last.words), element("span", { class: "muted" }, ` ${clock(row.last.at)} · ${row.last.by}`), before ? element("div", {}, element("span", { class: "muted" }, `${t("trước đó")} `), element("span", { class: `outcome ${row.answer}` }, before)) : ""];
  };
  const owner = (row) => { const [first] = row.people || []; return first ? [element("span", {}, first[1] || first[0]), element("span", { class: "muted" }, first[2])] : [element("span", { class: "muted" }, t("không có trong sổ"))]; };
  const line = (row) => element("tr", { id: `storm-${row.reg}`, "data-storm-boat": row.reg, tabindex: -1, class: `group-${row.group}` },
    element("td", { class: "boat" }, element("strong", {}, row.reg), element("span", { class: "muted" }, row.name && plate(row.name) !== row.plate ? row.name : "", row.sim ? element("span", { class: "badge small" }, t("mô phỏng")) : "")),
    element("td", { class: "owner" }, owner(row)),
    element("td", {}, row.com || row.prov || ""),
    element("td", { class: "danger" }, danger(row)),
    element("td", { class: "n" }, row.dist === undefined ? "–" : km(row.dist)),
    element("td", { class: "fix" }, row.fix ? ago(row.fix) : "–", element("span", { class: "muted" }, ` ${row.by || ""}`)),
    element("td", { class: "call" }, lastCall(row)));
  const reading = () => Date.now() - touched < READ_MS && ($("storm-list").matches(":hover") || $("storm-list").contains(document.activeElement) || open);
  const draw = () => {
    const place = $("storm-list");
    if (!place || !told) return;
    heading();
    progress();
    const said = $("storm-said");
    if (!told.storm) {
      said.textContent = "";
      place.replaceChildren(element("p", { class: "empty" }, told.storms.length ? t("Không có cơn bão này.") : t("Chưa có bản tin bão nào. Bấm “Nhập bản tin” để gõ hoặc chọn tệp.")));
      panel();
      return;
    }
    const { found, counts } = sift(), place_of = new Map(order.map((key, n) => [key, n])), groups = told.groups.map(([key]) => key);
    // While somebody reads the list its rows stay where they are within their group; what came in stands below them.
    const rank = (row, n) => (reading() ? place_of.get(row.reg) ?? 1e6 + n : n);
    const ranked = found.map((row, n) => [groups.indexOf(row.group), rank(row, n), row]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    shown = ranked.map(([, , row]) => row);
    if (!filtered()) order = shown.map((row) => row.reg);
    const held = document.activeElement?.dataset?.stormBoat;
    const heads = [t("Tàu"), t("Chủ tàu"), t("Xã, phường"), t("Nguy hiểm"), t("Cách tâm bão"), t("Vị trí lúc"), t("Cuộc gọi cuối")];
    const bodies = told.groups.map(([group, words]) => {
      const rows = shown.filter((row) => row.group === group);
      if (!rows.length) return null;
      const apart = told.called.includes(group) || !told.progress ? "" : ` ${t("(không tính vào số phải gọi)")}`;
      return element("tbody", {}, element("tr", { class: `storm-group group-${group}` }, element("th", { colspan: heads.length, scope: "rowgroup" }, `${words}: ${haidang.number(rows.length)}`, element("span", { class: "muted" }, apart))), rows.map(line));
    }).filter(Boolean);
    const none = told.storm.closed ? t("Cơn bão đã đóng: không còn gọi tàu.") : filtered() ? t("Không tàu nào khớp với bộ lọc.") : told.storm.fresh === "over" ? "" : t("Không tàu nào trong sổ đăng ký ở trong hay sắp vào vùng nguy hiểm.");
    said.textContent = shown.length ? "" : none;
    place.replaceChildren(bodies.length ? element("table", { class: "counts storm-table" }, element("thead", {}, element("tr", {}, heads.map((words, n) => element("th", { class: n === 4 ? "n" : null }, words)))), bodies) : "");
    if (!shown.some((row) => row.reg === current)) current = open && shown.some((row) => row.reg === open) ? open : shown[0]?.reg ?? null;
    point();
    if (held && $(`storm-${held}`)) $(`storm-${held}`).focus({ preventScroll: true });
    picks(counts);
    panel();
  };
  const point = () => {
    for (const each of document.querySelectorAll("[data-storm-boat]")) {
      each.tabIndex = each.dataset.stormBoat === current ? 0 : -1;
      if (each.dataset.stormBoat === open) each.setAttribute("aria-current", "true"); else each.removeAttribute("aria-current");
    }
  };

  // ---- one boat and its calls ---------------------------------------------------------------------------------------------------
  const chosen = () => told?.rows.find((row) => row.reg === open) || null;
  const panel = () => {
    const row = chosen(), place = $("storm-boat"), print = row ? JSON.stringify([row, who, told.storm.closed]) : "";
    if (row) $("storm-screen").dataset.open = "1"; else delete $("storm-screen").dataset.open;
    if (place.print === print) return;
    place.print = print;
    if (!row) { place.replaceChildren(); return; }
    const inside = place.contains(document.activeElement) ? document.activeElement.id : null, typed = $("storm-note")?.value || "", same = place.of === row.reg;
    place.of = row.reg;
    const about = [[t("Nguy hiểm"), danger(row)], [t("Gần tâm bão nhất"), row.near === undefined ? "" : km(row.near)], [t("Vị trí"), row.at ? [`${row.at} · ${row.by} `, ago(row.fix)] : ""], [t("Tốc độ, hướng"), row.move], [t("Chiều dài"), `${row.len} m`], [t("Xã, phường"), [row.com, row.prov].filter(Boolean).join(", ")]];
    const facts = element("dl", { class: "facts" }, about.filter(([, words]) => words && words.length).map(([name, words]) => [element("dt", {}, name), element("dd", {}, words)]));
    const people = element("ul", { class: "storm-people" }, (row.people || []).map(([part, name, phone]) => element("li", {}, element("span", { class: "muted" }, part), ` ${name} `, element("b", {}, phone))));
    const doing = told.storm.closed ? element("p", { class: "note" }, t("Cơn bão đã đóng: không ghi thêm cuộc gọi.")) : element("div", { class: "storm-doing" },
      element("label", {}, element("span", {}, t("Gọi ai")), element("select", { id: "storm-who", class: "picked" }, told.who.map(([key, words]) => element("option", { value: key, selected: key === who }, words)))),
      element("label", {}, element("span", {}, t("Ghi chú (nếu có)")), element("input", { id: "storm-note", type: "text", maxlength: 300, autocomplete: "off" })),
      element("ol", { class: "storm-outcomes" }, told.outcomes.map(([key, words], n) => element("li", {}, element("button", { id: `storm-do-${key}`, class: "action", "data-storm-outcome": key }, element("kbd", {}, String(n + 1)), words)))));
    const lang = document.documentElement.lang === "en" ? "?lang=en" : "";
    place.replaceChildren(
      element("div", { class: "case-head" }, element("h2", { id: "storm-boat-title", tabindex: -1 }, element("a", { href: `/fisheries/${encodeURIComponent(row.reg)}${lang}` }, row.reg)), element("span", { class: "case-links" }, row.layer ? element("a", { class: "action", href: `/?lat=${row.lat}&lon=${row.lon}&zoom=9${lang.replace("?", "&")}` }, t("Bản đồ")) : "", element("button", { id: "storm-boat-close", class: "quiet", "aria-label": t("Đóng") }, "×"))),
      row.name && plate(row.name) !== row.plate ? element("p", { class: "case-about" }, row.name) : "", facts, people, doing,
      element("p", { id: "storm-boat-said", class: "deed-words", role: "status" }, same && told_of === row.reg ? told_words : ""), element("div", { id: "storm-history", class: "case-log" }));
    if (same && typed && $("storm-note")) $("storm-note").value = typed;
    if (inside && $(inside)) $(inside).focus({ preventScroll: true });
    history_of(row);
  };
  let told_words = "";
  const say = (words, bad) => { told_words = words; told_of = open; const box = $("storm-boat-said"); if (box) { box.textContent = words; box.className = `deed-words ${bad ? "bad" : "good"}`; } else haidang.say(words); };
  const history_of = async (row) => {
    if (!row.seen) { $("storm-history").replaceChildren(element("h3", {}, t("Cuộc gọi")), element("p", { class: "note" }, t("Chưa gọi lần nào."))); return; }
    const reg = row.reg;
    try {
      const answer = await fetch(`/api/v1/storms/${told.storm.id}/calls/${encodeURIComponent(reg)}`);
      if (!answer.ok || open !== reg || !$("storm-history")) return;
      const lines = (await answer.json()).reverse(), outcomes = new Map(told.outcomes), named = new Map(told.who);
      newest = lines.find((one) => !one.voided && one.outcome !== "void") || null;
      $("storm-history").replaceChildren(element("h3", {}, t("Cuộc gọi")), element("ul", {}, lines.map((one) => {
        const at = Date.parse(one.at), words = one.outcome === "void" ? t("Hủy một dòng ghi nhầm") : outcomes.get(one.outcome);
        return element("li", { class: one.voided ? "voided" : "log-contact" }, element("div", { class: "log-head" }, element("b", {}, words), stamp(at, clock(at))), element("div", { class: "muted" }, [one.outcome === "void" ? "" : named.get(one.who), one.number, one.actor].filter(Boolean).join(" · ")), one.note ? element("div", {}, one.note) : "");
      })));
    } catch { /* the next reading brings it */ }
  };
  const send = async (path, body) => {
    const given = new AbortController(), late = setTimeout(() => given.abort(), ANSWER_MS);
    try {
      const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal: given.signal });
      const said = await answer.json().catch(() => null), detail = said?.detail;
      const words = Array.isArray(detail) ? (document.documentElement.lang === "en" ? detail[0].msg : detail[0].vi || detail[0].msg) : detail;
      return { status: answer.status, ok: answer.ok, said, words: words || "" };
    } catch { return { status: 0, ok: false, words: t("Máy chủ không trả lời: CHƯA làm được.") }; } finally { clearTimeout(late); }
  };
  const actor = () => {
    const name = $("storm-actor")?.value.trim();
    if (!name) { $("storm-actor").focus(); haidang.say(t("Hãy ghi tên cán bộ trực ban")); }
    return name;
  };
  const record = async (outcome) => {
    const row = chosen(), by = row && !told.storm.closed && !busy ? actor() : null;
    if (!by) return;
    busy = true;
    say(t("Đang gửi…"));
    const note = $("storm-note")?.value.trim() || null, reg = row.reg, storm = told.storm.id;
    const answer = await send(`/api/v1/storms/${storm}/calls`, { actor: by, registration: reg, who, outcome, note, seen: row.seen || 0 });
    busy = false;
    if (answer.ok) { // the next call about it is not told that somebody called since
      mine.set(`${storm} ${reg}`, answer.said.id);
      const now = told.storm?.id === storm ? told.rows.find((one) => one.reg === reg) : null;
      if (now) now.seen = Math.max(now.seen || 0, answer.said.id);
    }
    if (open !== reg) { haidang.say(answer.ok ? t("Đã ghi cuộc gọi {reg}.", { reg }) : `${t("CHƯA làm")}: ${reg}`); ask(true); return; }
    if (answer.ok) { if ($("storm-note")) $("storm-note").value = ""; say(t("Đã ghi: {words}. Z: hủy dòng này.", { words: new Map(told.outcomes).get(outcome) })); }
    else if (answer.status === 409 && !told.storm.closed) say(t("CHƯA ghi: người khác vừa gọi tàu này. Xem sổ bên dưới rồi ghi lại nếu cần."), true);
    else say(`${t("CHƯA làm")}: ${answer.words}`, true);
    ask(true);
  };
  const take_back = async () => {
    const row = chosen(), key = row && `${told.storm.id} ${row.reg}`, own = mine.get(key), id = own || (newest?.registration === row?.reg ? newest?.id : null);
    const by = row && id && !busy && !told.storm.closed ? actor() : null;
    if (!by) return;
    const now = performance.now();
    if (!own && (sure?.id !== id || now - sure.at > SURE_MS)) { // somebody else's line, or one of before
      sure = { id, at: now };
      say(t("Dòng cuối do {by} ghi: {words}. Bấm Z lần nữa để hủy dòng đó.", { by: newest.actor, words: new Map(told.outcomes).get(newest.outcome) }), true);
      return;
    }
    if (!own && now - sure.at < TWICE_MS) return;
    busy = true;
    const answer = await send(`/api/v1/storms/${told.storm.id}/calls/${id}/void`, { actor: by, note: $("storm-note")?.value.trim() || t("ghi nhầm") });
    busy = false;
    sure = null;
    if (answer.ok || answer.status === 409) mine.delete(key);
    if (answer.ok) say(own ? t("Đã hủy dòng vừa ghi; sổ vẫn giữ cả hai dòng.") : t("Đã hủy dòng cuối; sổ vẫn giữ cả hai dòng.")); else say(`${t("CHƯA làm")}: ${answer.words}`, true);
    ask(true);
  };
  const close_storm = async (button) => {
    const now = performance.now(), storm = told.storm.id;
    if (button.sure?.storm !== storm || now - button.sure.at > SURE_MS) { // pressed once more within some seconds
      button.sure = { storm, at: now };
      button.textContent = t("Bấm lần nữa để đóng");
      setTimeout(() => { if (button.sure?.at === now) { button.sure = null; button.textContent = t("Đóng cơn bão"); } }, SURE_MS);
      return;
    }
    if (now - button.sure.at < TWICE_MS) return;
    const by = actor();
    if (!by) return;
    button.sure = null;
    button.textContent = t("Đóng cơn bão");
    const answer = await send(`/api/v1/storms/${storm}/close`, { actor: by });
    haidang.say(answer.ok ? t("Đã đóng cơn bão.") : answer.words);
    ask(true);
  };
  const reopen = async () => {
    const note = $("storm-reason").value.trim();
    if (!note) { $("storm-reason").focus(); haidang.say(t("Ghi lý do mở lại cơn bão.")); return; }
    const by = actor();
    if (!by) return;
    const answer = await send(`/api/v1/storms/${told.storm.id}/reopen`, { actor: by, note });
    if (answer.ok) haidang.write("storm-reason", "");
    haidang.say(answer.ok ? t("Đã mở lại cơn bão.") : answer.words);
    ask(true);
  };

  // ---- what is asked and read ---------------------------------------------------------------------------------------------------
  const ask = (anew) => { number += 1; dash.set_props("storm-ask", { data: { n: number, storm: filter.storm || "", print: anew ? null : told?.print, anew: Boolean(anew) } }); };
  callbacks.storm_answered = (answer) => {
    if (!answer || !$("storm-list")) return dash.no_update;
    // Asked before another storm was chosen.
    if (filter.storm && answer.storm && answer.storm.id !== Number(filter.storm)) return dash.no_update;
    told = answer;
    told_on = $("storm-screen");
    stay();
    for (const row of told.rows) {
      row.plate = plate(row.reg);
      row.fold = fold([row.name || "", ...(row.people || []).map((one) => one[1])].join(" "));
    }
    draw();
    ask(false); // from now on only what is new is sent
    return dash.no_update;
  };
  const address = () => {
    const p = new URLSearchParams(location.search);
    for (const name of ["storm", "q", ...PICKS, "boat"]) if (filter[name]) p.set(name, filter[name]); else p.delete(name);
    history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
  };
  // Who chose no storm keeps the one that is shown: a call must not go into the list of one that was opened since.
  const stay = () => {
    if (filter.storm || !told?.storm || !told_on?.begun) return;
    filter = { ...filter, storm: String(told.storm.id) };
    address();
  };
  const set = (changes) => {
    filter = Object.fromEntries(Object.entries({ ...filter, ...changes }).filter(([, one]) => one));
    address();
    draw();
  };
  const begin = (reg) => { open = reg; if (reg) current = reg; newest = sure = null; told_words = ""; set({ boat: reg || "" }); point(); };
  const stand = (reg) => {
    if (!reg) return;
    current = reg;
    if (open) begin(reg);
    point();
    const row = $(`storm-${reg}`);
    if (row) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
  };
  const walk = (step) => {
    const at = shown.findIndex((row) => row.reg === current), inside = document.activeElement?.dataset?.stormBoat || open;
    stand(shown[Math.min(Math.max(inside ? at + step : at, 0), shown.length - 1)]?.reg);
  };

  // ---- pressing and typing ------------------------------------------------------------------------------------------------------
  for (const kind of ["pointermove", "pointerdown", "wheel", "keydown"]) document.addEventListener(kind, ({ target }) => { if (target.closest?.("#storm-list, #storm-boat")) touched = Date.now(); }, { passive: true, capture: true });
  document.addEventListener("click", ({ target }) => {
    if (!$("storm-list")) return;
    const button = target.closest("button"), row = target.closest("[data-storm-boat]");
    if (row) { begin(row.dataset.stormBoat); row.focus?.({ preventScroll: true }); }
    else if (!button) return;
    else if (button.dataset.stormOutcome) record(button.dataset.stormOutcome);
    else if (button.id === "storm-boat-close") { const back = open; begin(null); stand(back); }
    else if (button.id === "storm-close") close_storm(button);
    else if (button.id === "storm-reopen") reopen();
    else if (button.id === "storm-all") { haidang.write("storm-search", ""); set({ q: "", group: "", commune: "", state: "" }); $("storm-search").focus(); }
  });
  document.addEventListener("change", ({ target }) => {
    if (target.dataset.stormPick) { target.print = ""; set({ [target.dataset.stormPick]: target.value }); }
    else if (target.id === "storm-choice") { open = null; order = []; filter = { storm: target.value }; address(); ask(true); }
    else if (target.id === "storm-who") who = target.value;
  });
  document.addEventListener("input", ({ target }) => { if (target.id === "storm-search") set({ q: target.value.trim() }); });
  document.addEventListener("focusin", ({ target }) => { if (target.dataset?.stormBoat && target.dataset.stormBoat !== current) { current = target.dataset.stormBoat; point(); } });
  document.addEventListener("keydown", (event) => {
    if (!$("storm-list") || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input,textarea,select,[contenteditable]"), key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.target.id === "storm-search" && ["Escape", "Enter", "ArrowDown"].includes(key)) { if (key === "Escape") event.target.blur(); else walk(0); }
    else if (event.target.id === "storm-note" && ["Escape", "Enter"].includes(key)) $(`storm-${open}`)?.focus();
    else if (typing) return;
    else if (key === "/") { $("storm-search").focus(); $("storm-search").select(); }
    else if (key === "j" || (key === "ArrowDown" && event.target.dataset?.stormBoat)) walk(1);
    else if (key === "k" || (key === "ArrowUp" && event.target.dataset?.stormBoat)) walk(-1);
    else if (key === "Enter" && event.target.dataset?.stormBoat) begin(event.target.dataset.stormBoat);
    else if (key === "Escape" && open) { const back = open; begin(null); stand(back); }
    else if (open && /^[1-8]$/.test(key) && !event.repeat) record(told.outcomes[Number(key) - 1][0]);
    else if (open && key === "z" && !event.repeat) take_back();
    else if (open && key === "n") $("storm-note")?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  haidang.storm = { current: () => (told?.storm && !told.storm.closed ? told.storm : null), send, actor, element, ask: (id) => { if (id) { filter = { storm: String(id) }; order = []; open = null; address(); } ask(true); }, clock };

  new MutationObserver(() => {
    const screen = $("storm-screen");
    if (!screen || screen.begun || !$("storm-search")) return;
    screen.begun = true;
    filter = JSON.parse(screen.dataset.wanted || "{}");
    open = filter.boat || null;
    current = open;
    if (filter.q) haidang.write("storm-search", filter.q);
    if (told_on !== screen) told = null; // of a screen that was left
    stay();
    draw();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
