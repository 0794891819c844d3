// The rules' screen: the address, the filters, and the form beside the list, whose fields go to the server as they stand.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  const TYPED_MS = 250, ANSWER_MS = 15000;
  let counter = 0; // of questions to the server; an answer to an older one is too late
  let held = null; // what is open beside the list: {what, key, version, preset, layer}
  let filter = { state: "", sev: [], kind: "", q: "" };
  let typedN = 0, typing = 0, dirty = false, saving = 0, sentN = 0, edits = 0, sentEdits = 0, said = null, focused = null, touched = new Set();

  const store = (id, data) => dash.set_props(id, { data });
  const send = (id, body) => { counter += 1; store(id, { ...body, n: counter }); return counter; };
  const form = () => $("rules-side")?.querySelector("[data-form]");
  const say = (words, how = "", place = "side-result") => { const box = $(place) || $("rules-said"); if (box) { box.textContent = words || ""; box.className = `${box.id === "rules-said" ? "rules-said " : ""}${how}`; } };

  // ---- the address ----------------------------------------------------------------------------------------------------------
  const address = (ask) => {
    const p = new URLSearchParams(location.search);
    for (const name of ["rule", "preset", "roster"]) if (ask[name]) p.set(name, ask[name]); else p.delete(name);
    put(p);
  };
  const put = (p) => history.replaceState(history.state, "", location.pathname + (p.toString() ? `?${p}` : ""));
  const sift = () => {
    const p = new URLSearchParams(location.search);
    const write = (name, value) => (value ? p.set(name, value) : p.delete(name));
    write("on", { on: "1", off: "0" }[filter.state]);
    write("sev", filter.sev.join(","));
    write("kind", filter.kind);
    write("q", filter.q.trim());
    put(p);
  };

  // ---- what is open ---------------------------------------------------------------------------------------------------------
  const leave = (then) => { if (!dirty || window.confirm(t("Bỏ những thay đổi chưa lưu?"))) then(); };
  const ask = (what, more = {}) => {
    dirty = false;
    address(what);
    send("rules-ask", { ...what, ...more });
  };
  const fill = () => {
    for (const place of form()?.querySelectorAll("[data-check]:empty") || []) {
      const input = Object.assign(document.createElement("input"), { type: "checkbox", id: `rule-${place.dataset.check}` });
      input.dataset.field = place.dataset.check;
      place.append(input);
    }
  };
  const controls = () => [...(form()?.querySelectorAll("[data-entry] > :is(input, textarea), [data-field]") || [])];
  const nameOf = (control) => control.dataset.field || control.id.replace(/^rule-/, "");
  const fields = () => Object.fromEntries(controls().map((c) => [nameOf(c), c.type === "checkbox" ? c.checked : c.value]));
  const write = (values) => {
    for (const control of controls()) {
      const value = values[nameOf(control)];
      if (value === undefined) continue;
      if (control.type === "checkbox") control.checked = Boolean(value);
      else if (control.dataset.field) control.value = value;
      else haidang.write(control.id, value);
    }
  };
  // The boxes are the browser's own (see pages/mark.py) and come a moment after their places.
  const ready = (data, tries = 60) => {
    if (!held || held.n !== data.n) return;
    const empty = !form() || form().querySelector("[data-entry]:empty") || form().id !== `${data.what}-form-${data.n || 0}`;
    if (empty) { if (tries) setTimeout(ready, 30, data, tries - 1); return; }
    fill();
    write(data.fields);
    check();
    const back = focused && $(focused);
    focused = null;
    if (back) back.focus(); else $("side-title")?.focus();
    if (said) { say(said, "good"); said = null; }
    form().dataset.ready = "1";
    setTimeout(() => document.querySelector("#rules-table tr.chosen")?.scrollIntoView({ block: "nearest" }), 300);
  };
  callbacks.rules_opened = (data) => {
    if (!data) return dash.no_update;
    held = data;
    touched = new Set();
    dirty = Boolean(data.again);
    saving = sentN = 0;
    document.documentElement.dataset.side = data.what || "";
    if (data.fields) ready(data); else if (data.what) setTimeout(() => $("side-title")?.focus(), 60);
    return dash.no_update;
  };

  // ---- the draft as it is typed ---------------------------------------------------------------------------------------------
  const draft = () => ({ key: held.key, preset: held.preset, layer: held.layer, version: held.version, form: held.what, fields: fields() });
  const check = () => {
    clearTimeout(typing);
    if (held && held.what === "rule" && form()) typedN = send("rules-typed", draft());
  };
  callbacks.rules_checked = (answer) => {
    if (!answer || answer.n !== typedN || !$("rule-sentence")) return dash.no_update;
    const lines = [answer.sentence, answer.more].filter(Boolean).map((words, n) => Object.assign(document.createElement("p"), { textContent: words, className: n ? "note" : "" }));
    $("rule-sentence").replaceChildren(...lines);
    errors(Object.fromEntries(Object.entries(answer.errors).filter(([name]) => touched.has(name))), false);
    return dash.no_update;
  };
  const errors = (found, go) => {
    if (!form()) return;
    for (const box of form().querySelectorAll(".field-error")) box.textContent = "";
    for (const control of controls()) control.removeAttribute("aria-invalid");
    let first = null;
    for (const [name, words] of Object.entries(found)) {
      const box = $(`rule-wrong-${name}`), control = $(`rule-${name}`);
      if (!box) { if (go) say(`${t("CHƯA lưu: xem chỗ báo lỗi.")} ${words}`, "bad"); continue; }
      box.textContent = words;
      for (let part = box.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
      const row = box.closest("[data-rule-row]");
      if (row) row.hidden = false;
      if (!control) continue;
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", box.id);
      first = first || control;
    }
    if (go && first) { first.focus(); first.scrollIntoView({ block: "center" }); }
  };
  const changed = ({ target }) => {
    if (target.id === "rules-search") { filter.q = target.value; sift(); return; }
    if (target.id === "rules-kind") { filter.kind = target.value; sift(); store("rules-filter", { ...filter }); return; }
    if (!held || !form()?.contains(target) || nameOf(target) === "comment") return;
    dirty = true;
    edits += 1;
    touched.add(nameOf(target));
    say("");
    if (target.id === "rule-layer" && held.what === "rule" && !held.key) { focused = target.id; const all = fields(); ask({ rule: "new", preset: held.preset }, { layer: target.value, typed: all }); dirty = true; return; }
    clearTimeout(typing);
    typing = setTimeout(check, TYPED_MS);
  };

  // ---- saving ---------------------------------------------------------------------------------------------------------------
  const actor = () => $("rules-actor")?.value.trim() || "";
  const nameless = (place) => { say(t("CHƯA lưu: hãy ghi tên trực ban."), "bad", place); $("rules-actor").focus(); };
  const save = (more, words = t("Đang lưu…")) => {
    if (saving || !held || !form()) return;
    if (!actor()) { nameless(); return; }
    say(words);
    sentEdits = edits;
    saving = sentN = send("rules-draft", { what: "save", ...draft(), comment: $("rule-comment")?.value || "", actor: actor(), ...more });
    const sent = saving;
    setTimeout(() => { if (saving === sent) { saving = 0; say(t("Máy chủ không trả lời: CHƯA làm được."), "bad"); } }, ANSWER_MS);
  };
  callbacks.rules_answered = (answer) => {
    if (!answer) return dash.no_update;
    if (answer.switched) {
      say(answer.words, "good", "rules-said");
      if (held && held.key === answer.switched && held.what === "rule") {
        if (!dirty) ask({ rule: held.key });
        else if (held.version === answer.version - 1) { // nobody else was there in between: what is typed goes on from here
          held.version = answer.version;
          if ($("rule-enabled")) $("rule-enabled").checked = answer.enabled;
        }
      }
      return dash.no_update;
    }
    const wanted = answer.n === sentN; // also when it comes so late that it was given up
    if (wanted) saving = sentN = 0;
    if (!wanted) { say([answer.words, ...Object.values(answer.errors || {})].join(" "), "bad", "rules-said"); return dash.no_update; }
    say(answer.words, answer.saved || answer.run ? "good" : "bad");
    if (answer.run) {
      const lang = document.documentElement.lang === "en" ? "&lang=en" : "";
      $("side-result").append(" ", Object.assign(document.createElement("a"), { href: `/rules/lab?run=${answer.run}${lang}`, target: "_blank", id: "side-run", textContent: t("Xem kết quả") }));
    }
    if (answer.nameless) { $("rules-actor").focus(); return dash.no_update; }
    if (answer.conflict) {
      const again = Object.assign(document.createElement("button"), { className: "action", id: "side-reopen", textContent: t("Mở phiên bản {n}", { n: answer.conflict }) });
      again.addEventListener("click", () => ask({ [held.what]: held.key }));
      $("side-result").append(" ", again);
      again.focus();
    }
    errors(answer.errors || {}, true);
    if (!answer.saved) { for (const name of Object.keys(answer.errors || {})) touched.add(name); return dash.no_update; }
    dirty = edits !== sentEdits; // what was typed meanwhile is not saved
    if (answer.again) { said = answer.words; ask({ [answer.roster ? "roster" : "rule"]: answer.saved }); return dash.no_update; }
    held.version = answer.version;
    if ($("rule-comment")) haidang.write("rule-comment", "");
    return dash.no_update;
  };
  const flip = (button) => {
    if (!actor()) { nameless("rules-said"); return; }
    const d = button.dataset;
    send("rules-draft", { what: "switch", key: d.switch, version: Number(d.version), on: d.on === "1", actor: actor() });
  };

  // ---- what is pressed ------------------------------------------------------------------------------------------------------
  const sieve = ({ filter: group, value }) => {
    if (group === "state") filter.state = value;
    else filter.sev = filter.sev.includes(value) ? filter.sev.filter((one) => one !== value) : [...filter.sev, value];
    sift();
    store("rules-filter", { ...filter });
  };
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button,[data-rule-open]");
    if (!pressed || !$("rules-side") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const d = pressed.dataset;
    if (d.ruleOpen) { event.preventDefault(); leave(() => ask({ rule: d.ruleOpen })); }
    else if (d.rosterOpen) leave(() => ask({ roster: d.rosterOpen }));
    else if (d.preset) ask({ rule: "new", preset: d.preset });
    else if (d.sideClose) leave(() => ask({}));
    else if (d.save) save();
    else if (d.try) save({ what: "try" }, t("Đang gửi…"));
    else if (d.restore) leave(() => { const { version } = held; save({ what: "restore", restore: Number(d.restore), version }); });
    else if (d.ruleMore) { const row = form().querySelector(`[data-rule-row="${d.ruleMore}"][hidden]`); if (row) { row.hidden = false; row.querySelector("select,input")?.focus(); } pressed.hidden = !form().querySelector(`[data-rule-row="${d.ruleMore}"][hidden]`); }
    else if (d.switch) flip(pressed);
    else if (d.filter) sieve(d);
  });
  document.addEventListener("input", changed);
  document.addEventListener("change", (event) => { if (event.target.matches?.("select,[type=checkbox]")) changed(event); });
  document.addEventListener("keydown", (event) => {
    if (!$("rules-side")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && form()) { event.preventDefault(); save(); return; }
    if (event.key === "Escape" && held && held.what && !event.target.closest("input,textarea,select")) leave(() => ask({}));
  });
  window.addEventListener("beforeunload", (event) => { if (dirty && $("rules-side")) event.preventDefault(); });

  // ---- the list is drawn anew: whoever was in it by keyboard stays where they were ------------------------------------------
  let last = null;
  document.addEventListener("focusin", ({ target }) => {
    const d = target.closest("#rules-table, #rules-bar") ? target.dataset : {};
    last = d.switch ? `[data-switch="${CSS.escape(d.switch)}"]` : d.ruleOpen ? `a[data-rule-open="${CSS.escape(d.ruleOpen)}"]` : d.filter ? `[data-filter="${d.filter}"][data-value="${d.value}"]` : null;
  });
  new MutationObserver(() => {
    if (last && document.activeElement === document.body) document.querySelector(`:is(#rules-table, #rules-bar) ${last}`)?.focus();
  }).observe(document.documentElement, { childList: true, subtree: true });

  callbacks.rules_start = (given) => {
    if (!given) return dash.no_update;
    filter = { state: given.state || "", sev: (given.sev || []).filter(Boolean), kind: given.kind || "", q: given.q || filter.q };
    const begin = (tries) => {
      if (!$("rules-search")) { if (tries) setTimeout(begin, 50, tries - 1); return; }
      $("rules-kind").value = filter.kind;
      if (filter.q && !$("rules-search").value) haidang.write("rules-search", filter.q);
    };
    begin(60);
    return "1";
  };
})();
