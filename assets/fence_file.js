// Fences from files: the file goes to the server as it is, what it answers goes into a store, and pages/fence_file.py makes words of it.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const $ = (id) => document.getElementById(id);
  const t = (...words) => haidang.t(...words);
  let file = null, plan = null, refused = 0, asked = 0, marker = null;

  const store = (data) => window.dash_clientside.set_props("fence-file-answer", { data });
  const fault = (words) => store({ n: asked, fault: words });
  const unmark = () => { if (marker) marker.remove(); marker = null; };
  const forget = () => { file = null; if ($("fence-file-input")) { $("fence-file-input").value = ""; $("fence-file-name").textContent = ""; } };
  const show = (open) => {
    $("fence-file").hidden = !open;
    $("fence-in").setAttribute("aria-expanded", String(open));
    if (open) fill(); else { forget(); unmark(); store(null); }
  };
  const fill = () => {
    const place = $("fence-file-place");
    if (place.firstChild) return;
    // The browser's own words would be in the browser's language: they are hidden, and the label is the button.
    const input = Object.assign(document.createElement("input"), { type: "file", id: "fence-file-input", accept: place.dataset.accept });
    const label = document.createElement("label"), name = Object.assign(document.createElement("span"), { id: "fence-file-name" });
    label.className = "action";
    label.append(input, place.dataset.label);
    place.append(label, name);
  };
  const words_of = (detail) => {
    const first = Array.isArray(detail) ? detail[0] : null;
    return first ? (document.documentElement.lang === "en" ? first.msg : first.vi || first.msg) : t("Máy chủ không nhận tệp này.");
  };
  // Of a file with several layers one is chosen; the next file has others.
  const layers = (detail) => {
    const names = (Array.isArray(detail) && detail[0] && detail[0].layers) || [];
    if (names.length < 2) return;
    const choice = $("fence-file-layer");
    choice.replaceChildren(choice.options[0], ...names.map((name) => Object.assign(document.createElement("option"), { value: name, textContent: name })));
    choice.value = "";
    $("fence-file-layers").hidden = false;
  };
  const ask = async (apply) => {
    if (!file) return;
    const n = (asked += 1);
    unmark();
    if (file.size > 8 << 20) { fault(t("Tệp quá lớn: nhiều nhất 8 MB. Dùng lệnh import fences trên máy chủ.")); return; }
    const query = new URLSearchParams({ name: file.name });
    for (const name of ["crs", "kind", "layer"]) if ($(`fence-file-${name}`).value) query.set(name, $(`fence-file-${name}`).value);
    if (apply) for (const [name, value] of Object.entries({ apply: 1, actor: apply, plan, skip_refused: refused ? 1 : 0 })) query.set(name, value);
    else store(null);
    const said = $("fence-file-said"), button = $("fence-file-apply");
    said.textContent = apply ? t("Đang nhập…") : t("Đang đọc tệp…");
    button.disabled = true;
    try {
      const answer = await fetch(`/api/v1/fences/import?${query}`, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
      const told = await answer.json();
      if (n !== asked) return;
      const found = answer.status === 409 ? { ignored: [], crs: "", ...told.detail, stale: true } : answer.ok ? told : null;
      if (!found) { layers(told.detail); fault(words_of(told.detail)); return; }
      ({ plan } = found);
      refused = found.counts.refused;
      store({ ...found, n });
      if (found.applied !== null && found.applied !== undefined) haidang.say(t("Đã nhập {n} vùng.", { n: found.applied }));
    } catch {
      if (n === asked) fault(t("Không gửi được tệp: kiểm tra kết nối rồi chọn lại tệp."));
    } finally {
      if (n === asked) button.disabled = false;
    }
  };

  document.addEventListener("change", ({ target }) => {
    if (target.id === "fence-file-input") { [file] = target.files; $("fence-file-layers").hidden = true; $("fence-file-layer").value = ""; $("fence-file-name").textContent = file ? file.name : ""; if (file) ask(null); else store(null); }
    else if (["fence-file-crs", "fence-file-kind", "fence-file-layer"].includes(target.id)) ask(null);
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.id === "fence-in") { show($("fence-file").hidden); if (!$("fence-file").hidden) $("fence-file-input").focus(); }
    else if (button.id === "fence-file-apply") {
      const actor = $("fence-file-actor").value.trim();
      if (actor) ask(actor); else { $("fence-file-actor").focus(); haidang.say(t("Hãy ghi tên cán bộ trực ban")); }
    } else if (button.id === "fence-close" || button.id === "fence-new" || button.dataset.fenceKey) { if ($("fence-file") && !$("fence-file").hidden) show(false); }
    else if (button.dataset.fileLat) {
      const place = [Number(button.dataset.fileLat), Number(button.dataset.fileLon)];
      if (!haidang.map) return;
      haidang.map.setView(place, Math.max(haidang.map.getZoom(), 11));
      unmark();
      const box = document.createElement("div"), words = document.createElement("span");
      words.textContent = button.dataset.fileWords;
      box.append(document.createElement("i"), words);
      marker = L.marker(place, { icon: L.divIcon({ className: "fence-place", html: box, iconSize: [0, 0] }), interactive: false, keyboard: false, zIndexOffset: 1000 }).addTo(haidang.map);
    }
  });
})();
