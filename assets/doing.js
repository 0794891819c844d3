// Doing something with an alarm: the form beside it, and the keys by which everything at the desk is done.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const ANSWER_MS = 12000;
  const FIELDS = { actor: "actor", comment: "deed-comment", unit: "deed-unit", span: "deed-span" };
  const KEYS = { a: "acknowledge", g: "assign", s: "shelve", e: "escalate", w: "withdraw", n: "comment" };
  let target = null; // the alarm in hand: {id, layer, key, what, cannot, unit}
  let expected = null; // its number, when it was pressed on the desk: an answer about another one comes too late
  let mode = null; // the deed that was begun
  let byKey = false;
  let sent = null; // the deed that waits for its answer
  let number = 0;

  const $ = (id) => document.getElementById(id);
  const text = (id) => $(id)?.value.trim() || "";
  const words = (said, kind) => {
    const place = $("deed-words");
    place.textContent = said;
    place.className = `deed-words ${kind || ""}`;
    if (said && $("doing").hidden) haidang.say(said);
  };

  // ---- the alarm in hand ---------------------------------------------------------------------------------------------------------
  const take = (next) => {
    const other = (next && next.id) !== (target && target.id);
    target = next;
    $("doing").hidden = !target;
    if (!target) { begin(null); return; }
    $("deed-what").textContent = target.what;
    for (const button of document.querySelectorAll("[data-deed]")) {
      const why = target.cannot[button.dataset.deed];
      button.setAttribute("aria-disabled", String(Boolean(why)));
      button.title = why || "";
    }
    if (!other) return;
    begin(null);
    words("");
    haidang.write("deed-comment", "");
    haidang.write("deed-person", "");
    if ($("deed-unit")) $("deed-unit").value = target.unit || $("deed-unit").options[0]?.value || "";
  };
  callbacks.deed_target = (next) => {
    if (!$("doing")) return dash.no_update;
    const chosen = haidang.state.chosen;
    if (next && expected && next.id !== expected) return dash.no_update;
    if (next && !expected && chosen && chosen.key && (next.layer !== chosen.layer || String(next.key) !== String(chosen.key))) return dash.no_update;
    if (!next && expected && target && target.id === expected) return dash.no_update; // the card has not been read yet
    take(next || null);
    if (next && chosen && chosen.alarm === next.id && !chosen.key) haidang.choose(next.layer, next.key, true, next.id);
    return dash.no_update;
  };
  haidang.handChosen = (chosen) => {
    expected = (chosen && chosen.alarm) || null;
    if (!chosen && $("doing")) take(null);
  };
  callbacks.deed_units = (units) => {
    const select = $("deed-unit");
    if (!select || !units) return dash.no_update;
    select.replaceChildren(...units.map(([key, name]) => Object.assign(document.createElement("option"), { value: key, textContent: name })));
    if (target && target.unit) select.value = target.unit;
    return dash.no_update;
  };
  // A row that is pressed is in hand at once; the card, which says more of it, follows.
  haidang.hand = (row) => {
    if (target && target.id === row.id) return;
    const cannot = row.distress ? { shelve: haidang.t("Báo động cấp cứu không được tạm hoãn.") } : {};
    if (row.state === "acknowledged") cannot.acknowledge = haidang.t("Đã xác nhận rồi.");
    take({ id: row.id, layer: row.layer, key: row.object_key, what: `${row.title} · ${row.object}`, cannot, unit: "" });
  };
  const inHand = (row) => {
    if (!row || row.pager) return target;
    if (row.flood) { haidang.say(haidang.t("Mỗi báo động được xử lý riêng: nhấn Enter để mở nhóm.")); return null; }
    if (!target || target.id !== row.id) {
      haidang.go($(row.key));
      expected = row.id;
      haidang.hand(row);
    }
    return target;
  };

  // ---- the form --------------------------------------------------------------------------------------------------------------------
  const begin = (action) => {
    mode = action;
    for (const more of document.querySelectorAll("[data-deed-of]")) more.hidden = more.dataset.deedOf !== action;
    for (const button of document.querySelectorAll("[data-deed][aria-expanded]")) button.setAttribute("aria-expanded", String(button.dataset.deed === action));
  };
  const start = (action) => {
    const why = target.cannot[action];
    if (why) { words(why, "bad"); return; }
    words("");
    begin(action);
    ($(action === "assign" ? "deed-unit" : "deed-comment")).focus();
  };
  // more: {alarm, minutes, then}
  haidang.deed = (action, more = {}) => {
    if (sent) return;
    const deed = { n: ++number, action, alarm: more.alarm || (target && target.id) || 0, name: text("actor"), comment: text("deed-comment"), minutes: more.minutes || 0,
      unit: $("deed-unit")?.value || "", person: text("deed-person"), span: $("deed-span")?.value || "" };
    if (more.alarm || action === "mute") deed.comment = "";
    const late = setTimeout(() => { if (sent && sent.n === deed.n) answered({ ...deed, ok: false, words: haidang.t("Máy chủ không trả lời: CHƯA làm được.") }); }, ANSWER_MS);
    sent = { ...deed, late, then: more.then };
    $("doing").setAttribute("aria-busy", "true");
    dash.set_props("deed", { data: deed });
  };
  const submit = (action) => {
    if (!target || sent) return;
    const why = target.cannot[action];
    if (why) { words(why, "bad"); return; }
    words(haidang.t("Đang gửi…"));
    haidang.deed(action);
  };
  const answered = (answer) => {
    const deed = sent;
    clearTimeout(deed.late);
    sent = null;
    $("doing").removeAttribute("aria-busy");
    const here = target && deed.alarm === target.id;
    if (here) words(answer.words, answer.ok ? "good" : "bad"); else haidang.say(answer.words);
    if (answer.ok) {
      if (deed.then) deed.then();
      if (here) { begin(null); haidang.write("deed-comment", ""); haidang.write("deed-person", ""); }
      if (here && byKey) back();
    } else if (answer.want && $(FIELDS[answer.want])) $(FIELDS[answer.want]).focus();
    haidang.desk.send();
  };
  callbacks.deed_answered = (answer) => {
    if (answer && sent && answer.n === sent.n) answered(answer);
    return dash.no_update;
  };
  const back = () => {
    byKey = false;
    const row = target && haidang.desk.rowOf(`alarm-${target.id}`);
    if (row) haidang.desk.stand(row.key); else haidang.desk.walk(0);
  };
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-deed],[data-deed-do]");
    if (!pressed || !target) return;
    byKey = event.detail === 0;
    const { deed, deedDo } = pressed.dataset;
    if (deedDo) submit(deedDo);
    else if (deed === "acknowledge") submit(deed);
    else if (deed === "comment" && text("deed-comment")) submit(deed);
    else if (mode === deed) begin(null);
    else start(deed);
  });

  // ---- keys ------------------------------------------------------------------------------------------------------------------------
  const ends = (event) => { event.preventDefault(); event.stopPropagation(); };
  const escape = (event) => {
    const inside = event.target.closest("#doing");
    if (inside || mode) {
      begin(null);
      if (inside) { event.target.blur(); back(); }
      return ends(event);
    }
    if (event.target.closest("input,select,textarea")) return undefined;
    if (haidang.desk.waiting()) { haidang.desk.apply(); return ends(event); }
    return undefined;
  };
  const enter = (event) => {
    if (!["deed-comment", "deed-person", "deed-unit", "deed-span"].includes(event.target.id)) return;
    const plain = target && !target.cannot.acknowledge ? "acknowledge" : "comment";
    byKey = true;
    submit(mode || plain);
    ends(event);
  };
  const move = { j: 1, k: -1 }, inList = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e6, End: 1e6 };
  document.addEventListener("keydown", (event) => {
    if (!$("desk") || event.ctrlKey || event.metaKey || event.altKey || $("help")?.open) return;
    if (event.key === "Escape") { escape(event); return; }
    if (event.key === "Enter") { enter(event); return; }
    if (event.target.closest("input:not([type=range]),textarea,select,[contenteditable]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, row = haidang.desk.focused();
    if (key in move) haidang.desk.walk(move[key]);
    else if (row && key in inList) haidang.desk.walk(inList[key]);
    else if (row && haidang.desk.opens(row) && (key === "ArrowRight" || key === "ArrowLeft")) {
      if (haidang.desk.opened(row) !== (key === "ArrowRight")) haidang.desk.unfold(row);
    } else if (key === "m") haidang.mute();
    else if (key in KEYS) {
      if (event.repeat) return;
      const hand = inHand(row);
      byKey = true;
      if (hand) start(KEYS[key]);
      else if (!row) haidang.say(haidang.t("Chọn một báo động trước: J, K rồi Enter."));
    } else return;
    ends(event);
  }, true);
})();
