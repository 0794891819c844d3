// The keyboard list of what is in view: two hundred rows drawn by hand, held still while somebody reads them.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  let latest = [];
  let order = { by: null, down: false };
  let active = null; // layer/key of the row the keyboard stands on

  const list = () => document.getElementById("rows-list");
  const identity = (row) => `${row.layer}/${row.key}`;
  const value = { label: (r) => String(r.label || r.key), kind: (r) => String(r.kind_title || r.kind || ""), speed: (r) => r.speed ?? -1, age: (r) => r.age_s ?? 1e9 };

  const sorted = () => {
    if (!order.by) return latest;
    const get = value[order.by], sign = order.down ? -1 : 1;
    return [...latest].sort((a, b) => {
      const x = get(a), y = get(b);
      return sign * (typeof x === "string" ? x.localeCompare(y, "vi") : x - y);
    });
  };
  const cell = (name, text) => {
    const element = document.createElement("span");
    element.className = `col-${name}`;
    element.textContent = text;
    return element;
  };
  const note = () => {
    const element = document.createElement("span");
    element.className = "icon icon-note";
    element.setAttribute("role", "img");
    element.title = list().dataset.marked;
    element.setAttribute("aria-label", element.title);
    return element;
  };
  const kindTitle = (row) => {
    const button = document.querySelector(`.legend [data-kind-key="${CSS.escape(`${row.layer}.${row.kind}`)}"] .toggle`);
    return button ? button.title : String(row.kind ?? "");
  };
  const draw = () => {
    const box = list();
    if (!box) return;
    const focused = box.contains(document.activeElement);
    for (const row of latest) row.kind_title = kindTitle(row);
    const rows = sorted();
    box.replaceChildren(...rows.map((row, index) => {
      const element = document.createElement("div");
      element.setAttribute("role", "option");
      element.id = `row-${index}`;
      element.className = "row";
      element.dataset.layer = row.layer;
      element.dataset.key = row.key;
      element.setAttribute("aria-selected", String(identity(row) === active));
      const label = cell("label", String(row.label || row.key));
      if (row.marked) label.prepend(note());
      element.append(label, cell("kind", row.kind_title),
        cell("speed", haidang.number(row.speed, 1)), cell("age", haidang.age(row.age_s)));
      return element;
    }));
    box.classList.toggle("none", rows.length === 0);
    if (rows.length === 0) box.textContent = box.dataset.empty;
    if (focused) box.focus();
  };
  const held = () => {
    const box = list();
    return box && (box.matches(":hover") || box.contains(document.activeElement));
  };
  callbacks.rows = (rows) => {
    latest = rows || [];
    const note = document.getElementById("rows-held");
    const reading = held() && list().childElementCount > 0;
    if (note) note.hidden = !reading;
    if (!reading) draw();
    return latest.length ? haidang.number(latest.length) + (latest.length >= 200 ? "+" : "") : "";
  };

  const options = () => [...list().querySelectorAll("[role=option]")];
  const stand = (index) => {
    const all = options();
    if (!all.length) return;
    const at = Math.min(Math.max(index, 0), all.length - 1);
    all.forEach((option, n) => option.setAttribute("aria-selected", String(n === at)));
    active = `${all[at].dataset.layer}/${all[at].dataset.key}`;
    list().setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    active = `${option.dataset.layer}/${option.dataset.key}`;
    haidang.choose(option.dataset.layer, option.dataset.key, true);
  };
  document.addEventListener("keydown", (event) => {
    if (!list() || event.target !== list()) return;
    const at = options().findIndex((option) => option.getAttribute("aria-selected") === "true");
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: 1e6, PageDown: at + 10, PageUp: at - 10 };
    if (event.key in steps) stand(steps[event.key]);
    else if (event.key === "Enter" && at >= 0) take(options()[at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) {
      stand(options().indexOf(row));
      take(row);
    }
    const sort = event.target.closest("[data-sort]");
    if (sort) {
      order = { by: sort.dataset.sort, down: order.by === sort.dataset.sort && !order.down };
      for (const button of document.querySelectorAll("[data-sort]")) {
        const on = button === sort;
        button.setAttribute("aria-pressed", String(on));
        button.dataset.order = on ? (order.down ? "down" : "up") : "";
      }
      draw();
    }
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.id !== "rows-panel") return;
    haidang.callLive("rows", event.target.open);
    if (event.target.open) draw();
  }, true);
})();
