// A boat's own page: the address holds its registration as it is written, however it was spelled.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  callbacks.boat_address = (path) => {
    if (path && decodeURI(location.pathname) !== decodeURI(path)) history.replaceState(history.state, "", path + location.search);
    return path || "";
  };
})();
