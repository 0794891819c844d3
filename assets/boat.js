// A boat's own page: the address holds its registration as it is written, however it was spelled; its track fills the map.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  callbacks.boat_address = (path) => {
    if (path && decodeURI(location.pathname) !== decodeURI(path)) history.replaceState(history.state, "", path + location.search);
    return path || "";
  };
  L.Map.addInitHook(function () {
    const box = this.getContainer().closest("[data-bounds]");
    if (box) this.whenReady(() => setTimeout(() => { if (this.getContainer().isConnected) this.fitBounds(JSON.parse(box.dataset.bounds), { animate: false }); }, 0));
  });
})();
