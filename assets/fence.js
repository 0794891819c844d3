// The fence editor on the map: outlines drawn and moved by hand, kept in step with the text box, and the drawer's form.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  const HANDLES_MAX = 300, UNDO_MAX = 100, TEXT_MAX = 2000, NEAR_PX = 8;
  let counter = 0; // of questions to the server; an answer to an older one is too late
  let open = null; // what the drawer shows: "list", "new" or a fence's key
  let held = blank(); // the fence in the form: where it began, and its outline
  let group = null, ghost = null, rubber = null, checkTimer = 0, checkedN = 0, mended = null, corridor = null, chosen = null, dirty = false;

  function blank() { return { key: null, version: null, rules: null, tool: "polygon", rings: [], centre: null, undo: [], drawing: false, reference: false }; }
  const store = (id, data) => dash.set_props(id, { data });
  const send = (id, body) => { counter += 1; store(id, { ...body, n: counter }); return counter; };
  const map = () => haidang.map;
  const panel = () => $("fence-panel");

  // ---- the form: the browser's own inputs in the places that the part laid out -----------------------------------------
  const fill = () => {
    for (const place of document.querySelectorAll("#fence-panel [data-blank]:empty")) {
      const input = document.createElement("input");
      Object.assign(input, { type: "text", placeholder: place.dataset.hint, autocomplete: "off", spellcheck: false, maxLength: 400 });
      input.dataset.field = place.dataset.blank;
      place.append(input);
      if (place.dataset.blank === "actor") { try { input.value = localStorage.getItem("haidang-actor") || ""; } catch { /* private window */ } }
    }
    for (const place of document.querySelectorAll("#fence-panel [data-check]:empty")) {
      const input = document.createElement("input");
      input.type = "checkbox";
      input.dataset.field = place.dataset.check;
      place.append(input);
    }
  };
  const controls = () => [...panel().querySelectorAll("[data-field]")];
  const field = (name) => panel().querySelector(`[data-field="${name}"]`);
  const fields = () => Object.fromEntries(controls().map((c) => [c.dataset.field, c.type === "checkbox" ? c.checked : c.value]));
  const setFields = (values) => {
    for (const control of controls()) {
      const value = values[control.dataset.field];
      if (value === undefined) continue;
      if (control.type === "checkbox") control.checked = Boolean(value); else control.value = value;
    }
    fit();
  };
  // Only what a kind of fence can have is shown, and only the tools that draw it.
  const kindGroup = () => { const kind = field("kind")?.value; return kind === "gate" || kind === "boundary" ? kind : "area"; };
  const fit = () => {
    const own = kindGroup();
    for (const part of panel().querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(own);
    for (const part of panel().querySelectorAll("[data-tool]")) part.hidden = part.dataset.tool !== held.tool;
    const wanted = own === "area" ? ["polygon", "circle", "corridor"] : ["line"];
    if (!wanted.includes(held.tool)) held.tool = wanted[0];
    for (const part of panel().querySelectorAll("[data-tool]")) part.hidden = part.dataset.tool !== held.tool;
    for (const button of panel().querySelectorAll("[data-fence-tool]")) button.setAttribute("aria-pressed", String(button.dataset.fenceTool === held.tool));
  };
  const errors = (found) => {
    for (const box of panel().querySelectorAll(".field-error")) box.textContent = "";
    for (const control of controls()) control.removeAttribute("aria-invalid");
    let first = null;
    for (const [name, words] of Object.entries(found || {})) {
      const box = $(`fence-wrong-${name}`), control = field(name);
      if (name === "geom" || !box) { if (name === "geom") faults([{ words, lat: null, lon: null }], true); else say(words, "bad"); continue; }
      box.textContent = words;
      if (control) {
        control.setAttribute("aria-invalid", "true");
        control.setAttribute("aria-describedby", box.id);
        first = first || control;
      }
      const details = box.closest("details");
      if (details) details.open = true;
    }
    if (first) first.focus();
  };
  const say = (words, how = "") => { const box = $("fence-result"); box.textContent = words || ""; box.className = how; };

  // ---- the outline: rings of [lat, lon] -----------------------------------------------------------------------------------
  const isLine = () => held.tool === "line" || held.tool === "corridor";
  const count = () => held.rings.reduce((sum, ring) => sum + ring.points.length, 0);
  const keep = () => {
    held.undo.push(JSON.stringify([held.rings, held.centre, field("radius_m").value, held.tool]));
    if (held.undo.length > UNDO_MAX) held.undo.shift();
  };
  const undo = () => {
    if (!held.undo.length) return;
    const [rings, centre, radius, tool] = JSON.parse(held.undo.pop());
    Object.assign(held, { rings, centre, tool });
    field("radius_m").value = radius;
    fit();
    changed();
  };
  const changed = (fromText) => {
    chosen = null;
    dirty = true;
    draw();
    if (!fromText) write();
    ask();
  };
  const ask = (text) => {
    clearTimeout(checkTimer);
    const shape = { tool: held.tool, rings: held.rings, centre: held.centre, radius_m: field("radius_m").value, width_m: field("width_m").value };
    const now = () => { checkedN = send("fence-shape", { fields: fields(), shape, text: text === undefined ? null : text }); };
    if (!count() && !held.centre && text === undefined) { size(""); faults([]); return; }
    checkTimer = setTimeout(now, 200);
  };
  const size = (words) => { $("fence-size").textContent = words || ""; };
  const write = () => {
    const box = $("fence-text");
    if (count() > TEXT_MAX) { box.value = ""; box.placeholder = t("{n} đỉnh: quá nhiều để viết thành chữ", { n: haidang.number(count()) }); return; }
    const line = ([lat, lon]) => `${lat.toFixed(6)} ${lon.toFixed(6)}`;
    const rings = held.tool === "circle" ? [] : held.rings;
    box.value = rings.map((ring) => (ring.hole ? `${haidang.t("lỗ")}\n` : "") + ring.points.map(line).join("\n")).join("\n\n");
  };

  // ---- what is drawn on the map -------------------------------------------------------------------------------------------
  const nested = (rings) => {
    const parts = [];
    for (const ring of rings) if (ring.hole && parts.length) parts[parts.length - 1].push(ring.points); else parts.push([ring.points]);
    return parts;
  };
  const layers = () => {
    if (!map()) return null;
    if (!group || group._map !== map()) group = L.layerGroup().addTo(map());
    return group;
  };
  const path = (rings, name) => (isLine() && name === "fence-draft"
    ? L.polyline(rings.map((ring) => ring.points), { className: "fence-draft open", interactive: false })
    : L.polygon(nested(rings), { className: name, interactive: false }));
  const draw = () => {
    const on = layers();
    if (!on) return;
    on.clearLayers();
    rubber = null;
    if (!open || open === "list") return;
    if (held.tool === "circle") { drawCircle(on); return; }
    if (corridor && held.tool === "corridor") L.polygon(nested(corridor), { className: "fence-draft", interactive: false }).addTo(on);
    const shape = path(held.rings.filter((ring) => ring.points.length), "fence-draft").addTo(on);
    if (mended) L.polygon(nested(mended), { className: "fence-mended", interactive: false }).addTo(on);
    if (!held.reference) handles(on, shape);
    marks(on);
  };
  const drawCircle = (on) => {
    if (!held.centre) return;
    const radius = Number(field("radius_m").value.replace(",", ".")) || 0;
    const shape = L.circle(held.centre, { radius, className: "fence-draft", interactive: false }).addTo(on);
    const centre = handle(held.centre, "", t("Tâm"));
    centre.on("dragstart", keep).on("drag", () => { held.centre = at(centre.getLatLng()); shape.setLatLng(held.centre); edge.setLatLng(edgeOf(radius)); }).on("dragend", () => changed());
    const edge = handle(edgeOf(radius), "middle-one", t("Bán kính"));
    edge.on("dragstart", keep).on("drag", () => {
      const metres = Math.round(map().distance(held.centre, edge.getLatLng()));
      field("radius_m").value = String(Math.max(metres, 10));
      shape.setRadius(metres);
    }).on("dragend", () => changed());
    centre.addTo(on);
    edge.addTo(on);
    marks(on);
  };
  const edgeOf = (radius) => [held.centre[0], held.centre[1] + radius / (111195 * Math.cos((held.centre[0] * Math.PI) / 180))];
  const at = (latlng) => { const { lat, lng } = latlng.wrap(); return [Math.round(lat * 1e7) / 1e7, Math.round(lng * 1e7) / 1e7]; };
  const handle = (place, name, title) => {
    const px = (name ? 9 : 11) * (parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--scale")) || 1);
    const icon = L.divIcon({ className: `fence-handle ${name}`, iconSize: [px, px] });
    return L.marker(place, { icon, draggable: true, keyboard: false, title, autoPan: true });
  };
  const handles = (on, shape) => {
    const bounds = map().getBounds().pad(0.05);
    const seen = held.rings.flatMap((ring, r) => ring.points.map((point, p) => ({ ring, r, p, point })).filter(({ point }) => bounds.contains(point)));
    hint(seen.length > HANDLES_MAX ? t("Phóng to để sửa từng đỉnh") : held.drawing ? t("Nhấn lên bản đồ để thêm đỉnh; nhấn đúp hoặc Enter để xong; Backspace bỏ đỉnh cuối") : count() ? t("Kéo đỉnh để dời, kéo điểm giữa để thêm, chọn đỉnh rồi Delete để bỏ") : "");
    if (seen.length > HANDLES_MAX) return;
    const again = () => shape.setLatLngs(isLine() ? held.rings.map((ring) => ring.points) : nested(held.rings));
    for (const { ring, r, p, point } of seen) {
      const marker = handle(point, chosen && chosen.r === r && chosen.p === p ? "chosen" : "", t("Đỉnh {n}", { n: p + 1 }));
      marker.on("dragstart", keep).on("drag", () => { ring.points[p] = at(marker.getLatLng()); again(); }).on("dragend", () => changed());
      marker.on("click", () => {
        if (held.drawing) { if (p === 0 && ring.points.length > 2 && !isLine()) finish(); return; }
        chosen = { r, p };
        draw();
      });
      marker.on("contextmenu", () => remove(r, p));
      marker.addTo(on);
      if (held.drawing) continue;
      const last = p === ring.points.length - 1;
      if (last && isLine()) continue;
      const next = ring.points[last ? 0 : p + 1];
      const middle = handle([(point[0] + next[0]) / 2, (point[1] + next[1]) / 2], "middle-one", t("Thêm đỉnh"));
      let put = false;
      middle.on("dragstart", () => { keep(); ring.points.splice(p + 1, 0, at(middle.getLatLng())); put = true; });
      middle.on("drag", () => { if (put) { ring.points[p + 1] = at(middle.getLatLng()); again(); } }).on("dragend", () => changed());
      middle.on("click", () => { keep(); ring.points.splice(p + 1, 0, at(middle.getLatLng())); changed(); });
      middle.addTo(on);
    }
  };
  const remove = (r, p) => {
    if (!held.rings[r]) return;
    keep();
    held.rings[r].points.splice(p, 1);
    if (!held.rings[r].points.length) held.rings.splice(r, 1);
    changed();
  };
  const hint = (words) => { $("fence-hint").textContent = words; };

  // ---- the faults, each at its place ------------------------------------------------------------------------------------------
  let wrong = [];
  const marks = (on) => {
    for (const one of wrong) {
      if (one.lat === null || one.lat === undefined) continue;
      const box = document.createElement("div"), ring = document.createElement("i"), words = document.createElement("span");
      words.textContent = one.words;
      box.append(ring, words);
      L.marker([one.lat, one.lon], { icon: L.divIcon({ className: "fence-place", html: box, iconSize: [0, 0] }), interactive: false, keyboard: false, zIndexOffset: 1000 }).addTo(on);
    }
  };
  const faults = (found, add) => {
    wrong = add ? [...wrong.filter((one) => !found.some((other) => other.words === one.words)), ...found] : found;
    const box = $("fence-faults");
    box.replaceChildren(...wrong.map((one) => {
      const row = document.createElement("button");
      row.className = "fence-fault";
      row.textContent = one.words + (one.lat === null || one.lat === undefined ? "" : ` · ${haidang.position(one.lat, one.lon)}`);
      row.addEventListener("click", () => { if (one.lat !== null && one.lat !== undefined) map().setView([one.lat, one.lon], Math.max(map().getZoom(), 11)); });
      return row;
    }));
    if (mended) {
      const take = document.createElement("button");
      take.className = "action";
      take.id = "fence-mend";
      take.textContent = t("Dùng hình đã sửa");
      take.addEventListener("click", () => { keep(); held.rings = mended; held.tool = kindGroup() === "area" ? "polygon" : "line"; mended = null; wrong = []; fit(); changed(); });
      box.append(take);
    }
  };
  callbacks.fence_checked = (answer) => {
    if (!answer || answer.n !== checkedN || !open || open === "list") return dash.no_update;
    if (answer.rings) { held.rings = answer.rings; dirty = true; }
    mended = answer.repaired && answer.outline ? answer.outline : null;
    corridor = held.tool === "corridor" ? answer.outline : null;
    size(answer.refused ? "" : answer.size);
    faults(answer.faults || []);
    draw();
    return dash.no_update;
  };

  // ---- drawing -----------------------------------------------------------------------------------------------------------------
  const begin = (tool) => {
    keep();
    Object.assign(held, { tool, rings: [], centre: null, drawing: true });
    [mended, corridor, wrong] = [null, null, []];
    if (tool === "circle" && !field("radius_m").value) field("radius_m").value = "1000";
    if (tool === "corridor" && !field("width_m").value) field("width_m").value = "1000";
    haidang.drawing = true;
    document.documentElement.dataset.drawing = tool;
    map().doubleClickZoom.disable();
    fit();
    changed();
    hint(tool === "circle" ? t("Nhấn lên bản đồ để đặt tâm") : t("Nhấn lên bản đồ để thêm đỉnh; nhấn đúp hoặc Enter để xong; Backspace bỏ đỉnh cuối"));
  };
  const finish = () => {
    held.drawing = false;
    haidang.drawing = open && open !== "list";
    delete document.documentElement.dataset.drawing;
    if (map()) map().doubleClickZoom.enable();
    if (rubber) rubber.remove();
    rubber = null;
    if (open && open !== "list") draw();
  };
  const press = (event) => {
    if (!held.drawing) { if (open && open !== "list" && chosen) { chosen = null; draw(); } return; }
    const place = at(event.latlng);
    if (held.tool === "circle") { keep(); held.centre = place; finish(); changed(); return; }
    const ring = held.rings[held.rings.length - 1] || (held.rings.push({ hole: false, points: [] }), held.rings[0]);
    const last = ring.points[ring.points.length - 1];
    // The second press of a double one is no corner of its own.
    if (last && map().latLngToContainerPoint(last).distanceTo(event.containerPoint) < NEAR_PX) return;
    keep();
    ring.points.push(place);
    changed();
  };
  const follow = (event) => {
    const ring = held.drawing && held.rings[held.rings.length - 1];
    if (!ring || !ring.points.length) return;
    const places = [ring.points[ring.points.length - 1], event.latlng, ...(isLine() || ring.points.length < 2 ? [] : [ring.points[0]])];
    if (rubber) rubber.setLatLngs(places); else rubber = L.polyline(places, { className: "fence-rubber", interactive: false }).addTo(layers());
  };
  const hooked = new WeakSet();
  const hook = () => {
    const on = map();
    if (!on || hooked.has(on)) return;
    hooked.add(on);
    on.on("click", press).on("mousemove", follow).on("dblclick", () => { if (held.drawing) finish(); });
    on.on("moveend zoomend", () => { if (open && open !== "list" && !held.drawing && held.tool !== "circle") draw(); });
  };

  // ---- the drawer --------------------------------------------------------------------------------------------------------------
  const view = (what) => {
    open = what;
    const box = panel();
    if (!box) return;
    fill();
    box.hidden = !what;
    $("fence-list-view").hidden = what !== "list";
    $("fence-form-view").hidden = !what || what === "list";
    $("fence-back").hidden = what === "list";
    $("fence-tool").setAttribute("aria-pressed", String(Boolean(what)));
    haidang.drawing = Boolean(what && what !== "list");
    if (!what || what === "list") {
      held = blank();
      [mended, corridor, wrong, dirty] = [null, null, [], false];
      finish();
      haidang.drawing = false;
      if (group) group.clearLayers();
      if (ghost) { ghost.remove(); ghost = null; }
    }
    if (what === "list") { $("fence-title").textContent = $("fence-title").dataset.list; store("fence-shown", { n: (counter += 1) }); } else store("fence-shown", null);
    if (haidang.write_url) haidang.write_url();
    if (what) $("fence-title").focus();
  };
  const leave = (then) => { if (!dirty || window.confirm(t("Bỏ những thay đổi chưa lưu?"))) then(); };
  const ask_open = (key, more) => { say(""); errors({}); send("fence-ask", { key, ...more }); };
  callbacks.fence_opened = (data) => {
    if (!data) return dash.no_update;
    if (data.fault) { haidang.say(data.fault); if (!open) view("list"); return dash.no_update; }
    view(data.key || "new");
    held = { ...blank(), key: data.key, version: data.version || null, rules: data.rules || null, rings: data.rings || [], tool: data.tool || "polygon", reference: Boolean(data.reference) };
    $("fence-title").textContent = data.title || t("Vùng mới");
    $("fence-rosters").textContent = data.rosters || "";
    $("fence-retire").hidden = !data.key || data.retired;
    for (const name of ["radius_m", "width_m", "comment"]) field(name).value = "";
    setFields(data.fields);
    errors({});
    [mended, corridor, wrong, dirty] = [null, null, [], false];
    size("");
    faults([]);
    hook();
    if (held.rings.length && map()) {
      const bounds = L.latLngBounds(held.rings.flatMap((ring) => ring.points));
      if (data.key && !map().getBounds().contains(bounds)) setTimeout(() => map() && map().fitBounds(bounds.pad(0.2)), 60);
    }
    draw();
    write();
    ask();
    if (data.retired) say(t("Vùng này đã bỏ. Lưu hoặc khôi phục một phiên bản để dùng lại."), "bad");
    if (!data.key && haidang.fenceAt) {
      begin("circle");
      held.centre = haidang.fenceAt;
      haidang.fenceAt = null;
      finish();
      changed();
    } else if (!data.key && !$("fence-words").open) begin("polygon");
    dirty = false;
    return dash.no_update;
  };
  callbacks.fence_answered = (answer) => {
    if (!answer) return dash.no_update;
    const done = Boolean(answer.saved);
    errors(answer.errors || {});
    say(answer.words, done ? "good" : "bad");
    $("fence-save").disabled = false;
    if (answer.conflict) {
      const again = document.createElement("button");
      again.className = "action";
      again.id = "fence-reopen";
      again.textContent = t("Mở phiên bản {n}", { n: answer.conflict });
      again.addEventListener("click", () => { dirty = false; ask_open(answer.key); });
      $("fence-result").append(document.createElement("br"), again);
      store("fence-look", { key: answer.key, version: answer.conflict });
    }
    if (!done) return dash.no_update;
    dirty = false;
    haidang.say(answer.words);
    if (answer.gone) { view("list"); return dash.no_update; }
    $("fence-words").open = false;
    ask_open(answer.saved);
    setTimeout(() => say(answer.words, "good"), 400);
    return dash.no_update;
  };
  callbacks.fence_looked = (found) => {
    if (ghost) { ghost.remove(); ghost = null; }
    if (!found || !map()) return dash.no_update;
    const line = kindGroup() !== "area";
    ghost = line ? L.polyline(found.rings.map((ring) => ring.points), { className: "fence-ghost", interactive: false }) : L.polygon(nested(found.rings), { className: "fence-ghost", interactive: false });
    ghost.addTo(map());
    haidang.say(t("{words}: nét chấm trên bản đồ", { words: found.words }));
    return dash.no_update;
  };
  callbacks.fence_start = (start) => {
    const begin_it = (tries) => {
      if (!panel() || !map()) { if (tries) setTimeout(begin_it, 100, tries - 1); return; }
      hook();
      if (!start || !start.ask) return;
      if (start.ask === "list") view("list"); else { fill(); ask_open(start.ask); }
    };
    begin_it(100);
    return "1";
  };
  const save = (what, more) => {
    finish();
    const all = fields();
    try { if (all.actor) localStorage.setItem("haidang-actor", all.actor); } catch { /* private window */ }
    say(t("Đang lưu…"));
    errors({});
    $("fence-save").disabled = what === "save";
    const shape = { tool: held.tool, rings: held.rings, centre: held.centre, radius_m: all.radius_m, width_m: all.width_m };
    send("fence-draft", { what, key: held.key, version: held.version, rules: held.rules, actor: all.actor, comment: all.comment, fields: all, shape, ...more });
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !panel()) return;
    const d = button.dataset;
    if (d.fenceKey) ask_open(d.fenceKey);
    else if (d.fenceNew) ask_open("new", { kind: d.fenceNew });
    else if (d.fenceTool) begin(d.fenceTool);
    else if (d.fenceLook) store("fence-look", { key: d.fenceOf, version: Number(d.fenceLook), n: (counter += 1) });
    else if (d.fenceRestore) save("restore", { restore: Number(d.fenceRestore) });
    else if (button.id === "fence-close") leave(() => view(null));
    else if (button.id === "fence-back") leave(() => view("list"));
    else if (button.id === "fence-undo") undo();
    else if (button.id === "fence-clear") begin(held.tool);
    else if (button.id === "fence-save") save("save");
    else if (button.id === "fence-retire") save("retire");
  });
  document.addEventListener("change", ({ target }) => {
    if (!panel()?.contains(target) || target.dataset.field === "actor" || target.dataset.field === "comment") return;
    dirty = true;
    if (target.dataset.field === "kind") { fit(); draw(); }
    if (["kind", "radius_m", "width_m", "length_from", "length_to", "fishing", "prefixes", "include", "exclude"].includes(target.dataset.field)) { draw(); ask(); }
  });
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "fence-text") return;
    if (held.drawing) finish();
    clearTimeout(target.resting);
    target.resting = setTimeout(() => { if (held.tool === "circle") { held.tool = "polygon"; fit(); } keep(); ask(target.value); }, 300);
  });
  document.addEventListener("keydown", (event) => {
    if (!open || open === "list") {
      if (open === "list" && event.key === "Escape" && !event.target.closest("input,textarea,select")) { view(null); event.stopPropagation(); }
      return;
    }
    const typing = event.target.closest("input:not([type=checkbox]),textarea,select");
    const command = event.ctrlKey || event.metaKey;
    const act = command && event.key.toLowerCase() === "s" ? () => save("save")
      : typing ? null
        : command && event.key.toLowerCase() === "z" ? undo
          : event.key === "Enter" && held.drawing && !event.target.closest("button,summary,a") ? finish
            : event.key === "Backspace" && held.drawing ? undo
              : event.key === "Delete" && chosen ? () => remove(chosen.r, chosen.p)
                : event.key === "Escape" ? () => (held.drawing ? finish() : leave(() => view(null)))
                  : null;
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }, true);

  // ---- the right button: a fence here -------------------------------------------------------------------------------------------
  haidang.fence = {
    toggle: () => { if (!panel()) return; if (open) leave(() => view(null)); else { hook(); view("list"); } },
    shown: () => open,
    here: (lat, lon) => { haidang.fenceAt = [lat, lon]; fill(); hook(); ask_open("new"); },
  };
  window.addEventListener("beforeunload", (event) => { if (dirty && open) event.preventDefault(); });
})();
