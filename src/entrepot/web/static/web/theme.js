// Before anything is painted: the colors and the density that the reader chose, and the zone that times are written in.
"use strict";
(() => {
  const root = document.documentElement;
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen) root.dataset.theme = chosen;
    if (localStorage.getItem("density") === "compact") root.dataset.density = "compact";
  } catch { /* storage is closed to us: the system's colors it is */ }
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`zone=${zone}`)) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  }
})();
