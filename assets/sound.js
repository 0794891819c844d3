// What is heard of the desk: a tone by severity for what is new and grave, nearer or passed on; the mute; a spoken line.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const LOUD = { critical: [880, 660, 880, 660, 880], high: [660, 660], notice: [440] };
  const ORDER = Object.keys(LOUD);
  const SEVERITIES = ["critical", "high", "medium", "low"];
  const MUTE_MIN = 5;
  let seen = null; // key of a line -> how it last was; null until the first desk has been read
  let context = null;
  let mutedUntil = 0;

  const ready = () => context && context.state === "running";
  const wake = () => {
    context = context || new (window.AudioContext || window.webkitAudioContext)();
    context.resume();
  };
  // Before anybody else hears of it: the desk's keys go no further than the desk.
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, wake, { once: true, capture: true });

  const sound = (name) => {
    if (!ready() || Date.now() < mutedUntil) return;
    LOUD[name].forEach((frequency, index) => {
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

  // What a line has to say beyond the last time: it is new, nearer, or passed on. A flood speaks once, and when it gets graver.
  const news = (line, before) => {
    if (line.state !== "unacknowledged") return null;
    if (!before) return "new";
    if (line.flood) return SEVERITIES.indexOf(line.severity) < SEVERITIES.indexOf(before.severity) ? "new" : null;
    if (line.value !== null && before.value !== null && line.value < before.value) return "nearer";
    if (line.escalations > before.escalations) return "passed on";
    return null;
  };
  const tone = (said, severity) => (severity in LOUD ? severity : said === "new" ? null : "notice");
  const words = {
    "new": "Báo động mới: {rule}, {object}",
    nearer: "Đến gần hơn: {rule}, {object}",
    "passed on": "Chuyển cấp trên: {rule}, {object}",
  };

  // Every line of the desk, whatever the filter shows of it.
  haidang.heard = (lines) => {
    const told = seen === null ? [] : lines.map((line) => [news(line, seen.get(line.key)), line]).filter(([said]) => said);
    seen = new Map(lines.map((line) => [line.key, { severity: line.severity, value: line.value, escalations: line.escalations }]));
    const tones = told.map(([said, line]) => tone(said, line.severity)).filter(Boolean);
    if (tones.length) sound(ORDER.find((name) => tones.includes(name)));
    if (!told.length) return;
    const { t } = haidang, [said, first] = told[0];
    const more = told.length > 1 ? ` ${t("và {n} báo động khác", { n: told.length - 1 })}` : "";
    document.getElementById("desk-said").textContent = t(words[said], { rule: first.title, object: first.object }) + more;
  };

  const show = () => {
    const button = document.getElementById("mute");
    if (!button) return;
    const left = Math.max(0, mutedUntil - Date.now());
    const text = left ? `${haidang.t("Tắt tiếng")} ${Math.floor(left / 60000)}:${String(Math.floor(left / 1000) % 60).padStart(2, "0")}`
      : ready() ? "" : haidang.t("Bật tiếng");
    button.setAttribute("aria-pressed", String(left > 0));
    button.dataset.sound = left ? "muted" : ready() ? "on" : "locked";
    const place = document.getElementById("mute-words");
    if (place.textContent !== text) place.textContent = text;
  };
  window.addEventListener("haidang:second", show);

  // It takes a name and a line of the journal, so it is done when the server says so.
  haidang.mute = () => {
    const minutes = mutedUntil > Date.now() ? 0 : MUTE_MIN;
    haidang.deed("mute", { minutes, then: () => { mutedUntil = minutes ? Date.now() + minutes * 60000 : 0; show(); } });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#mute");
    if (!button) return;
    if (button.dataset.sound === "locked") setTimeout(show, 50); // this very press has given us the sound
    else haidang.mute();
  });
})();
