// One case beside the board: its forms, the version that is seen, what was refused at which field, and its keys.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const ANSWER_MS = 12000;
  const KEYS = { c: "contact", p: "position", g: "assign", e: "escalate", n: "note", x: "close" };
  let held = null; // {id, version, closed, escalated, proposed, unit, what}, of what is shown
  let asked = 0, awaited = 0, number = 0, sent = null, mode = null, first = false;

  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  const say = (words, how = "") => { const place = $("case-said"); place.textContent = words; place.className = `deed-words ${how}`; };
  const form = (name) => document.querySelector(`[data-case-form="${name}"]`);
  const controls = (name) => [...form(name).querySelectorAll("[data-entry] > input, select")];
  const nameOf = (control) => control.id.replace(/^case-/, "");

  // ---- what is open ------------------------------------------------------------------------------------------------------------
  const read = (id, again) => { asked += 1; awaited = asked; dash.set_props("case-ask", { data: { n: asked, case: id ? String(id) : "", again: Boolean(again) } }); };
  const open = (id) => {
    haidang.cases.set({ case: String(id) });
    first = true;
    $("cases-screen").dataset.open = "1";
    read(id);
  };
  const close = () => {
    const back = haidang.cases.back;
    begin(null);
    $("case-doing").hidden = true;
    delete $("cases-screen").dataset.open;
    back();
    held = null;
    haidang.cases.set({ case: "" });
    read(null);
  };
  callbacks.case_opened = (data) => {
    if (!data || data.n !== awaited || !$("case-doing")) return dash.no_update;
    const other = !held || held.id !== data.id;
    held = data.id ? data : null;
    $("case-doing").hidden = !held;
    if (!held) return dash.no_update;
    for (const button of document.querySelectorAll("[data-case-deed]")) {
      const why = held.closed ? t("Vụ việc đã được kết luận.") : button.dataset.caseDeed === "escalate" && held.escalated ? t("Vụ việc đã được chuyển cấp trên.") : "";
      button.setAttribute("aria-disabled", String(Boolean(why)));
      button.title = why;
    }
    if (other) {
      say("");
      begin(null);
      for (const name of Object.values(KEYS)) empty(name);
    }
    if (first) { first = false; setTimeout(() => $("case-title")?.focus(), 60); }
    return dash.no_update;
  };
  // The board has been read again: what is shown of the open case may be old.
  const heard = (versions) => {
    if (!held || held.closed || sent) return;
    const version = versions.get(held.id);
    if (version === held.version) return;
    read(held.id, true);
    if (mode) say(t("Vụ việc vừa thay đổi; xem sổ bên dưới."), "");
  };

  // ---- forms -------------------------------------------------------------------------------------------------------------------
  const empty = (name) => {
    for (const control of controls(name)) {
      if (control.tagName === "SELECT") control.value = ""; else haidang.write(control.id, "");
    }
    if (name === "close" && held && held.proposed) $("case-outcome").value = held.proposed;
    if (name === "assign" && held) $("case-unit").value = held.unit;
    errors({});
  };
  const begin = (name) => {
    mode = name;
    for (const each of document.querySelectorAll("[data-case-form]")) each.hidden = each.dataset.caseForm !== name;
    for (const button of document.querySelectorAll("[data-case-deed]")) button.setAttribute("aria-expanded", String(button.dataset.caseDeed === name));
  };
  const start = (name) => {
    const button = $(`case-do-${name}`);
    if (!held) return;
    if (button.title) { say(button.title, "bad"); return; }
    say("");
    begin(name);
    const field = name === "assign" ? $("case-unit") : name === "close" ? $("case-cause") : form(name).querySelector("[data-entry] > input");
    field?.focus();
  };
  const errors = (found) => {
    let target = null;
    for (const box of document.querySelectorAll("#case-doing .field-error")) box.textContent = "";
    for (const control of document.querySelectorAll("#case-doing [aria-invalid]")) { control.removeAttribute("aria-invalid"); control.removeAttribute("aria-describedby"); }
    for (const [name, words] of Object.entries(found)) {
      const box = $(`case-wrong-${name}`), control = name === "actor" ? $("cases-actor") : $(`case-${name}`);
      if (box) box.textContent = words;
      if (control && box) { control.setAttribute("aria-invalid", "true"); control.setAttribute("aria-describedby", box.id); }
      target = target || control;
    }
    if (target) target.focus();
  };
  const submit = (name) => {
    if (!held || sent) return;
    errors({});
    number += 1;
    const fields = Object.fromEntries(controls(name).map((control) => [nameOf(control), control.value]));
    const deed = { n: number, action: name, case: held.id, version: held.version, actor: $("cases-actor").value.trim(), fields };
    const late = setTimeout(() => { if (sent && sent.n === deed.n) answered({ n: deed.n, ok: false, words: t("Máy chủ không trả lời: CHƯA làm được."), fields: {} }); }, ANSWER_MS);
    sent = { ...deed, late };
    say(t("Đang gửi…"));
    $("case-doing").setAttribute("aria-busy", "true");
    dash.set_props("case-deed", { data: deed });
  };
  const answered = (answer) => {
    const deed = sent;
    clearTimeout(deed.late);
    sent = null;
    $("case-doing").removeAttribute("aria-busy");
    const here = held && held.id === deed.case;
    if (!here) { haidang.say(answer.words); haidang.cases.ask(); return; }
    say(answer.words, answer.ok ? "good" : "bad");
    if (answer.ok) { empty(deed.action); begin(null); $(`case-do-${deed.action}`).focus(); }
    else errors(answer.fields || {});
    if (answer.ok || answer.conflict) { read(deed.case, true); haidang.cases.ask(); }
  };
  callbacks.case_answered = (answer) => {
    if (answer && sent && answer.n === sent.n) answered(answer);
    return dash.no_update;
  };
  callbacks.case_units = (units) => {
    const select = $("case-unit");
    if (select && units) select.replaceChildren(select.options[0], ...units.map(([key, name]) => Object.assign(document.createElement("option"), { value: key, textContent: name })));
    if (select && held) select.value = held.unit;
    return dash.no_update;
  };

  // ---- pressing and keys -----------------------------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (!pressed || !$("case-doing")) return;
    const d = pressed.dataset;
    if (d.caseClose) close();
    else if (d.caseDo) submit(d.caseDo);
    else if (d.caseWho) { haidang.write("case-who", d.caseWho); $("case-number").focus(); }
    else if (d.caseDeed) { if (mode === d.caseDeed) begin(null); else start(d.caseDeed); }
  });
  document.addEventListener("keydown", (event) => {
    if (!$("case-doing") || event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target.closest("[data-case-form]"), typing = event.target.closest("input,textarea,select,[contenteditable]");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "Escape" && mode && (inside || !typing)) { const name = mode; begin(null); $(`case-do-${name}`).focus(); }
    else if (key === "Escape" && !typing && haidang.cases.chosen()) close();
    else if (key === "Enter" && inside && event.target.tagName === "INPUT") submit(mode);
    else if (!typing && held && key in KEYS && !event.repeat) start(KEYS[key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  const meet = () => { if (haidang.cases) Object.assign(haidang.cases, { open, heard }); };
  meet();
})();
