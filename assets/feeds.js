// The feed strip and the badge, from the server's feed messages.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
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

  const made = (tag, className) => Object.assign(document.createElement(tag), { className });
  const line = (id) => {
    const one = made("li", "feed"), lamp = made("i", "lamp");
    lamp.setAttribute("role", "img");
    Object.assign(one, { id, tabIndex: 0 }).append(lamp, made("span", "feed-name"), made("span", "age"));
    return one;
  };
  const write = (one, feed) => {
    const { t, age, milliseconds, now } = haidang;
    const last = milliseconds(feed.last_message_at), silent = Number.isNaN(last);
    const seconds = (now() - last) / 1000, fresh = !silent && seconds <= feed.expected_s;
    const [lamp, words] = one.children;
    let when = one.lastElementChild;
    if (silent === (when.localName === "time")) {
      when.replaceWith(made(silent ? "span" : "time", silent ? "age" : "age tick"));
      when = one.lastElementChild;
    }
    if (!silent) { when.dateTime = new Date(last).toISOString(); when.dataset.expected = String(feed.expected_s); }
    const text = silent ? "–" : age(seconds);
    if (when.textContent !== text) when.textContent = text;
    if (words.textContent !== name(feed)) words.textContent = name(feed);
    lamp.setAttribute("aria-label", silent ? t("chưa có bản tin") : fresh ? t("mới") : t("chậm"));
    one.title = hover(feed, last);
    one.dataset.fresh = silent ? "silent" : fresh ? "fresh" : "stale";
  };
  // A line stays the same element while its feed is there, so that neither focus nor what is being read is lost.
  const draw = ({ feeds = [] }) => {
    const strip = document.getElementById("feeds");
    if (!strip) return;
    const lines = feeds.map((feed) => {
      const id = `feed-${String(feed.source).replace(/\W/g, "-")}`, one = document.getElementById(id) || line(id);
      write(one, feed);
      return one;
    });
    if (!lines.length) lines.push(Object.assign(made("li", "feed muted"), { textContent: haidang.t("Chưa có nguồn dữ liệu") }));
    if (lines.length !== strip.children.length || lines.some((one, index) => one !== strip.children[index])) strip.replaceChildren(...lines);
    // Simulated data that come later are said too; what was simulated once stays so.
    if (feeds.some((feed) => feed.simulated)) document.getElementById("badge")?.removeAttribute("hidden");
  };
  window.addEventListener("haidang:feed-hint", ({ detail }) => draw(detail));
})();
