// The search box's keyboard: a combobox whose list is filled by the server.
(() => {
  "use strict";
  const haidang = (window.haidang = window.haidang || {});
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const box = () => document.getElementById("search");
  const list = () => document.getElementById("search-list");
  const options = () => [...list().querySelectorAll("[role=option]")];
  let current = 0;
  let hurried = false; // Enter came before the answer: take the first result when it is there

  const mark = (index) => {
    const all = options();
    if (!all.length) return;
    current = (index + all.length) % all.length;
    all.forEach((option, n) => option.setAttribute("aria-selected", String(n === current)));
    all[current].scrollIntoView({ block: "nearest" });
    box().setAttribute("aria-activedescendant", all[current].id);
  };
  const close = () => {
    hurried = false;
    dash.set_props("search-list", { hidden: true });
  };
  const take = (option) => {
    haidang.go(option);
    close();
    box().blur();
  };

  document.addEventListener("keydown", (event) => {
    if (event.target !== box()) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(current + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      const shown = box().dataset.answered === box().value.trim() && !list().hidden;
      if (shown && options().length) take(options()[current] || options()[0]);
      else hurried = true;
    } else if (event.key === "Escape") {
      close();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".search")) {
      if (event.target === box() && options().length) dash.set_props("search-list", { hidden: false });
      if (event.target.closest("[role=option]")) close();
    } else if (list() && !list().hidden) close();
  });

  // The list belongs to Dash; what it holds is watched, so that the first option is marked as soon as it is drawn.
  const attach = () => {
    const element = list(), input = box();
    if (!element || !input || element.dataset.watched) return;
    element.dataset.watched = "1";
    const attributes = { role: "combobox", "aria-controls": "search-list", "aria-autocomplete": "list", "aria-expanded": "false", "aria-label": input.placeholder };
    for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
    new MutationObserver(() => {
      input.setAttribute("aria-expanded", String(!element.hidden));
      input.dataset.answered = element.dataset.text || "";
      if (element.hidden) return;
      if (!options().some((option) => option.getAttribute("aria-selected") === "true")) mark(0);
      if (hurried && input.dataset.answered === input.value.trim() && options().length) take(options()[0]);
    }).observe(element, { childList: true, attributes: true, attributeFilter: ["hidden", "data-text"] });
  };
  window.addEventListener("haidang:second", attach);
})();
