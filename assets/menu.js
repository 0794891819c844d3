// The menu: a press elsewhere or Esc closes it; the open screen is marked in it.
(() => {
  "use strict";
  const menu = () => document.getElementById("menu");
  const close = () => { if (menu()?.open) menu().open = false; };
  document.addEventListener("click", (event) => { if (!event.target.closest("#menu")) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu()?.open) return;
    close();
    menu().querySelector("summary").focus();
    event.stopPropagation();
  }, true);
  document.addEventListener("toggle", (event) => {
    if (event.target.id !== "menu" || !event.target.open) return;
    for (const link of event.target.querySelectorAll("a")) {
      if (new URL(link.href).pathname === location.pathname) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }, true);
})();
