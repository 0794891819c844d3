// The rule lab: the address holds the run that is looked at, and the rules that are chosen.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  callbacks.lab_address = (run, keys, span) => {
    const p = new URLSearchParams(location.search);
    const put = (name, value) => (value ? p.set(name, String(value)) : p.delete(name));
    put("run", run);
    put("a", keys[0]);
    put("b", keys[1]);
    put("span", span);
    const words = p.toString();
    history.replaceState(history.state, "", location.pathname + (words ? `?${words}` : ""));
    return words;
  };
})();
