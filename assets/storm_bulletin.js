// A bulletin typed or out of a file: looked at first, point by point, and kept only when somebody says so.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const MOST_BYTES = 8 << 20, ROWS = 5;
  const CELLS = ["valid_at", "position", "wind", "gust", "radius_6_km", "radius_10_km"];
  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  const element = (...all) => haidang.storm.element(...all);
  let plan = null, file = null, asked = 0;

  const TITLES = () => ({ valid_at: t("Thời điểm"), position: t("Vị trí tâm"), wind: t("Gió (cấp)"), gust: t("Giật (cấp)"), radius_6_km: t("Bán kính gió cấp 6 (km)"), radius_10_km: t("Bán kính gió cấp 10 (km)") });
  const HINTS = { valid_at: "13:00 28/11/2026", position: "16,5N 112,3E", wind: "12", gust: "15", radius_6_km: "250", radius_10_km: "100" };
  const field = (id, words, hint, more = {}) => element("label", { class: "storm-field" }, element("span", {}, words), element("input", { id: `bulletin-${id}`, type: "text", placeholder: hint, maxlength: 80, autocomplete: "off", spellcheck: "false", ...more }));
  const row = () => element("tr", { "data-bulletin-row": "1" }, CELLS.map((name) => element("td", {}, element("input", { type: "text", "data-cell": name, placeholder: HINTS[name], maxlength: 60, autocomplete: "off", spellcheck: "false", "aria-label": TITLES()[name] }))));
  const fill = () => {
    const room = $("storm-enter");
    if (room.firstChild) return;
    const now = haidang.storm.current(), of = [["", t("Theo số và tên")], ...(now ? [[now.id, t("Bản tin mới của {name}", { name: now.title })]] : [])];
    const zones = [["", t("Theo tệp")], ["Asia/Ho_Chi_Minh", t("Giờ Việt Nam")], ["UTC", "UTC"]];
    const choose = element("label", { class: "action" }, element("input", { id: "bulletin-file", type: "file", accept: ".geojson,.json,.csv,.xlsx", class: "unseen" }), t("Chọn tệp…"));
    const simulated = element("label", { class: "tick-box" }, element("input", { id: "bulletin-simulated", type: "checkbox" }), t("Diễn tập, mô phỏng"));
    room.append(
      now ? element("label", { class: "storm-of" }, element("span", { class: "muted" }, `${t("Cơn bão")} `), element("select", { id: "bulletin-of", class: "picked" }, of.map(([key, words]) => element("option", { value: key }, words)))) : "",
      element("div", { class: "storm-fields" },
        field("number", t("Bão số"), "12", { inputmode: "numeric" }), field("name", t("Tên quốc tế"), "Fengshen"), field("source", t("Nguồn bản tin"), t("Trung tâm Dự báo khí tượng thủy văn quốc gia")),
        field("issued", t("Phát lúc"), "13:00 28/11/2026"), simulated),
      element("div", { class: "storm-from" }, element("strong", {}, t("Từ tệp")), choose, element("span", { id: "bulletin-file-name", class: "muted" }), element("label", {}, element("span", { class: "muted" }, `${t("Giờ không ghi múi giờ là")} `), element("select", { id: "bulletin-zone", class: "picked" }, zones.map(([key, words]) => element("option", { value: key }, words)))), element("span", { class: "note" }, t("GeoJSON, CSV, XLSX; hoặc gõ các điểm dưới đây, giờ Việt Nam."))),
      element("table", { class: "counts storm-points" }, element("thead", {}, element("tr", {}, CELLS.map((name) => element("th", {}, TITLES()[name])))), element("tbody", { id: "bulletin-rows" }, Array.from({ length: ROWS }, row))),
      element("div", { class: "storm-buttons" }, element("button", { id: "bulletin-more", class: "action" }, t("Thêm điểm")), element("button", { id: "bulletin-look", class: "action" }, t("Xem trước")), element("button", { id: "bulletin-apply", class: "primary", hidden: "hidden" }), element("button", { id: "bulletin-cancel", class: "quiet" }, t("Bỏ"))),
      element("p", { id: "bulletin-said", role: "status", class: "deed-words" }), element("div", { id: "bulletin-plan" }));
  };
  const show = (open) => {
    const room = $("storm-enter");
    room.hidden = !open;
    $("storm-new").setAttribute("aria-expanded", String(open));
    if (open) { fill(); $("bulletin-number").focus(); } else $("storm-new").focus();
  };
  const say = (words, how = "") => { $("bulletin-said").textContent = words; $("bulletin-said").className = `deed-words ${how}`; };
  const value = (id) => $(`bulletin-${id}`).value.trim();
  const forget = () => { plan = null; $("bulletin-apply").hidden = true; $("bulletin-plan").replaceChildren(); say(""); for (const each of document.querySelectorAll("#storm-enter [aria-invalid]")) each.removeAttribute("aria-invalid"); };
  const points = () => {
    const typed = [...document.querySelectorAll("[data-bulletin-row]")].map((line) => Object.fromEntries([...line.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell.value.trim()])));
    const some = typed.map((cells, n) => [n, cells]).filter(([, cells]) => Object.values(cells).some(Boolean));
    // Nobody told of level 10 at all: then the bulletin has no such circle, and not an empty one at each point.
    if (some.every(([, cells]) => !cells.radius_10_km)) for (const [, cells] of some) delete cells.radius_10_km;
    if (some.length && value("issued")) some[0][1].issued_at = value("issued");
    return some;
  };
  const ask = async (apply) => {
    const n = (asked += 1), by = apply ? haidang.storm.actor() : "-";
    if (!by) return;
    const number = value("number"), rows = file ? [] : points();
    if (number && !/^[1-9]\d?$/.test(number)) { $("bulletin-number").setAttribute("aria-invalid", "true"); $("bulletin-number").focus(); say(t("Số của cơn bão là 1 đến 99; áp thấp nhiệt đới thì để trống."), "bad"); return; }
    if (!file && !rows.length) { say(t("Gõ ít nhất hai điểm, hoặc chọn tệp."), "bad"); document.querySelector("[data-cell]").focus(); return; }
    say(apply ? t("Đang lưu…") : t("Đang đọc…"));
    const about = { number: number ? Number(number) : null, name: value("name") || null, source: value("source") || null, simulated: $("bulletin-simulated").checked, storm_id: Number($("bulletin-of")?.value) || null };
    let answer;
    if (file) {
      const query = new URLSearchParams({ name: file.name });
      for (const [name, own] of Object.entries({ number: about.number, storm: about.name, source: about.source, zone: $("bulletin-zone").value, simulated: about.simulated, storm_id: about.storm_id })) if (own) query.set(name, own);
      if (value("issued")) query.set("issued_at", value("issued"));
      if (apply) for (const [name, own] of Object.entries({ apply: 1, actor: by, plan })) query.set(name, own);
      try {
        const got = await fetch(`/api/v1/storms/import?${query}`, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } }), said = await got.json();
        answer = { ok: got.ok, status: got.status, said };
      } catch { answer = { ok: false, status: 0 }; }
    } else answer = await haidang.storm.send("/api/v1/storms", { ...about, actor: by, points: rows.map(([, cells]) => cells), apply, plan });
    if (n !== asked || !$("bulletin-said")) return;
    if (!answer.ok) {
      const detail = answer.said?.detail, first = Array.isArray(detail) ? detail[0] : null, words = first ? (document.documentElement.lang === "en" ? first.msg : first.vi || first.msg) : answer.status === 409 ? t("Có bản tin khác vừa được nhập: xem lại.") : t("Máy chủ không trả lời: CHƯA làm được.");
      say(words, "bad");
      if (first?.loc?.includes("issued_at")) { $("bulletin-issued").setAttribute("aria-invalid", "true"); $("bulletin-issued").focus(); }
      return;
    }
    told(answer.said, rows.map(([at]) => at));
  };
  const told = (answer, places) => {
    if (answer.applied) {
      say("");
      haidang.say(t("Đã lưu bản tin {n}.", { n: answer.applied.version }));
      file = null;
      $("storm-enter").replaceChildren();
      show(false);
      haidang.storm.ask(answer.applied.id);
      return;
    }
    ({ plan } = answer);
    const english = document.documentElement.lang === "en", what = { new: t("mới"), changed: t("thay đổi"), unchanged: t("giữ nguyên") };
    for (const each of document.querySelectorAll("#storm-enter [aria-invalid]")) each.removeAttribute("aria-invalid");
    const faults = answer.faults.map((one) => {
      const line = file ? null : document.querySelectorAll("[data-bulletin-row]")[places[one.row - 1]], cell = line?.querySelector(`[data-cell="${one.column}"]`) || (one.column === "source" ? $("bulletin-source") : one.column === "issued_at" ? $("bulletin-issued") : null);
      if (cell) cell.setAttribute("aria-invalid", "true");
      const row_no = one.row && !file ? places[one.row - 1] + 1 : one.row;
      return element("li", {}, one.row ? `${t("dòng {n}", { n: row_no })}, ${TITLES()[one.column] || one.column}: ` : "", english ? one.msg : one.vi);
    });
    const lines = answer.points.map((one) => element("tr", {}, [haidang.exact(Date.parse(one.at)).replace(/:\d\d /, " "), haidang.position ? `${haidang.number(one.lat, 2)}°N ${haidang.number(one.lon, 2)}°E` : "", one.wind === null ? "–" : t("cấp {n}", { n: one.wind }), one.gust === null ? "–" : t("giật cấp {n}", { n: one.gust }), Object.entries(one.radii_km).map(([level, km]) => `${t("cấp {n}", { n: level })}: ${haidang.number(km)} km`).join("; "), one.observed ? t("quan trắc") : t("dự báo"), what[one.what]].map((words) => element("td", {}, words))));
    $("bulletin-plan").replaceChildren(faults.length ? element("ul", { class: "storm-faults" }, faults) : "", lines.length ? element("table", { class: "counts" }, element("tbody", {}, lines)) : "", answer.ignored.length ? element("p", { class: "note" }, t("Cột bỏ qua: {names}.", { names: answer.ignored.join(", ") })) : "");
    const good = !answer.faults.length && !answer.unchanged;
    $("bulletin-apply").hidden = !good;
    $("bulletin-apply").textContent = answer.before ? t("Lưu bản tin thứ {n}", { n: answer.before.version + 1 }) : t("Mở cơn bão mới");
    say(answer.faults.length ? t("Chưa lưu được: sửa những chỗ dưới đây rồi xem lại.") : answer.unchanged ? t("Đây chính là bản tin đang dùng.") : answer.before ? t("Cơn bão này đã có; đây là bản tin mới của nó, bản cũ vẫn giữ.") : t("Cơn bão mới, {n} điểm.", { n: lines.length }), answer.faults.length ? "bad" : "");
    (good ? $("bulletin-apply") : document.querySelector("#storm-enter [aria-invalid]"))?.focus();
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button || !$("storm-enter")) return;
    if (button.id === "storm-new") show($("storm-enter").hidden);
    else if (button.id === "bulletin-cancel") { file = null; $("storm-enter").replaceChildren(); show(false); }
    else if (button.id === "bulletin-more") { $("bulletin-rows").append(row()); $("bulletin-rows").lastChild.querySelector("input").focus(); }
    else if (button.id === "bulletin-look") ask(false);
    else if (button.id === "bulletin-apply") ask(true);
  });
  document.addEventListener("input", ({ target }) => { if (target.closest("#storm-enter") && target.type !== "file") forget(); });
  document.addEventListener("change", ({ target }) => {
    if (target.id === "bulletin-file") {
      [file] = target.files;
      $("bulletin-file-name").textContent = file ? file.name : "";
      forget();
      if (file && file.size > MOST_BYTES) { say(t("Tệp quá lớn: nhiều nhất 8 MB."), "bad"); file = null; } else if (file) ask(false);
    } else if (target.id === "bulletin-zone" && file) ask(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !event.target.closest?.("#storm-enter")) return;
    show(false);
    event.preventDefault();
    event.stopPropagation();
  }, true);
})();
