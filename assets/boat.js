// A boat's own page: the address holds its registration as it is written, however it was spelled; its track fills the map;
// a press for its evidence pack says how that stands.
(() => {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const callbacks = (dash.haidang = dash.haidang || {});
  callbacks.boat_address = (path) => {
    if (path && decodeURI(location.pathname) !== decodeURI(path)) history.replaceState(history.state, "", path + location.search);
    return path || "";
  };
  // A pack that is refused says so on the page: an address that answers with JSON says nothing to people.
  const why = async (answer) => {
    const detail = (await answer.json().catch(() => ({}))).detail, told = Array.isArray(detail) && detail[0];
    return told && (document.documentElement.lang === "en" ? told.msg : told.vi);
  };
  const save = async (answer) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = decodeURIComponent((answer.headers.get("content-disposition") || "").split("filename*=UTF-8''")[1] || "");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  document.addEventListener("click", async (event) => {
    const press = event.target.closest?.("a[data-pack]"), said = document.getElementById("boat-said");
    if (!press || !said || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (said.hasAttribute("data-busy")) return;
    const say = (words, bad) => { said.textContent = words; said.toggleAttribute("data-bad", Boolean(bad)); };
    said.setAttribute("data-busy", "");
    say(said.dataset.making);
    try {
      const answer = await fetch(press.href);
      if (answer.ok) { await save(answer); say(""); } else say(`${said.dataset.refused} ${(await why(answer)) || said.dataset.away}`, true);
    } catch {
      say(`${said.dataset.refused} ${said.dataset.away}`, true);
    }
    said.removeAttribute("data-busy");
  });
  L.Map.addInitHook(function () {
    const box = this.getContainer().closest("[data-bounds]");
    if (box) this.whenReady(() => setTimeout(() => { if (this.getContainer().isConnected) this.fitBounds(JSON.parse(box.dataset.bounds), { animate: false }); }, 0));
  });
})();
