// The live stream of a screen without a map: news of alarms and feeds, and whether the server still speaks.
(() => {
  "use strict";
  const here = document.currentScript.src;
  let begun = false;

  const tell = (name, detail) => window.dispatchEvent(new CustomEvent(`haidang:${name}`, { detail }));
  const told = {
    hello() {},
    frame() {},
    connection(state) {
      window.dash_clientside.set_props("connection", { data: state });
      tell("connection", state);
    },
    text(message) {
      if (message.type === "alarm") tell("alarm-hint", { seq: message.seq });
      else if (message.type === "feeds") tell("feed-hint", message);
    },
  };
  const begin = async () => {
    const screen = document.querySelector(".screen");
    if (begun || !screen) return;
    begun = true;
    watch.disconnect();
    if (!screen.dataset.news) return;
    const { Feed } = await import(new URL("live/feed.worker.js", here).href);
    new Feed(new URL("/api/v1/live?only=news", location.href).href, told);
  };
  const watch = new MutationObserver(begin);
  watch.observe(document.documentElement, { childList: true, subtree: true });
})();
