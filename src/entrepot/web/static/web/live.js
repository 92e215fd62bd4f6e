// Queues and boards keep themselves up to date without a reload: the page is asked for again, and what changed in it is
// put in its place. What a person typed, chose, opened or stands on is left alone; what vanished under it is kept and
// marked. Nothing is asked for while the page is hidden, and a page that could not be renewed says since when.
"use strict";
(() => {
  let main = document.querySelector("main[data-live]");
  if (!main) return;
  const EVERY_MS = Number(main.dataset.live) * 1000;
  const QUIET_MS = 2500; // nothing moves under a hand that is about to press
  const WAITS_MS = 15000; // for an answer
  const STALE_AFTER = 3; // renewals that failed or were put off
  const box = document.getElementById("live");
  const told = document.getElementById("live-told");
  const FIELDS = "input:not([type=hidden], [type=checkbox], [type=radio], [type=submit]), select, textarea";
  const CHOICES = "input[type=checkbox], input[type=radio]";

  let touchedAt = 0;
  let freshAt = Date.now();
  let failed = 0;
  let running = false;

  // ---- what must not be lost

  const usualIndex = (field) => Math.max(0, [...field.options].findLastIndex((one) => one.defaultSelected));
  const isChanged = (field) => field.matches("select")
    ? field.multiple ? [...field.options].some((one) => one.selected !== one.defaultSelected) : field.selectedIndex !== usualIndex(field)
    : field.type === "file" ? field.files.length > 0 : field.value !== field.defaultValue;
  const fieldsIn = (element) => [...element.querySelectorAll(FIELDS), ...(element.matches(FIELDS) ? [element] : [])];
  const isBusy = (element) => fieldsIn(element).some((one) => one === document.activeElement || isChanged(one))
    || element.matches("details[open], dialog[open]") || element.querySelector("details.menu[open], dialog[open]") !== null;
  const isChosen = (element) => [...element.querySelectorAll(CHOICES)].some((one) => one.checked !== one.defaultChecked);

  const TELLS_NOTHING = /^(csrfmiddlewaretoken|next|key|had|seen.*|told)$/; // another one each time, or how the thing stood

  // What the first form within names by its hidden fields, all of them: lines of one statement differ by the last.
  function aboutOf(node) {
    const named = [...node.querySelectorAll("input[type=hidden]")].filter((one) => !TELLS_NOTHING.test(one.name));
    return named.filter((one) => one.form === named[0].form).map((one) => `${one.name} ${one.value}`).join(" ");
  }

  // What a part of the page is about: rows and cards are told apart by it, not by where they stand.
  function keyOf(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return null;
    if (!node.matches("[data-row], section, article, li, form, .step")) return node.id || null;
    const box = node.matches("[data-row]") && node.querySelector("input[type=checkbox][name]");
    if (box) return `box ${box.value}`;
    const about = node.querySelector("[data-row]") ? "" : aboutOf(node);
    if (about) return `${node.localName} ${about}`;
    const link = node.matches("[data-row]") && node.querySelector("a[href]");
    if (link) return `link ${link.getAttribute("href")}`;
    return node.getAttribute("aria-labelledby") || node.getAttribute("aria-label") || node.id || null;
  }

  // ---- putting the new in the place of the old

  const IS_KEPT = "[data-live-hold]"; // never changes under a hand: it only says that it is gone
  const IS_TOLD = ".told-here"; // why a form was refused: no page that is asked for has it
  const LOADS_ITSELF = "[hx-trigger*=load], [hx-trigger*=intersect]";
  const LOADS_AGAIN = "[hx-trigger*=again]"; // what it loaded is of the rows as they were
  const NOT_TAKEN_OVER = new Set(["open", "data-gone", "aria-busy", "disabled", "aria-invalid", "aria-describedby"]);

  function alike(old, other) {
    return old.nodeType === other.nodeType && old.nodeName === other.nodeName && keyOf(old) === keyOf(other);
  }

  function takeAttributes(old, other) {
    for (const { name, value } of [...other.attributes]) {
      if (NOT_TAKEN_OVER.has(name)) continue;
      if ((name === "value" || name === "checked") && old.matches(FIELDS + "," + CHOICES)) continue;
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!NOT_TAKEN_OVER.has(name) && name !== "checked" && !other.hasAttribute(name)) old.removeAttribute(name);
    }
  }

  function renew(old, other) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== other.nodeValue) old.nodeValue = other.nodeValue;
      return;
    }
    if (old.isEqualNode(other)) return;
    if (old.name === "csrfmiddlewaretoken" || old.matches(IS_KEPT)) return;
    const isPart = old.matches("[data-row], details, dialog, .step, fieldset")
      || (old.matches("form, section") && !old.querySelector("[data-row], section"));
    if (isPart && isBusy(old)) return;
    if (old.matches(FIELDS)) {
      if (old !== document.activeElement && !isChanged(old)) { takeAttributes(old, other); renewField(old, other); }
      return;
    }
    if (old.matches(LOADS_ITSELF) && other.matches(LOADS_ITSELF)) {
      if (old.matches(LOADS_AGAIN) && !old.contains(document.activeElement)) htmx.trigger(old, "again");
      return;
    }
    takeAttributes(old, other);
    renewChildren(old, other);
  }

  function renewField(old, other) {
    if (old.matches("select, textarea")) { old.replaceWith(other); return; }
    if (old.type !== "file" && old.getAttribute("value") !== other.getAttribute("value")) old.value = old.defaultValue = other.defaultValue;
  }

  function renewChildren(old, other) {
    const left = new Set([...old.childNodes].filter((one) => !one.matches?.(IS_TOLD)));
    let place = old.firstChild;
    for (const wanted of [...other.childNodes]) {
      while (place && !left.has(place)) place = place.nextSibling;
      let found = [...left].find((one) => alike(one, wanted) && (keyOf(wanted) !== null || one === place));
      found ??= keyOf(wanted) === null ? [...left].find((one) => alike(one, wanted)) : undefined;
      if (!found) { old.insertBefore(wanted, place); htmx.process(wanted.nodeType === Node.ELEMENT_NODE ? wanted : old); continue; }
      left.delete(found);
      found.removeAttribute?.("data-gone");
      if (found === place) place = found.nextSibling;
      else old.insertBefore(found, place);
      renew(found, wanted);
    }
    for (const one of left) {
      if (one.nodeType !== Node.ELEMENT_NODE || one.isConnected === false) one.remove();
      else if (one.matches(IS_KEPT) || one.querySelector(IS_KEPT) || isBusy(one) || isChosen(one)) one.setAttribute("data-gone", main.dataset.saysGone);
      else one.remove();
    }
  }

  // What stands beside the content and counts what waits.
  function renewBeside(page) {
    const [old, other] = [document, page].map((one) => one.querySelector("[data-live-beside]"));
    if (old && other) renew(old, other);
  }

  // ---- when

  // A handheld has no room for the box: what its person said in the console holds there too.
  const isWanted = () => { try { return localStorage.getItem("live") !== "off"; } catch { return true; } };
  const isOn = () => box ? box.checked : isWanted();
  const isExtended = () => main.querySelector("table[data-extended]") !== null;
  // A form that stands for all that match stands for the rows as its person saw them, until it is sent or let go.
  const isAllChosen = () => main.querySelector("[data-all-matching]:not([disabled])") !== null;
  const isHandOn = () => Date.now() - touchedAt < QUIET_MS || !window.getSelection().isCollapsed;

  function tell() {
    if (!told) return;
    const why = isOn() ? whyNot() : "";
    const time = new Date(freshAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    told.textContent = why && told.dataset[why].replace("%t", time);
    told.toggleAttribute("data-is-stale", why === "stale");
  }

  // Why the page is not as new as it should be: its person wants it so, nothing answers, or a hand was on it for long.
  function whyNot() {
    if (isAllChosen()) return "chosen";
    if (isExtended()) return "extended";
    if (failed >= STALE_AFTER) return "stale";
    return Date.now() - freshAt > STALE_AFTER * EVERY_MS ? "late" : "";
  }

  async function ask() {
    main = document.querySelector("main[data-live]"); // the answer to a scan puts another in its place
    if (!main) return;
    if (running || !isOn() || document.hidden || isExtended() || isAllChosen() || isHandOn()) { tell(); return; }
    running = true;
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(WAITS_MS) });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const other = page.querySelector("main[data-live]");
      if (!other) throw new Error("another page");
      if (isHandOn() || isAllChosen()) return; // a hand came while it was on its way: the next one is new as well
      const focused = document.activeElement;
      renewChildren(main, other);
      renewBeside(page);
      if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
      main.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
      freshAt = Date.now();
      failed = 0;
    } catch {
      failed += 1;
    } finally {
      running = false;
      tell();
    }
  }

  for (const kind of ["pointerdown", "keydown", "input"]) {
    document.addEventListener(kind, (event) => { if (main?.contains(event.target) || event.target === document.body) touchedAt = Date.now(); }, true);
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    const row = event.detail.requestConfig?.elt?.closest?.("tr.more") || (event.detail.target.matches?.("tr.more") && event.detail.target);
    if (row) main.querySelector("table.rows")?.setAttribute("data-extended", "");
  });
  if (box) {
    box.checked = isWanted();
    box.addEventListener("change", () => {
      try { localStorage.setItem("live", box.checked ? "on" : "off"); } catch { /* for this page only */ }
      touchedAt = 0;
      if (box.checked) ask();
      else tell();
    });
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  document.addEventListener("live", ask);
  let next = Date.now() + EVERY_MS;
  setInterval(() => {
    if (Date.now() < next) return;
    // Put off while a hand is on the page, for a second at a time.
    next = Date.now() + (isHandOn() ? 1000 : EVERY_MS);
    ask();
  }, 500);
})();
