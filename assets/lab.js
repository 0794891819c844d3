// The rule lab: the address holds the run that is looked at, and the rules that are chosen.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  // A time as it is written in its box, as the address has it; nothing for what is no time yet.
  const local = (text) => {
    const [, hour, minute, day, month, year] = /^\s*(\d{1,2}):(\d\d) (\d{1,2})\/(\d{1,2})\/(\d{4})\s*$/.exec(text || "") || [];
    return year ? `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}T${hour.padStart(2, "0")}:${minute}` : "";
  };
  callbacks.lab_address = (run, keys, span, from, to, numbers, ids) => {
    const p = new URLSearchParams(location.search);
    const put = (name, value) => (value ? p.set(name, String(value)) : p.delete(name));
    put("run", run);
    put("a", keys[0]);
    put("b", keys[1]);
    put("span", span);
    put("from", span === "own" && local(from));
    put("to", span === "own" && local(to));
    ids.forEach(({ side, name }, index) => put(`${side}.${name}`, numbers[index]));
    const words = p.toString();
    history.replaceState(history.state, "", location.pathname + (words ? `?${words}` : ""));
    return words;
  };
})();
