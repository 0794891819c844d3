// The legend: a press hides a class at once; counts and freshness are written each second.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});

  let filter = {}, counts = {}, feeds = [];

  // A family's line stands for its kinds: {family: [kinds]} of a layer, as the legend was laid out.
  const families = (layer) => Object.fromEntries([...document.querySelectorAll(`[data-kind-key^="${CSS.escape(layer)}."][data-family]`)]
    .map((line) => line.dataset.family.split(" ")).map(([family, ...kinds]) => [family, kinds]));
  const entries = (name) => [...document.querySelectorAll(`.legend [data-${name}]`)];

  const pressed = (next) => {
    filter = next;
    for (const toggle of entries("toggle")) {
      const [layer, kind] = toggle.dataset.toggle.split(" "), off = (filter[layer] || {}).off || [];
      const above = off.length && Object.entries(families(layer)).some(([family, kinds]) => kinds.includes(kind) && off.includes(family));
      toggle.setAttribute("aria-pressed", String(!(off.includes("*") || off.includes(kind) || above)));
    }
  };
  // The drawing hears of it first; what the page makes of it takes longer.
  const change = (layer, made) => {
    const one = made(filter[layer] || { off: [], opacity: 1 }), { [layer]: _, ...others } = filter;
    const next = one.off.length || one.opacity !== 1 ? { ...others, [layer]: one } : others;
    haidang.hide(next);
    pressed(next);
    dash.set_props("filter", { data: next });
  };
  document.addEventListener("click", (event) => {
    const toggle = event.target.closest(".legend [data-toggle]");
    if (!toggle) return;
    const [layer, kind] = toggle.dataset.toggle.split(" ");
    change(layer, ({ off, opacity }) => ({ off: off.includes(kind) ? off.filter((one) => one !== kind) : [...off, kind], opacity }));
  });
  document.addEventListener("input", ({ target }) => {
    const row = target.closest(".legend [data-opacity]");
    if (row) change(row.dataset.opacity, ({ off }) => ({ off, opacity: Number(target.value) / 100 }));
  });

  const freshness = (layer) => {
    const { t, age, milliseconds, now } = haidang, count = counts[layer];
    const own = feeds.filter((feed) => feed.layer === layer);
    const heard = own.map((feed) => ({ feed, last: milliseconds(feed.last_message_at) })).filter((one) => !Number.isNaN(one.last));
    // What people bring and no feed does, as reports, has no clock of its own: nothing is late there.
    if (!own.length && count && count.total) return ["fresh own", ""];
    if (!heard.length) return ["fresh waiting", t("Chưa có dữ liệu")];
    const newest = heard.reduce((a, b) => (a.last > b.last ? a : b));
    const seconds = (now() - newest.last) / 1000;
    const stale = count && count.stale ? ` · ${t("{n} chậm tín hiệu", { n: haidang.number(count.stale) })}` : "";
    const words = t("Bản tin mới nhất cách đây {age}", { age: age(seconds) }) + stale;
    return [seconds <= newest.feed.expected_s ? "fresh ok" : "fresh old", words];
  };
  // Of what has fallen silent a line tells how many of all still speak, so that a dead station looks dead here too.
  const told = (all, silent) => (silent ? `${haidang.number(all - silent)} / ${haidang.number(all)}` : haidang.number(all));
  const number = (layer, kind) => {
    const one = counts[layer];
    if (!one) return "";
    if (kind === "*") return told(one.total || 0, one.stale);
    const members = families(layer)[kind] || [kind], sum = (of) => members.reduce((found, member) => found + ((of || {})[member] || 0), 0);
    return told(sum(one.kinds), sum(one.stale_kinds));
  };
  // Each second, so that a legend that was laid out anew is filled and ages go on.
  const draw = () => {
    for (const place of entries("count")) {
      const text = number(...place.dataset.count.split(" "));
      if (place.textContent !== text) place.textContent = text;
    }
    for (const lamp of entries("fresh-of")) {
      const [state, words] = freshness(lamp.dataset.freshOf);
      if (lamp.className !== state) lamp.className = state;
      if (lamp.title !== words) { lamp.title = words; lamp.setAttribute("aria-label", words); }
    }
  };
  window.addEventListener("haidang:counts", ({ detail }) => { counts = detail; draw(); });
  window.addEventListener("haidang:feed-hint", ({ detail }) => { feeds = detail.feeds || []; draw(); });
  window.addEventListener("haidang:second", draw);
  haidang.legend = { pressed };

  const fold = (text) => text.replace(/đ/g, "d").replace(/Đ/g, "D").normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const search = (value) => {
    const wanted = fold(value || "").trim();
    let shown = 0;
    for (const entry of document.querySelectorAll(".legend .layer")) {
      const hit = !wanted || fold(entry.textContent).includes(wanted);
      entry.hidden = !hit;
      shown += hit;
    }
    dash.set_props("layer-none", { hidden: shown > 0 });
  };
  document.addEventListener("input", (event) => { if (event.target.id === "layer-search") search(event.target.value); });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.dataset.more) {
      const row = document.querySelector(`[data-opacity="${CSS.escape(button.dataset.more)}"]`);
      row.hidden = !row.hidden;
      button.setAttribute("aria-expanded", String(!row.hidden));
    }
    const fold = document.getElementById("fold");
    if (button && button === fold) {
      const open = document.documentElement.dataset.legend !== "open";
      document.documentElement.dataset.legend = open ? "open" : "closed";
      fold.setAttribute("aria-expanded", String(open));
      if (haidang.map) setTimeout(() => haidang.map.invalidateSize({ pan: false }), 0);
    }
  });
})();
