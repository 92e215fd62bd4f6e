// The console's keyboard and its few manners. Every page works without it.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isTyping = (element) => element.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;

  // ---- keys

  const PLACES = Object.fromEntries($$(".areas a[aria-keyshortcuts]").map((one) => [one.getAttribute("aria-keyshortcuts").slice(-1), one.href]));
  const GO_MS = 1500;
  let goUntil = 0;

  const rowLinks = () => $$("[data-row]").map((row) => $("a", row)).filter((link) => link && link.offsetParent !== null);

  function moveBy(step) {
    const links = rowLinks();
    if (!links.length) return;
    const here = links.findIndex((link) => link.closest("[data-row]").contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + step, 0), links.length - 1);
    links[next].focus();
    links[next].closest("[data-row]").scrollIntoView({ block: "nearest" });
  }

  const boxHere = () => $("input[type=checkbox]", document.activeElement.closest("[data-row]") || document.createElement("i"));

  const KEYS = {
    "/": () => { $("#search").focus(); $("#search").select(); },
    "?": () => $("#help").showModal(),
    j: () => moveBy(1),
    k: () => moveBy(-1),
    x: () => boxHere()?.click(),
    X: () => { const box = boxHere(); if (box) selectTo(box, !box.checked); },
    f: () => { const field = $(".filters input, .filters select"); if (field) field.focus(); },
    g: () => { goUntil = Date.now() + GO_MS; },
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = $("details.menu[open]");
      if (open) { open.open = false; $("summary", open).focus(); }
      else if (isTyping(event.target)) event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || $("dialog[open]")) return;
    if (Date.now() < goUntil && PLACES[event.key]) {
      goUntil = 0;
      event.preventDefault();
      location.assign(PLACES[event.key]);
      return;
    }
    // Arrows go through rows where a row has the focus; elsewhere they scroll, as everywhere.
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (arrow && event.target.closest("[data-row]")) { event.preventDefault(); moveBy(arrow); return; }
    const act = KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // Keys of the page's own buttons. A scanner types too, but faster: what follows at once takes the key back.

  const SCAN_MS = 150;
  let pressed;
  document.addEventListener("keydown", (event) => {
    clearTimeout(pressed);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target) || $("dialog[open]")) return;
    if (event.defaultPrevented) return;
    const button = $$("[data-key]").find((one) => one.dataset.key === event.key.toLowerCase());
    if (button) pressed = setTimeout(() => button.click(), SCAN_MS);
  });

  // ---- what is clicked

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest("[data-dismiss]")) dismiss(target.closest(".message"));
    if (target.closest("[data-help]")) {
      const menu = target.closest("details");
      menu.open = false;
      $("summary", menu).focus(); // what the dialog gives the focus back to must be there
      $("#help").showModal();
    }
    if (target.closest("[data-theme-toggle]")) toggleTheme();
    if (target.closest("[data-density-toggle]")) toggleDensity();
    for (const menu of $$("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  });

  document.addEventListener("focusout", (event) => {
    // A press on a label or a plain word in a menu gives the focus to what is around the menu.
    const menu = event.target.closest("details.menu[open]"), next = event.relatedTarget;
    if (menu && next && !menu.contains(next) && !next.contains(menu)) menu.open = false;
  });

  // Who dismisses one after the other by the keyboard stays among the messages, then goes on with the page.
  function dismiss(message) {
    const buttons = $$("#messages [data-dismiss]");
    const next = buttons[buttons.indexOf($("[data-dismiss]", message)) + 1] || buttons.at(-2);
    const hadFocus = message.contains(document.activeElement);
    if ($("#refused", message)) forget($("[aria-describedby~=refused]"));
    message.remove();
    if (hadFocus) (next?.isConnected ? next : $("#main")).focus();
  }

  // A field is no longer wrong when whoever read why has put that away.
  function forget(field) {
    if (!field) return;
    const rest = field.getAttribute("aria-describedby").split(" ").filter((one) => one !== "refused");
    if (rest.length) field.setAttribute("aria-describedby", rest.join(" "));
    else field.removeAttribute("aria-describedby");
    field.removeAttribute("aria-invalid");
    $(".told-here")?.remove();
  }

  // A row more of several, named after its place.
  document.addEventListener("click", (event) => {
    const rows = event.target.closest("[data-another]")?.closest("fieldset");
    if (!rows) return;
    const last = $$(".entry", rows).at(-1), more = last.cloneNode(true);
    const next = (text) => text.replace(/\.(\d+)\./, (_, place) => `.${Number(place) + 1}.`);
    for (const one of $$("input, select, textarea", more)) { one.name = next(one.name); one.id = next(one.id); }
    for (const one of $$("input, textarea", more)) one.value = one.defaultValue;
    for (const one of $$("select", more)) one.selectedIndex = Math.max(0, [...one.options].findIndex((choice) => choice.defaultSelected));
    for (const one of $$("label", more)) one.htmlFor = next(one.htmlFor);
    more.setAttribute("aria-label", last.getAttribute("aria-label").replace(/\d+/, (place) => Number(place) + 1));
    last.after(more);
    $("input, select, textarea", more).focus();
  });

  function toggleDensity() {
    const root = document.documentElement;
    root.dataset.density = root.dataset.density === "compact" ? "comfortable" : "compact";
    try { localStorage.setItem("density", root.dataset.density); } catch { /* for this page only, then */ }
  }

  function toggleTheme() {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme.includes("dark");
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* for this page only, then */ }
  }

  // ---- selecting many

  let lastBox = null;

  function selectTo(box, checked) {
    const boxes = $$("tbody .pick input[type=checkbox]", box.closest("form[data-many]") || document.createElement("i"));
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((one, other) => one - other);
    for (const one of from < 0 ? [box] : boxes.slice(from, to + 1)) one.checked = checked;
    lastBox = box;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest("form[data-many] tbody .pick input[type=checkbox]");
    if (box && event.shiftKey && lastBox?.isConnected) selectTo(box, box.checked);
    else if (box) lastBox = box;
    const all = event.target.closest("[data-match-all]");
    if (all) selectMatching(all);
  });

  // All that the filter lets through, shown or not: the form says so instead of naming them.
  function selectMatching(button) {
    const form = button.closest("form");
    for (const box of $$("tbody .pick input[type=checkbox]", form)) box.checked = true;
    $("[data-all]", form)?.dispatchEvent(new Event("change", { bubbles: true }));
    $("[data-all-matching]", form).disabled = false;
    $("[data-count]", form).textContent = button.dataset.told;
  }

  document.addEventListener("renewed", () => {
    for (const form of $$("form[data-many]:not(:has([data-all-matching]:enabled))")) $("tbody .pick input[type=checkbox]", form)?.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-many]");
    if (!form || event.target.type !== "checkbox") return;
    const matching = $("[data-all-matching]", form);
    if (matching) { matching.disabled = true; $(".matching", form).textContent = ""; }
    const boxes = $$("tbody .pick input[type=checkbox]", form);
    if (event.target.matches("[data-all]") && event.isTrusted) for (const box of boxes) box.checked = event.target.checked;
    const count = boxes.filter((box) => box.checked).length;
    const all = $("[data-all]", form);
    if (all) { all.checked = count > 0 && count === boxes.length; all.indeterminate = count > 0 && count < boxes.length; }
    const told = $("[data-count]", form);
    if (told) told.textContent = told.dataset.count.replace("%n", count);
    add(form);
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("form[data-many] [data-part]")) add(event.target.form);
  });

  // Boxes that stand in rows beside forms of their own, ticked together.
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-tick]");
    if (all) for (const box of $$(`input[type=checkbox][form="${all.dataset.tick}"]`)) box.checked = all.checked;
  });

  // What the selected rows make on each side, and what is left of them together.
  function add(form) {
    const told = $("[data-sum]", form);
    if (!told) return;
    const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: told.dataset.currency });
    const scale = 10 ** money.resolvedOptions().maximumFractionDigits;
    let debit = 0, credit = 0;
    for (const box of $$("tbody input:checked[data-minor]", form)) {
      const all = Number(box.dataset.minor);
      const said = $("[data-part]", box.closest("tr")).value.trim().replace(",", ".");
      const part = said === "" ? all : Math.sign(all) * Math.round(Math.abs(Number(said) || 0) * scale);
      if (part > 0) debit += part; else credit -= part;
    }
    const texts = { "%d": debit, "%c": credit, "%l": debit - credit };
    told.textContent = told.dataset.sum.replace(/%[dcl]/g, (name) => money.format(texts[name] / scale));
  }

  // ---- what a page loads or asks for again by itself is nobody's doing, and keeps nobody in: htmx polls and loads
  // without an event

  const BY_ITSELF = new Set([undefined, "again", "load", "intersect"]);
  document.addEventListener("htmx:configRequest", (event) => {
    if (BY_ITSELF.has(event.detail.triggeringEvent?.type)) event.detail.headers["X-By-Itself"] = "1";
  });

  // ---- arranging: what was pressed is put elsewhere, or can't be pressed any more, and its row keeps the focus

  let arranged = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const row = document.activeElement.closest(".arrange li");
    arranged = row && { id: row.id, place: [...row.parentElement.children].indexOf(row) };
  });
  document.addEventListener("htmx:afterSettle", () => {
    const lost = arranged && document.activeElement === document.body;
    const row = lost && (document.getElementById(arranged.id) || $$(".arrange li")[arranged.place] || $$(".arrange li").at(-1));
    arranged = null;
    if (lost) (row ? $("button:not([disabled])", row) : $("#board-with"))?.focus();
  });

  // ---- a mail address is looked for by the search, which sends it in a form: a filter would write it into the address of
  // the page, and into the logs behind it

  const mailIn = (form) => $$("[data-no-mail]", form || document.createElement("i")).find((one) => one.value.includes("@"));
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-no-mail]")) event.target.nextElementSibling.hidden = !event.target.value.includes("@");
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "get" && mailIn(event.target.closest("form"))) event.preventDefault();
  });
  document.addEventListener("submit", (event) => {
    const field = mailIn(event.target);
    if (!field) return;
    event.preventDefault();
    $("#search").value = field.value;
    $("#search").form.requestSubmit();
  });

  // ---- sending

  // A form by its attributes: a field may be called `method` or `action`.
  const isPost = (form) => form.getAttribute("method")?.toLowerCase() === "post";
  const addresses = (form) => !isPost(form) ? [] : [form.getAttribute("action"), ...$$("[formaction]", form).map((one) => one.getAttribute("formaction"))]
    .map((one) => new URL(one || location.href, location.href).pathname);
  // A form is known by its hidden fields, but for those that tell how the thing stood when its person saw it; and by what
  // it asks and offers to do, but for what its rows do, which come and go.
  const SENT_FORM = "sent-form";
  const TELLS_NOTHING = /^(csrfmiddlewaretoken|next|seen-.*)$/, AS_SEEN = /^(seen|seen_role|told)$/;
  const tellsAbout = (one) => one.type === "hidden" && !one.disabled && !one.matches("[data-all-matching]") && !TELLS_NOTHING.test(one.name);
  const IS_SAID = "input[name]:not([type=hidden], [type=password], [type=file], [autocomplete=one-time-code]), select[name], textarea[name]";
  const isBox = (one) => one.type === "checkbox" || one.type === "radio";
  const isOfRow = (one, form) => form.contains(one.closest("[data-row]"));
  function aboutWhat(form) {
    const all = [...form.elements], own = all.filter((one) => !isOfRow(one, form));
    const about = all.filter(tellsAbout).map(({ name, value }) => [name, AS_SEEN.test(name) ? "" : value]);
    const asks = new Set(own.filter((one) => one.matches(IS_SAID)).map(({ name }) => name.replace(/[-.].*/, ""))); // of each line, once
    return JSON.stringify([about, [...asks], own.filter((one) => one.matches("button[name]")).map(({ name, value }) => [name, value])]);
  }
  const allMatch = (form) => $("[data-all-matching]:enabled", form) !== null; // its ticks are those of the shown rows alone
  const saidIn = (form) => [...form.elements].filter((one) => one.matches(IS_SAID) && !(allMatch(form) && one.matches(".pick input"))).map(({ name, type, value, checked }) => ({ name, type, value, checked }));

  document.addEventListener("submit", (event) => {
    if (!isPost(event.target) || event.submitter?.matches("[data-file]")) return; // a file leaves the page as it is
    const sent = { about: aboutWhat(event.target), said: saidIn(event.target) };
    try { sessionStorage.setItem(SENT_FORM, JSON.stringify(sent)); } catch { sessionStorage.removeItem(SENT_FORM); /* nobody is led to it, then */ }
    // After the browser has read the form, so that the button's own value still goes with it.
    setTimeout(() => { for (const button of $$("button", event.target)) button.disabled = true; });
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const button of $$("form button[disabled]:not([data-none])")) button.disabled = false;
  });

  // ---- what went well is said and goes again, unless somebody is at it; what can be undone stays

  const TOAST_MS = 12000;
  for (const toast of $$(".toasts .message")) {
    if ($("form", toast)) continue;
    setTimeout(function go() {
      if (toast.matches(":hover, :focus-within")) setTimeout(go, TOAST_MS / 4);
      else toast.remove();
    }, TOAST_MS);
  }

  // ---- a row of tabs that is wider than the screen begins at the one that is open

  const tab = $(".tabs [aria-current]");
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 24;

  // ---- a form that was refused: whoever sent it is at the field that the refusal is about, and hears both

  const refused = $("#messages[data-refused]");
  const isAt = (control) => control.matches("input:not([type=hidden]), select, textarea") && !control.disabled;
  const error = refused && ($(".message.error p", refused) || $(".message.info p", refused));
  const sent = sentForm();
  if (error) toRefused(error);

  function sentForm() {
    try {
      const found = JSON.parse(sessionStorage.getItem(SENT_FORM));
      sessionStorage.removeItem(SENT_FORM); // whoever comes next to this screen finds nothing of it
      return found;
    } catch { return null; /* closed */ }
  }

  // Rows send to one address: the form is known by what it was about, too. Where that is not there any more, nobody is led.
  function refusedForm() {
    const forms = $$("main form").filter((one) => addresses(one).includes(refused.dataset.refused) && aboutWhat(one) === sent?.about);
    return forms.length === 1 ? forms[0] : null;
  }

  // All of it was refused: it stands there as it was sent. Fields of one name go by their order, boxes by their value.
  function sayAgain(form) {
    const left = [...form.elements].filter((one) => one.matches(IS_SAID));
    for (const { name, type, value, checked } of sent.said) {
      const place = left.findIndex((one) => one.name === name && one.type === type && (!isBox(one) || one.value === value));
      const [one] = place < 0 ? [] : left.splice(place, 1);
      if (!one) continue;
      if (isBox(one)) one.checked = checked;
      else if (!one.matches("select") || [...one.options].some((choice) => choice.value === value)) one.value = value;
    }
    $("tbody .pick input[type=checkbox]", form)?.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function toRefused(error) {
    const form = refusedForm();
    if (!form) return;
    if (refused.hasAttribute("data-whole")) sayAgain(form);
    const controls = [...form.elements].filter(isAt);
    const field = refused.dataset.field;
    const about = field && (controls.find((one) => one.name === field) || controls.find((one) => `${one.name}s` === field));
    const scanned = $("main [autofocus]"); // a scanner types into it, whatever the refusal is about
    const control = about || controls.find((one) => one === scanned) || controls[0];
    if (!control) return;
    const hasTyped = controls.some((one) => one.matches("input[type=text], textarea") && one.defaultValue);
    if (hasTyped && !$("[data-row]", form)) form.setAttribute("data-live-hold", ""); // it stays when the page renews itself
    for (let fold = control.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    error.id = "refused";
    control.setAttribute("aria-describedby", [control.getAttribute("aria-describedby"), error.id].filter(Boolean).join(" "));
    if (about) about.setAttribute("aria-invalid", "true");
    sayHere(error, form, about);
    (scanned || control).focus();
    if (controls.includes(scanned)) scanned.select(); // the next scan takes the place of what was refused
  }

  // Why stands above the page, which is out of sight where the form is far down: it is told at the form as well.
  function sayHere(error, form, about) {
    const told = document.createElement("small");
    told.className = "late-text told-here";
    told.ariaHidden = "true"; // it is read as the field's description
    told.textContent = error.textContent;
    if (about) about.after(told);
    else form.prepend(told);
  }
})();
