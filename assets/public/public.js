/* What makes a citizen's form easier where there is JavaScript; everything works without it. */
const form = document.getElementById("send");
if (form) {
  const photo = document.getElementById("photo"), most = +photo.dataset.most, bytes = +photo.dataset.bytes;
  const list = photo.insertAdjacentElement("afterend", document.createElement("ul"));
  list.className = "chosen";
  photo.addEventListener("change", () => {
    const files = [...photo.files], large = files.filter((file) => file.size > bytes);
    list.replaceChildren(...files.map((file) => {
      const item = document.createElement("li");
      item.textContent = `${file.name} · ${(file.size / 1048576).toFixed(1)} MB`;
      item.className = large.includes(file) ? "fault" : "";
      return item;
    }));
    photo.setCustomValidity(files.length > most || large.length ? document.getElementById("photo-hint").textContent : "");
    photo.reportValidity();
  });
  const button = form.querySelector("button[type=submit]"), words = button.textContent;
  form.addEventListener("submit", () => { button.disabled = true; button.textContent = button.dataset.busy; });
  addEventListener("pageshow", () => { button.disabled = false; button.textContent = words; }); // back from the answer
  import("./place.js").then(({ Place }) => new Place(document.getElementById("place"), form));
}
