// The legend: a click hides a class at once; counts and freshness come each second.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});

  callbacks.legend_filter = (clicks, opacities, filter) => {
    const trigger = dash.callback_context.triggered_id;
    const next = structuredClone(filter || {});
    if (!trigger || !trigger.part) return dash.no_update;
    const one = (next[trigger.layer] = next[trigger.layer] || { off: [], opacity: 1 });
    if (trigger.part === "toggle") {
      one.off = one.off.includes(trigger.kind) ? one.off.filter((kind) => kind !== trigger.kind) : [...one.off, trigger.kind];
    } else {
      const found = dash.callback_context.inputs_list[1].find((input) => input.id.layer === trigger.layer);
      one.opacity = Number(found.value) / 100;
    }
    if (!one.off.length && one.opacity === 1) delete next[trigger.layer];
    return next;
  };

  // A family's line stands for its kinds: {family: [kinds]} of a layer, as the legend was laid out.
  const families = (layer) => Object.fromEntries([...document.querySelectorAll(`[data-kind-key^="${CSS.escape(layer)}."][data-family]`)]
    .map((line) => line.dataset.family.split(" ")).map(([family, ...kinds]) => [family, kinds]));

  callbacks.legend_pressed = (filter, ids) =>
    ids.map((id) => {
      const off = ((filter || {})[id.layer] || {}).off || [];
      const above = Object.entries(families(id.layer)).some(([family, kinds]) => kinds.includes(id.kind) && off.includes(family));
      return String(!(off.includes("*") || off.includes(id.kind) || above));
    });

  const freshness = (layer, counts, hint) => {
    const { t, age, milliseconds, now } = haidang;
    const feeds = ((hint && hint.feeds) || []).filter((feed) => feed.layer === layer);
    const heard = feeds.map((feed) => ({ feed, last: milliseconds(feed.last_message_at) })).filter((one) => !Number.isNaN(one.last));
    // What people bring and no feed does, as reports, has no clock of its own: nothing is late there.
    if (!feeds.length && ((counts || {})[layer] || {}).total) return ["fresh own", ""];
    if (!heard.length) return ["fresh waiting", t("Chưa có dữ liệu")];
    const newest = heard.reduce((a, b) => (a.last > b.last ? a : b));
    const seconds = (now() - newest.last) / 1000;
    const count = (counts || {})[layer];
    const stale = count && count.stale ? ` · ${t("{n} chậm tín hiệu", { n: haidang.number(count.stale) })}` : "";
    const words = t("Bản tin mới nhất cách đây {age}", { age: age(seconds) }) + stale;
    return [seconds <= newest.feed.expected_s ? "fresh ok" : "fresh old", words];
  };

  callbacks.legend_counts = (counts, hint, ids, layers) => {
    // Of what has fallen silent a line tells how many of all still speak, so that a dead station looks dead here too.
    const told = (all, silent) => (silent ? `${haidang.number(all - silent)} / ${haidang.number(all)}` : haidang.number(all));
    const texts = ids.map((id) => {
      const one = (counts || {})[id.layer];
      if (!one) return "";
      if (id.kind === "*") return told(one.total || 0, one.stale);
      const members = families(id.layer)[id.kind] || [id.kind];
      const sum = (of) => members.reduce((found, kind) => found + ((of || {})[kind] || 0), 0);
      return told(sum(one.kinds), sum(one.stale_kinds));
    });
    const states = layers.map((id) => freshness(id.layer, counts, hint));
    return [texts, states.map((s) => s[0]), states.map((s) => s[1])];
  };

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
