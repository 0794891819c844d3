// When the card is read again: at once for another object, else only when the last reading has been answered.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {}); // kept by whoever replaces the object around it
  const GIVE_UP_MS = 12000;
  let number = 0, sentAt = 0, open = false, again = false, last = null;

  const ask = (chosen) => {
    [open, again, sentAt] = [true, false, performance.now()];
    window.dash_clientside.set_props("card-ask", { data: { n: ++number, chosen } });
  };
  // A question that is asked anew while it is being answered would lose its answer, on a slow machine for ever.
  callbacks.card_due = (chosen) => {
    const key = JSON.stringify(chosen || null);
    if (key !== last) { last = key; ask(chosen || null); return window.dash_clientside.no_update; }
    if (!chosen) return window.dash_clientside.no_update;
    if (open && performance.now() - sentAt < GIVE_UP_MS) again = true;
    else ask(chosen);
    return window.dash_clientside.no_update;
  };
  callbacks.card_answered = (answered) => {
    if (!answered || answered.n !== number) return window.dash_clientside.no_update;
    open = false;
    if (again) ask(JSON.parse(last));
    return window.dash_clientside.no_update;
  };
})();
