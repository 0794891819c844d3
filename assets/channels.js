// The channels' screen: which channel is open, a new one, a route to edit or drop; the rest are callbacks.
(() => {
  "use strict";
  const store = (id, data) => window.dash_clientside.set_props(id, { data });
  const open = (chosen) => {
    store("channel-chosen", chosen);
    const p = new URLSearchParams(location.search);
    if (chosen.key) p.set("channel", chosen.key); else p.delete("channel");
    history.replaceState(history.state, "", `${location.pathname}?${p}`.replace(/\?$/, ""));
  };
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    const { channel, new: kind, route, rule } = pressed.dataset;
    if (channel) open({ key: channel, at: Date.now() });
    else if (kind) {
      open({ kind, at: Date.now() });
      // The first box, once it is shown; not any more when the user is somewhere else already.
      setTimeout(() => { if ([pressed, document.body].includes(document.activeElement)) document.getElementById("ch-name")?.focus(); }, 300);
    } else if (route) store("route-asked", { do: route, rule, at: Date.now() });
  });
  // The boxes are the browser's own (see pages/mark.py) and may come a moment after their values.
  const write = (values, tries = 40) => {
    const rest = {};
    for (const [id, text] of Object.entries(values || {})) {
      if (document.getElementById(id) && window.haidang?.write) window.haidang.write(id, text); else rest[id] = text;
    }
    if (Object.keys(rest).length && tries) setTimeout(write, 50, rest, tries - 1);
  };
  // screen.js and others set the page's callbacks on this object too; set_props comes later, on whatever is there then.
  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.haidang_channels = { write: (values) => { write(values); return window.dash_clientside.no_update; } };
})();
