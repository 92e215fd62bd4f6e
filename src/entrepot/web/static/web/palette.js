// The search in the head: what is typed is looked up at once, and chosen with the keys. Without it the form is sent.
"use strict";
(() => {
  const input = document.querySelector("#search");
  const list = document.querySelector("#found");
  const told = document.querySelector("#found-told");
  if (!input || !list) return;

  const WAIT_MS = 120;
  let wait, asked, shown = null, at = -1;
  let origin = null; // where the focus was before the search had it, and where Escape gives it back to

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const options = () => [...list.querySelectorAll("a[role=option]")];

  function choose(index) {
    const all = options();
    all.forEach((one, i) => one.setAttribute("aria-selected", String(i === index)));
    at = all.length ? index : -1;
    if (at < 0) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", all[at].id);
    all[at].scrollIntoView({ block: "nearest" });
  }

  function close() {
    clearTimeout(wait);
    if (asked) asked.abort();
    list.hidden = true;
    shown = null;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  const made = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  function option(row, index) {
    const element = made("a", "", { role: "option", id: `found-${index}`, href: row.url, tabindex: "-1", "aria-selected": "false" });
    element.append(made("b", row.name), made("small", row.more), made("small", row.kind));
    return element;
  }

  function show(groups, text) {
    let index = 0;
    list.replaceChildren(...groups.flatMap((group) => [
      made("div", group.name, { role: "presentation" }),
      ...group.rows.map((row) => option(row, index++)),
    ]));
    if (!index) list.append(made("p", told.dataset.none, { role: "option", "aria-disabled": "true", "aria-selected": "false" }));
    told.textContent = index ? list.dataset.told.replace("%n", index) : told.dataset.none;
    shown = text;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(index ? 0 : -1);
  }

  async function look() {
    if (asked) asked.abort();
    asked = new AbortController();
    const text = input.value.trim();
    try {
      const answer = await fetch(list.dataset.url, { method: "POST", body: new FormData(input.form), signal: asked.signal, headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      const { groups } = await answer.json();
      if (document.activeElement === input && input.value.trim() === text) show(groups, text);
    } catch { /* the next letter asks again, and Enter sends the form */ }
  }

  input.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(look, WAIT_MS); });
  input.addEventListener("focus", (event) => { origin = event.relatedTarget; if (list.hidden) look(); });
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus until the click is done

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = options().length;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
      if (origin?.isConnected) origin.focus();
      else input.blur();
      return;
    }
    if (list.hidden || !count) { if (event.key === "ArrowDown") look(); return; }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose((at + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
    } else if (event.key === "Enter" && at >= 0 && shown === input.value.trim()) {
      event.preventDefault();
      options()[at].click();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (document.querySelector("dialog[open]")) return;
    input.focus();
    input.select();
  });
})();
