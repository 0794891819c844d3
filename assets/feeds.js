// The feed strip and the badge, from the server's feed messages.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const previous = new Map(); // source -> {at, messages}, to tell a rate between two hints

  const name = (feed) => {
    const [head, ...rest] = String(feed.source).split(".");
    const words = { sim: haidang.t("mô phỏng"), demo: haidang.t("mô phỏng"), prober: haidang.t("kiểm tra ảnh") };
    const named = JSON.parse(document.getElementById("feeds")?.dataset.names || "{}")[head];
    if (rest[0] === "push") rest.shift();
    return [head.length <= 4 ? head.toUpperCase() : named || head, ...rest.map((part) => words[part] || part.toUpperCase().replace(/([A-Z])(\d)/, "$1 $2"))].join(" ");
  };

  const rate = (feed) => {
    const at = haidang.now(), before = previous.get(feed.source);
    if (!before || at - before.at > 5000) previous.set(feed.source, { at, messages: feed.messages });
    if (!before || at <= before.at) return null;
    return Math.max(0, (feed.messages - before.messages) / ((at - before.at) / 1000));
  };

  const hover = (feed, last) => {
    const { t, number, exact } = haidang;
    const perSecond = rate(feed);
    const rejected = Object.entries(feed.rejected || {});
    return [
      `${feed.source}${feed.simulated ? ` · ${t("mô phỏng")}` : ""}`,
      Number.isNaN(last) ? t("chưa nhận bản tin nào") : t("bản tin cuối {at}", { at: exact(last) }),
      perSecond === null ? null : t("{n} bản tin/s", { n: number(perSecond, 1) }),
      t("nhận {received} câu, dùng {accepted}", { received: number(feed.received || 0), accepted: number(feed.accepted || 0) }),
      rejected.length ? t("từ chối: {list}", { list: rejected.map(([reason, n]) => `${reason} ${number(n)}`).join(", ") }) : t("không từ chối câu nào"),
    ].filter(Boolean).join("\n");
  };

  callbacks.feeds = (hint) => {
    const { html, t, age, milliseconds, now } = haidang;
    const feeds = (hint && hint.feeds) || [];
    if (!feeds.length) return [html("Li", { className: "feed muted", children: t("Chưa có nguồn dữ liệu") })];
    return feeds.map((feed) => {
      const last = milliseconds(feed.last_message_at);
      const silent = Number.isNaN(last);
      const seconds = (now() - last) / 1000;
      const fresh = !silent && seconds <= feed.expected_s;
      const title = hover(feed, last);
      const state = silent ? t("chưa có bản tin") : fresh ? t("mới") : t("chậm");
      const when = silent
        ? html("Span", { className: "age", children: "–" })
        : html("Time", { className: "age tick", children: age(seconds), dateTime: new Date(last).toISOString(), "data-expected": String(feed.expected_s) });
      return html("Li", {
        id: `feed-${String(feed.source).replace(/\W/g, "-")}`, className: "feed", title, "data-fresh": silent ? "silent" : fresh ? "fresh" : "stale", tabIndex: 0,
        children: [html("I", { className: "lamp", role: "img", "aria-label": state }), html("Span", { className: "feed-name", children: name(feed) }), when],
      });
    });
  };

  callbacks.badge = (hint) => {
    const badge = document.getElementById("badge");
    const simulated = ((hint && hint.feeds) || []).some((feed) => feed.simulated);
    return simulated ? false : badge ? badge.hidden : true;
  };
})();
