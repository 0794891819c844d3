/* Facts in words, in the operator's language: ages, speeds, courses, and the few lines of a tooltip. */
const WORDS = {
  vi: { s: "giây", min: "phút", h: "giờ", d: "ngày", lost: "mất tín hiệu", ago: "Vị trí", simulated: "Mô phỏng", yes: "dữ liệu mô phỏng", kind: "Loại", estimated: "không do thiết bị đo", odd: "Lưu ý", why: "có dấu hiệu bất thường", nm: "hl/giờ" },
  en: { s: "s", min: "min", h: "h", d: "d", lost: "signal lost", ago: "Position", simulated: "Simulated", yes: "simulated data", kind: "Class", estimated: "not measured", odd: "Note", why: "something is odd", nm: "kn" },
};

export function age(seconds, lang) {
  const w = WORDS[lang], s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} ${w.s}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${w.min}`;
  if (s < 86400) return `${Math.floor(s / 3600)} ${w.h} ${String(Math.floor(s % 3600 / 60)).padStart(2, "0")}`;
  return `${Math.floor(s / 86400)} ${w.d}`;
}

function number(value, lang) { return value.toLocaleString(lang === "vi" ? "vi-VN" : "en-GB", { maximumFractionDigits: 1 }); }

function unit(field, lang) { return field.unit === "kn" ? WORDS[lang].nm : field.unit || ""; }

export function valueText(layer, h, lang) {
  const value = layer.value[h], field = layer.style.value || {};
  return Number.isNaN(value) ? null : `${number(value, lang)} ${unit(field, lang)}`.trim();
}

export function lostText(layer, h, now, lang) { return `${WORDS[lang].lost} ${age(now - layer.observed[h], lang)}`; }

/* At most six facts: {title, rows: [[name, value]]}. */
export function facts(layer, h, now, lang) {
  const w = WORDS[lang], kind = layer.kinds[layer.kind[h]], rows = [[w.kind, kind[lang]]];
  const title = layer.labels[h] || layer.keys[h] || "";
  if (layer.labels[h] && layer.labels[h] !== layer.keys[h]) rows.push([layer.name === "vessel" ? "MMSI" : "ID", layer.keys[h]]);
  const value = valueText(layer, h, lang);
  if (value !== null && layer.style.value) rows.push([layer.style.value[lang], value]);
  // What is odd takes the place of the course, which the symbol shows.
  const angled = layer.angle[h] !== 511 && layer.style.angle && !layer.marked[h];
  if (angled) rows.push([layer.style.angle[lang], `${layer.angle[h]}°`]);
  rows.push([w.ago, age(now - layer.observed[h], lang) + (layer.estimated[h] ? ` · ${w.estimated}` : "")]);
  if (layer.marked[h]) rows.push([w.odd, w.why]);
  if (layer.simulated[h] && rows.length < 5) rows.push([w.simulated, w.yes]);
  return { title, rows };
}
