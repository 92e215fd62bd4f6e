// What a person typed into a form that was sent when they were out, or that met no answer, is shown to them above the page,
// to be copied. No form is ever filled in again: by then its page may be about something else.
"use strict";
(() => {
  const SENT = "sent", TYPED = "typed", KEPT_MS = 60 * 60 * 1000;
  const TEXTS = "textarea, input:not([type]), input[type=text], input[type=number]";
  const { person, company } = document.body.dataset;

  // Where storage is closed to us or full, nothing is kept: not what stood there before, either.
  function drop(place) { try { sessionStorage.removeItem(place); } catch { /* closed */ } }
  function keep(place, what) { try { sessionStorage.setItem(place, JSON.stringify(what)); } catch { drop(place); } }
  function read(place) {
    let what = null;
    try { what = JSON.parse(sessionStorage.getItem(place)); } catch { /* closed */ }
    if (!what || (Date.now() - what.at < KEPT_MS && (!person || what.person === person))) return what;
    drop(place);
    return null;
  }

  // What is taken is answered by a redirect to anywhere but the door, or by a page of the house at the form's own address.
  const sent = read(SENT);
  if (sent) {
    const [way] = performance.getEntriesByType("navigation");
    const isAnswer = way?.type === "navigate" && document.referrer === sent.from;
    const isOut = isAnswer && document.querySelector("[data-door]") !== null;
    const isTaken = isAnswer && !isOut && (way.redirectCount > 0 || (person && location.pathname === sent.to));
    if (!isTaken) keep(TYPED, { ...sent, isOut });
    drop(SENT);
  }

  if (!person) drop("sent-form"); // what console.js keeps for the next page: it was the door
  const typed = read(TYPED);
  if (typed) setTimeout(() => { drop(TYPED); document.getElementById("kept")?.remove(); }, typed.at + KEPT_MS - Date.now());
  const back = document.querySelector("[data-back]");
  if (typed && back) { back.href = typed.page; back.hidden = false; }
  if (typed && person && typed.company === company) show(typed);

  function show({ page, isOut, texts }) {
    const notice = document.getElementById("typed").content.firstElementChild.cloneNode(true);
    notice.id = "kept";
    const $ = (selector, root = notice) => root.querySelector(selector);
    const row = $("dl > div");
    $(isOut ? "[data-unknown]" : "[data-out]").remove();
    $("a").href = $("a").textContent = page;
    $("dl").replaceChildren(...texts.map(([label, text]) => {
      const one = row.cloneNode(true);
      $("dt", one).textContent = label;
      $("dd", one).textContent = text;
      $("button", one).setAttribute("aria-label", `${$("button", one).textContent}: ${label}`);
      // Not by `navigator.clipboard`, which is there over HTTPS alone.
      $("button", one).addEventListener("click", () => { getSelection().selectAllChildren($("dd", one)); document.execCommand("copy"); });
      return one;
    }));
    $("[data-dismiss]").addEventListener("click", () => drop(TYPED));
    document.getElementById("messages").prepend(notice);
  }

  const isTyped = (one) => one.matches(TEXTS) && one.autocomplete !== "one-time-code" && one.getClientRects().length > 0 && one.value !== one.defaultValue;
  const called = (one) => (one.labels?.[0]?.textContent || one.getAttribute("aria-label") || one.name).trim();

  if (person) document.addEventListener("submit", (event) => {
    // By its attributes: a field may be called `action` or `method`.
    const form = event.target, by = event.submitter;
    if (form.matches("[data-leaves]")) { drop(SENT); drop(TYPED); return; }
    if (form.getAttribute("method")?.toLowerCase() !== "post" || event.defaultPrevented || by?.matches("[data-file]")) return;
    const to = new URL(by?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href).pathname;
    const texts = [...form.elements].filter(isTyped).map((one) => [called(one), one.value]);
    if (texts.length) keep(SENT, { page: location.pathname + location.search, from: location.href.split("#")[0], to, person, company, at: Date.now(), texts });
  });
})();
