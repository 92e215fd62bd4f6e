// A form that was sent and not taken, because its person was out by then or the house did not answer, is filled in again
// on its page. It is kept in this tab alone, until another page has come; passwords, codes and files are not kept.
"use strict";
(() => {
  const PLACE = "sent";
  const FIELDS = "input:not([type=hidden], [type=password], [type=file], [autocomplete=one-time-code]), select, textarea";
  const CHOICES = "[type=checkbox], [type=radio]";
  const ROWS_MAX = 100;
  const here = location.pathname + location.search;
  const person = document.body.dataset.person || "";

  function read() { try { return JSON.parse(sessionStorage.getItem(PLACE)); } catch { return null; } }
  function write(sent) {
    try {
      if (sent) sessionStorage.setItem(PLACE, JSON.stringify(sent));
      else sessionStorage.removeItem(PLACE);
    } catch { /* storage is closed to us: nothing is kept, then */ }
  }

  const like = (action) => [...document.querySelectorAll("form")].filter((one) => one.getAttribute("action") === action);
  const fieldsOf = (form, name) => [...form.elements].filter((one) => one.matches(FIELDS) && one.name && (!name || one.name === name));
  const said = (field) => field.matches(CHOICES) ? field.checked
    : field.matches("select") ? [...field.options].filter((one) => one.selected).map((one) => one.value) : field.value;

  function say(field, value) {
    if (field.matches(CHOICES)) field.checked = value;
    else if (field.matches("select")) for (const one of field.options) one.selected = value.includes(one.value);
    else field.value = value;
  }

  // Rows that were added by hand are added again before they are filled in.
  function grown(form, name) {
    const [of] = name.split(".");
    const more = [...form.querySelectorAll("[data-another]")].find((one) => one.closest("fieldset").querySelector(`[name^="${CSS.escape(of)}."]`));
    for (let rows = 0; more && rows < ROWS_MAX && !fieldsOf(form, name).length; rows++) more.click();
  }

  function fill(sent) {
    const form = like(sent.action)[sent.place];
    if (!form) return;
    const seen = {};
    for (const [name, value] of sent.fields) {
      if (name.includes(".") && !fieldsOf(form, name).length) grown(form, name);
      const field = fieldsOf(form, name)[seen[name] = (seen[name] ?? -1) + 1];
      if (!field) continue;
      say(field, value);
      for (let up = field.closest("details"); up; up = up.parentElement.closest("details")) if (!up.matches(".menu")) up.open = true;
    }
    form.querySelector("tbody .pick input:checked")?.dispatchEvent(new Event("change", { bubbles: true }));
    const told = Object.assign(document.createElement("div"), { className: "message" });
    told.append(Object.assign(document.createElement("p"), { textContent: document.body.dataset.saysKept }));
    document.getElementById("messages")?.prepend(told);
  }

  const sent = read();
  if (sent && document.body.matches(".outside")) {
    write({ ...sent, isLost: true });
    const back = document.querySelector("[data-back]");
    if (back) { back.href = sent.page; back.hidden = false; }
  } else if (sent) {
    // What is taken is answered by a redirect, or by a page at the form's own address. Where neither came, the house did
    // not answer, and whoever is here came by the way back, a reload or an address.
    const [way] = performance.getEntriesByType("navigation");
    const isAnswered = way?.redirectCount > 0 || (way?.type === "navigate" && location.pathname === sent.to);
    const isLost = sent.isLost || !isAnswered;
    const isTheirs = sent.person === person && isLost;
    write(isTheirs && sent.page !== here ? { ...sent, isLost } : null);
    if (isTheirs && sent.page === here) fill(sent);
  }

  // A form that is answered by a file leaves its page where it is: what is done there next is about something else.
  let leaving = null;
  if (person) document.addEventListener("submit", (event) => {
    // By its attributes: a field may be called `action` or `method`.
    const form = event.target, action = form.getAttribute("action");
    if (form.getAttribute("method")?.toLowerCase() !== "post" || event.defaultPrevented) return;
    const to = new URL(event.submitter?.getAttribute("formaction") || action || location.href, location.href).pathname;
    const fields = fieldsOf(form).map((one) => [one.name, said(one)]);
    leaving = { sent: fields.length ? { page: here, to, person, action, place: like(action).indexOf(form), fields } : null };
  });
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => { leaving = null; }, true);
  window.addEventListener("pagehide", () => { if (leaving) write(leaving.sent); });
})();
