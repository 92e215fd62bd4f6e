// The portal of customers: days in their own zone, and photos made small before they are sent. Without it all of it
// works: days are those of the place that the order goes to, and photos are sent as they are.
"use strict";
(() => {
  const SIDE = 2000;
  const BYTES = 4_500_000;
  const QUALITIES = [0.85, 0.7, 0.5];

  // ---- the zone that days are told in; a page that came before it was known is asked for again, once

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const told = () => document.cookie.split("; ").includes(`zone=${zone}`);
  if (zone && !told()) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
    if (told() && "days" in document.body.dataset) location.reload();
  }

  // ---- photos

  const reading = new WeakMap(); // of a field, what is done with the photos chosen last

  async function drawn(file) {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const part = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * part));
    canvas.height = Math.max(1, Math.round(picture.height * part));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return canvas;
  }

  const fits = (file, field) => file.size <= BYTES && field.accept.split(",").includes(file.type);

  async function small(file, canvas, field) {
    if (fits(file, field) && canvas.width < SIDE && canvas.height < SIDE) return file;
    for (const quality of QUALITIES) {
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
      if (blob && blob.size <= BYTES) {
        if (fits(file, field) && file.size <= blob.size) return file;
        return new File([blob], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg" });
      }
    }
    return file;
  }

  async function read(field) {
    const kept = new DataTransfer();
    const shown = document.createElement("div");
    shown.className = "thumbs";
    for (const file of field.files) {
      try {
        const canvas = await drawn(file);
        kept.items.add(await small(file, canvas, field));
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", file.name);
        shown.append(canvas);
      } catch { kept.items.add(file); } // no picture that this browser can read: the house says so
    }
    field.files = kept.files;
    field.parentElement.querySelector(".thumbs")?.remove();
    if (shown.children.length) field.after(shown);
  }

  document.addEventListener("change", (event) => {
    const field = event.target.closest("[data-photos]");
    if (field) reading.set(field, read(field));
  });

  // ---- a form with photos: where it is refused, the photos stay chosen

  function answered(text, before) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const now = page.querySelector("main");
    const field = now.querySelector("[data-photos]");
    if (field && before.files.length) {
      const chosen = document.importNode(field);
      chosen.files = before.files;
      field.replaceWith(chosen);
      now.querySelector("[data-again]")?.remove();
    }
    document.title = page.title;
    document.querySelector("main").replaceWith(now);
    const kept = now.querySelector("[data-photos]");
    if (kept?.files.length) reading.set(kept, read(kept));
    now.focus();
    scrollTo(0, 0);
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const field = form.querySelector("[data-photos]");
    if (!field || !field.files.length) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "yes";
    form.querySelectorAll("button").forEach((one) => one.setAttribute("aria-disabled", "true"));
    try {
      await reading.get(field);
      const response = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      if (response.redirected) location.assign(response.url);
      else answered(await response.text(), field);
    } catch { form.submit(); } // the browser tells of what is wrong with the line
  });
})();
