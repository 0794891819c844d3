// When the card is read again: at once for another object, else only when the last reading has been answered.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const GIVE_UP_MS = 12000;
  let number = 0, sentAt = 0, open = false, again = false, last = null;

  const ask = (chosen) => {
    [open, again, sentAt] = [true, false, performance.now()];
    dash.set_props("card-ask", { data: { n: ++number, chosen } });
  };
  // A question that is asked anew while it is being answered would lose its answer, on a slow machine for ever.
  callbacks.card_due = (chosen) => {
    const key = JSON.stringify(chosen || null);
    if (key !== last) { last = key; ask(chosen || null); return dash.no_update; }
    if (!chosen) return dash.no_update;
    if (open && performance.now() - sentAt < GIVE_UP_MS) again = true;
    else ask(chosen);
    return dash.no_update;
  };
  callbacks.card_answered = (answered) => {
    if (!answered || answered.n !== number) return dash.no_update;
    open = false;
    if (again) ask(JSON.parse(last));
    return dash.no_update;
  };
})();
