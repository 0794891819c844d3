// The desk's sound with its self-ending mute, rings on the map, and the marks of the chosen alarm.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  const LOUD = { critical: [880, 660, 880], high: [660, 660] };
  const MUTE_MS = 5 * 60 * 1000;
  let seen = null; // ids of alarms that have sounded; null until the first desk has been read
  let context = null;
  let mutedUntil = 0;

  const ready = () => context && context.state === "running";
  const wake = () => {
    context = context || new (window.AudioContext || window.webkitAudioContext)();
    context.resume();
  };
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, wake, { once: true });

  const sound = (severity) => {
    if (!ready() || Date.now() < mutedUntil) return;
    LOUD[severity].forEach((frequency, index) => {
      const tone = context.createOscillator(), volume = context.createGain();
      const at = context.currentTime + index * 0.22;
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(0.25, at + 0.02);
      volume.gain.linearRampToValueAtTime(0, at + 0.18);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.2);
    });
  };

  callbacks.desk_heard = (alarms) => {
    const { t } = haidang;
    const list = alarms || [];
    haidang.callLive("alarms", list.map((a) => ({ layer: a.layer, key: a.object_key, severity: a.severity, state: a.state })));
    const fresh = seen === null ? [] : list.filter((a) => a.state === "unacknowledged" && !seen.has(a.id));
    seen = new Set([...(seen || []), ...list.map((a) => a.id)]);
    const loud = ["critical", "high"].find((severity) => fresh.some((a) => a.severity === severity));
    if (loud) sound(loud);
    if (!fresh.length) return dash.no_update;
    const first = fresh[0];
    const rule = document.documentElement.lang === "vi" ? first.rule_vi : first.rule_en;
    return t("Báo động mới: {rule}, {object}", { rule, object: first.object_label || first.object_key });
  };

  const muteWords = () => {
    const button = document.getElementById("mute"), words = document.getElementById("mute-words");
    if (!button) return;
    const left = Math.max(0, mutedUntil - Date.now());
    const text = left ? `${haidang.t("Tắt tiếng")} ${Math.floor(left / 60000)}:${String(Math.floor(left / 1000) % 60).padStart(2, "0")}`
      : ready() ? "" : haidang.t("Bật tiếng");
    button.setAttribute("aria-pressed", String(left > 0));
    button.dataset.sound = left ? "muted" : ready() ? "on" : "locked";
    if (words.textContent !== text) words.textContent = text;
  };
  window.addEventListener("haidang:second", muteWords);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#mute")) return;
    const locked = document.getElementById("mute").dataset.sound === "locked";
    if (!locked) mutedUntil = mutedUntil > Date.now() ? 0 : Date.now() + MUTE_MS;
    setTimeout(muteWords, 50);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.id !== "ack-comment") return;
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
    document.getElementById("ack").click();
  });

  // The row of the chosen object is marked, also after the desk was drawn anew.
  callbacks.desk_chosen = (chosen) => {
    for (const row of document.querySelectorAll(".alarm-row")) {
      const same = chosen && row.dataset.layer === chosen.layer && row.dataset.key === String(chosen.key) && (!chosen.alarm || row.dataset.alarm === String(chosen.alarm));
      if (same) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
    }
    return dash.no_update;
  };

  let lastTarget = null;
  callbacks.card_news = (target) => {
    if (target !== null && target !== lastTarget) dash.set_props("ack-result", { children: "" });
    if (target !== lastTarget) haidang.write("ack-comment", "");
    lastTarget = target;
    return "ack-result";
  };
})();
