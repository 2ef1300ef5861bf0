(() => {
  const byId = (id) => document.getElementById(id);
  const box = byId("compare").querySelector(".wipe");
  byId("under").src = byId("photo").src;
  byId("over").src = byId("scene").src;
  byId("compare").hidden = false;
  const wipe = byId("wipe");
  const show = () => box.style.setProperty("--x", wipe.value + "%");
  wipe.addEventListener("input", show);
  show();
  byId("blink").addEventListener("click", (event) => {
    const on = box.classList.toggle("blink");
    event.currentTarget.setAttribute("aria-pressed", String(on));
  });
})();
