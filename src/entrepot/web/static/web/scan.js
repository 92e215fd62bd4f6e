// Scan screens: scans go to the server one after the other, each under a key of its own, and wait where there is no
// connection. Without this script every page is a plain form.
"use strict";
(() => {
  const $ = (selector) => document.querySelector(selector);
  const STORE = "entrepot.scans";
  const TRY_MS = 3000;
  const ANSWER_MS = 8000; // what has no answer by then is sent again, under the same key
  const FAULTS = 3; // so often the server may fail over one scan, by a fault of its own
  const SETTLE_MS = 400; // a second tap that comes sooner was not meant for what the answer to the first put there
  const PAUSE_MS = 1000; // a scanner types without pauses
  const GS = "\u001d";
  const body = document.body;
  let queue = [];
  let sending = false;

  // ---- what is not sent yet: kept by the browser, so that a reload loses nothing

  // Each person's wait under a name of their own: who takes the device over neither sends nor loses those of another.
  const mine = () => `${STORE}.${body.dataset.person}`;

  // Those of whoever scanned before each had a name of their own go under theirs, once, before any that came since.
  function move() {
    try {
      const { person, scans } = JSON.parse(localStorage.getItem(STORE) || "{}");
      if (person && Array.isArray(scans) && scans.length) {
        const since = JSON.parse(localStorage.getItem(`${STORE}.${person}`) || "[]");
        localStorage.setItem(`${STORE}.${person}`, JSON.stringify([...scans, ...since]));
      }
    } catch { /* nothing that can be read, or no room: */ return; }
    localStorage.removeItem(STORE);
  }

  function load() {
    move();
    try { queue = JSON.parse(localStorage.getItem(mine()) || "[]"); } catch { queue = []; }
    if (!queue.length) tell(others());
  }

  // Who waits with scans on this device, and how many: told, so that they enter again and send them.
  function others() {
    const waiting = [];
    try {
      for (const name of Object.keys(localStorage)) {
        if (!name.startsWith(`${STORE}.`) || name === mine()) continue;
        const n = JSON.parse(localStorage.getItem(name)).length;
        if (n) waiting.push(body.dataset.others.replaceAll("%who", name.slice(STORE.length + 1)).replace("%n", n));
      }
    } catch { /* nothing that can be read */ }
    return waiting.join(" ");
  }

  function save() {
    try {
      if (queue.length) localStorage.setItem(mine(), JSON.stringify(queue));
      else localStorage.removeItem(mine());
    } catch { /* in memory, then */ }
  }

  function key() {
    if (crypto.randomUUID) return crypto.randomUUID();
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function tell(text) {
    $("#unsent").textContent = text;
    $("#unsent").hidden = !text;
  }

  // What is scanned before the answer to the scan before is meant for the screen which that answer brings. A button that
  // is tapped twice is tapped once.
  function push(scan, at, tapped) {
    const last = queue[queue.length - 1];
    if (tapped && last && last.tapped && last.scan === scan && last.at === at) return;
    queue.push({ url: location.pathname, key: key(), scan, at: at || "", tapped: tapped || false, follows: queue.length > 0 });
    save();
    pump();
  }

  async function pump() {
    if (sending) return;
    sending = true;
    while (queue.length) {
      if (queue[0].follows) { Object.assign(queue[0], { url: location.pathname, follows: false }); save(); }
      const answer = await send(queue[0]);
      if (answer && answer.status === 500 && (queue[0].faults = (queue[0].faults || 0) + 1) >= FAULTS) { giveUp(); break; }
      if (!answer || answer.status >= 500) { tell(body.dataset.waits.replace("%n", queue.length)); break; }
      if (new URL(answer.url).pathname.startsWith("/login/")) { location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`); break; }
      const text = await answer.text().catch(() => null);
      if (text === null) { tell(body.dataset.waits.replace("%n", queue.length)); break; }
      const { tapped } = queue.shift();
      save();
      tell("");
      const wrong = show(text, answer);
      if (tapped) settle();
      if (wrong && queue.length) {
        tell(body.dataset.dropped.replace("%n", queue.length));
        queue = [];
        save();
      }
    }
    sending = false;
  }

  // What the server fails over again and again is no matter of the connection, nor of the database (503): nobody waits
  // for it. What follows it is dropped as after a wrong scan, and told.
  function giveUp() {
    const after = queue.length - 1;
    queue = [];
    save();
    tell([body.dataset.strange, after && body.dataset.dropped.replace("%n", after)].filter(Boolean).join(" "));
    sound("wrong");
  }

  function send(one) {
    const form = new FormData();
    for (const [name, value] of Object.entries({ key: one.key, scan: one.scan, at: one.at })) form.append(name, value);
    const token = $("[name=csrfmiddlewaretoken]");
    return fetch(one.url, { method: "POST", body: form, credentials: "same-origin", headers: { "X-CSRFToken": token ? token.value : "" }, signal: AbortSignal.timeout(ANSWER_MS) })
      .catch(() => null);
  }

  function show(text, answer) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.querySelector("#screen");
    if (!fresh) { tell(body.dataset.strange); sound("wrong"); return true; }
    stopCamera();
    const typed = $("#code") ? $("#code").value : ""; // the scanner is quicker than the answer
    $("#screen").replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    history.replaceState(null, "", new URL(answer.url).pathname);
    ready();
    if ($("#code")) $("#code").value = typed;
    const said = fresh.dataset.said === "wrong" ? "wrong" : "right";
    sound(said);
    return said === "wrong";
  }

  function settle() {
    const buttons = document.querySelectorAll(".taps button");
    for (const one of buttons) one.disabled = true;
    setTimeout(() => { for (const one of buttons) one.disabled = false; }, SETTLE_MS);
  }

  // ---- heard and felt

  let audio;
  function sound(said) {
    body.dataset.flash = said;
    setTimeout(() => { delete body.dataset.flash; }, 700);
    if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) navigator.vibrate(said === "wrong" ? [250, 100, 250] : 60);
    try {
      audio = audio || new AudioContext();
      const notes = said === "wrong" ? [[196, 0, .25], [147, .3, .35]] : [[1047, 0, .09]];
      for (const [hertz, from, length] of notes) {
        const tone = audio.createOscillator();
        const volume = audio.createGain();
        tone.type = said === "wrong" ? "square" : "sine";
        tone.frequency.value = hertz;
        volume.gain.value = said === "wrong" ? .4 : .25;
        tone.connect(volume).connect(audio.destination);
        tone.start(audio.currentTime + from);
        tone.stop(audio.currentTime + from + length);
      }
    } catch { /* no sound here; words and color say it */ }
  }

  // ---- a scanner types like a keyboard, and ends with Enter or Tab

  // Where only buttons answer, a scan is sent all the same: what is wrong with it is told, and it presses no button.
  let unasked = "";
  let unaskedAt = 0;
  function hearUnasked(event) {
    if (!$("#scan[data-hears]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.timeStamp - unaskedAt > PAUSE_MS) unasked = "";
    unaskedAt = event.timeStamp;
    if (event.key.length === 1 && (unasked || event.key !== " ")) unasked += event.key;
    if ((event.key !== "Enter" && event.key !== "Tab") || !unasked) return;
    event.preventDefault();
    push(unasked);
    unasked = "";
  }

  document.addEventListener("keydown", (event) => {
    const field = $("#code");
    if (!field) { hearUnasked(event); return; }
    if (event.ctrlKey && event.key === "]") { // how many scanners type the separator of GS1
      event.preventDefault();
      field.value += GS;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target.closest("button, a, summary") !== null;
    if (event.key.length === 1 && event.target !== field && !(onButton && event.key === " ")) field.focus();
    if (event.key === "Tab" && !event.shiftKey && event.target === field && field.value) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });

  document.addEventListener("submit", (event) => {
    if ("whole" in event.target.dataset) return; // it has files, which no queue keeps
    const form = event.target;
    if (!form.matches("#scan, .taps") || form.getAttribute("action")) return;
    event.preventDefault();
    const said = event.submitter && event.submitter.name === "scan" ? event.submitter.value : form.elements.scan.value;
    if (form.id === "scan") form.elements.scan.value = "";
    if (said.trim()) push(said, form.elements.at ? form.elements.at.value : "", form.matches(".taps"));
  });

  // ---- the camera, where the browser can read barcodes

  let stream;
  function stopCamera() {
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = undefined;
    const view = $("[data-view]");
    if (view) view.hidden = true;
  }

  async function camera() {
    const view = $("[data-view]");
    if (stream) { stopCamera(); return; }
    if (!("BarcodeDetector" in window && navigator.mediaDevices)) { tell(body.dataset.blind); return; }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch { tell(body.dataset.shut); return; }
    tell("");
    view.srcObject = stream;
    view.hidden = false;
    await view.play();
    const reader = new BarcodeDetector();
    const look = async () => {
      if (!stream) return;
      const found = await reader.detect(view).catch(() => []);
      if (stream && found.length) { stopCamera(); push(found[0].rawValue); return; }
      requestAnimationFrame(look);
    };
    look();
  }

  document.addEventListener("click", (event) => { if (event.target.closest("[data-camera]")) camera(); });

  function ready() {
    const button = $("[data-camera]");
    if (button) button.hidden = false;
    const field = $("#code");
    if (field) field.focus({ preventScroll: true });
  }

  load();
  ready();
  if ($("#screen").dataset.said === "wrong") sound("wrong");
  pump();
  window.addEventListener("online", pump);
  setInterval(pump, TRY_MS);
})();
