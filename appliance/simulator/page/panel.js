// The page of the front panel: draws what it is told, and says what hands do. It decides nothing.
// What is typed for the box goes down the WebSocket key by key; nothing here keeps, shows or logs it.

const LAYOUT = "123A456B789C*0#D";
const UNDER = { A: "accepter", B: "précédent", C: "suivant", D: "refuser", "*": "effacer", "#": "valider" };
const holder = (event) => event.code || event.key.toUpperCase(); // some keyboards name no code
const TYPED = { Enter: "#", Backspace: "*", Escape: "D" };
const COLOURS = [
  "éteint", "bleu", "vert", "turquoise", "rouge", "violet", "jaune", "blanc",
].map((word, at) => [word, `rgb(${at & 4 ? 255 : 50} ${at & 2 ? 240 : 50} ${at & 1 ? 240 : 50})`]);
const STATUS = { degraded: "Boîtier en ligne, une partie en panne", starting: "Boîtier : démarrage" };
const SIGNS = { asked: "→", heard: "←", good: "✓", bad: "✗", desk: "·" };
const KEPT = 300;
const LIT = [213, 236, 255], DARK = [6, 8, 10];
const DRAG = 6; // pixels a pointer moves before a press is a drag
const AGAIN = 1000; // milliseconds between two tries to connect

const find = (id) => document.getElementById(id);
const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

const grouped = (rows) => {
  const groups = new Map();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return [...groups];
};

// On a phone the box is far from what asks it something.
function goTo(id) {
  find(id).focus({ preventScroll: true });
  find("box").scrollIntoView({ block: "nearest" });
}

let socket = null;
let hello = null;
let state = null;
let last = null; // the card that i puts in

const say = (message) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
};

// --- the display -----------------------------------------------------------------------------------------------------

const glass = find("glass");
const ink = glass.getContext("2d");

function draw({ pixels, lines }) {
  const packed = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
  const picture = ink.createImageData(128, 64);
  for (let at = 0; at < 128 * 64; at++) {
    const colour = packed[at >> 3] & (0x80 >> (at & 7)) ? LIT : DARK;
    picture.data.set(colour, at * 4);
    picture.data[at * 4 + 3] = 255;
  }
  ink.putImageData(picture, 0, 0);
  const text = lines.join(". ");
  if (find("said").textContent !== text) find("said").textContent = text;
}

function fit() {
  // a whole number of the screen's own pixels for each of the box's
  const ratio = window.devicePixelRatio || 1;
  const scale = Math.max(1, Math.floor((find("window").clientWidth * ratio) / 128)) / ratio;
  glass.style.width = `${128 * scale}px`;
}
new ResizeObserver(fit).observe(find("window"));

// --- the keypad ------------------------------------------------------------------------------------------------------

const caps = new Map();
const holding = new Map(); // what holds a key (a pointer, a key of the keyboard) -> key of the box

function hold(holder, key) {
  if (holding.has(holder)) return;
  holding.set(holder, key);
  caps.get(key).classList.add("down");
  say({ type: "down", key });
}

function release(holder) {
  const key = holding.get(holder);
  if (!holding.delete(holder)) return;
  if (![...holding.values()].includes(key)) {
    caps.get(key).classList.remove("down");
    say({ type: "up", key });
  }
}

const releaseAll = () => [...holding.keys()].forEach(release);

for (const key of LAYOUT) {
  const cap = make("button", { type: "button", className: "key", textContent: key, tabIndex: key === "1" ? 0 : -1 });
  if (UNDER[key]) {
    cap.append(make("small", { textContent: UNDER[key] }));
    cap.setAttribute("aria-label", `${{ "*": "étoile", "#": "dièse" }[key] ?? key}, ${UNDER[key]}`);
  }
  cap.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // the focus stays where it was: Enter is # after a click, too
    hold(event.pointerId, key);
  });
  cap.addEventListener("contextmenu", (event) => event.preventDefault());
  cap.addEventListener("click", (event) => {
    if (event.detail !== 0 || event.pointerType) return; // a pointer's press was sent already
    hold("assistive", key);
    release("assistive");
  });
  caps.set(key, cap);
  find("keys").append(cap);
}

find("keys").addEventListener("keydown", (event) => {
  const cells = [...caps.values()];
  const at = cells.indexOf(event.target);
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -4, ArrowDown: 4 }[event.key];
  if (at < 0 || (step === undefined && event.key !== " ")) return;
  event.preventDefault();
  if (event.key === " ") {
    if (!event.repeat) hold("space", LAYOUT[at]);
    return;
  }
  const next = cells[at + step];
  if (!next || (Math.abs(step) === 1 && at >> 2 !== (at + step) >> 2)) return;
  cells.forEach((cap) => (cap.tabIndex = cap === next ? 0 : -1));
  next.focus();
});
find("keys").addEventListener("keyup", (event) => {
  if (event.key === " ") {
    event.preventDefault(); // or the button would be clicked as well
    release("space");
  }
});

const WRITES = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";
const ACTS = "button:not(.key), summary, a, input";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest(WRITES)) return;
  if (event.key === "Enter" && event.target.closest(ACTS)) return; // it is the button's
  const letter = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const key = TYPED[event.key] ?? (LAYOUT.includes(letter) ? letter : null);
  if (key) {
    event.preventDefault();
    if (!event.repeat) hold(holder(event), key);
  } else if (!event.repeat && letter === "I") {
    const card = last ?? hello?.tray[0]?.name;
    if (card) say({ type: "insert", card });
  } else if (!event.repeat && letter === "R") {
    say({ type: "remove" });
  }
});
document.addEventListener("keyup", (event) => release(holder(event)));
// wherever the pointer is by then: a key that left the page's view must not stay down
for (const name of ["pointerup", "pointercancel"]) {
  window.addEventListener(name, (event) => release(event.pointerId));
}
window.addEventListener("blur", releaseAll);
document.addEventListener("visibilitychange", releaseAll);

// A click of the mouse leaves no focus behind on a button: the next Enter is the box's.
document.addEventListener("click", (event) => {
  if (event.detail > 0) event.target.closest("button, summary")?.blur();
});

// --- cards -----------------------------------------------------------------------------------------------------------

const slot = find("slot");
const inside = find("inside");
const offer = (name) => hello?.tray.find((card) => card.name === name);

function face(card) {
  return [
    make("b", { textContent: card.title }),
    make("span", { className: "who", textContent: card.holder }),
    make("span", { className: "what", textContent: card.about }),
  ];
}

function over(event) {
  const place = slot.getBoundingClientRect();
  return event.clientX > place.left && event.clientX < place.right
    && event.clientY > place.top - 24 && event.clientY < place.bottom;
}

function draggable(element, card, drop) {
  // pointer events, as HTML's own drag and drop does not know fingers
  element.addEventListener("pointerdown", (start) => {
    const name = card();
    if (start.button !== 0 || !name || element.classList.contains("away")) return;
    if (start.pointerType === "touch" && getComputedStyle(element).touchAction !== "none") return; // it scrolls
    if (start.pointerType === "mouse") start.preventDefault(); // no focus: the next Enter is the box's
    let held = null;
    const move = (event) => {
      if (!held && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < DRAG) return;
      if (!held) {
        held = make("div", { className: "card held" }, ...face(offer(name)));
        document.body.append(held);
      }
      held.style.left = `${event.clientX - 75}px`;
      held.style.top = `${event.clientY - 30}px`;
      slot.classList.toggle("ready", over(event));
    };
    const end = (event) => {
      for (const [kind, listener] of listeners) window.removeEventListener(kind, listener);
      slot.classList.remove("ready");
      if (!held) return;
      held.remove();
      const eat = (click) => click.stopImmediatePropagation(); // a drag ends with a click that nobody meant
      element.addEventListener("click", eat, true);
      setTimeout(() => element.removeEventListener("click", eat, true));
      if (event.type === "pointerup") drop(name, over(event));
    };
    const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
    for (const [kind, listener] of listeners) window.addEventListener(kind, listener);
  });
}

function lay() {
  const beds = { first: [], others: [] };
  for (const card of hello.tray) {
    const element = make("button", { type: "button", className: "card" }, ...face(card));
    element.dataset.card = card.name;
    element.setAttribute("aria-label", `Insérer : ${card.title}, ${card.about}`);
    element.addEventListener("click", () => {
      if (!element.classList.contains("away")) {
        say({ type: "insert", card: card.name });
        goTo("slot");
      }
    });
    draggable(element, () => card.name, (name, hit) => hit && say({ type: "insert", card: name }));
    beds[card.first ? "first" : "others"].push(element);
  }
  find("first").replaceChildren(...beds.first);
  find("others").replaceChildren(...beds.others);
  find("more").hidden = beds.others.length === 0;
  find("tray").hidden = hello.tray.length === 0;
}

draggable(inside, () => state?.card, (_name, hit) => hit || say({ type: "remove" }));
find("remove").addEventListener("click", () => {
  say({ type: "remove" });
  goTo("slot");
});
find("renew").addEventListener("click", () => last && say({ type: "renew", card: last }));

function showCard() {
  const card = offer(state.card);
  last = state.card ?? last;
  inside.hidden = find("remove").hidden = !card;
  inside.replaceChildren(...(card ? face(card) : []));
  find("slot-word").hidden = Boolean(card);
  find("slot-word").textContent = !state.plugged ? "Le lecteur est débranché"
    : state.foreign ? "Mettez la carte dans le lecteur, à la main" : "Glissez une carte ici";
  for (const element of document.querySelectorAll("[data-card]")) {
    element.classList.toggle("away", element.dataset.card === state.card);
    element.setAttribute("aria-disabled", element.dataset.card === state.card);
  }
  const known = offer(last) ?? hello.tray[0];
  const [code, unblock] = known?.letter.match(/\d+/g) ?? [];
  find("letter").replaceChildren();
  if (code) {
    find("letter").append(
      `Courrier de ${known.title} : code `, make("b", { textContent: code }),
      ", déblocage ", make("b", { textContent: unblock }),
    );
    find("start-code").textContent = code;
  } else if (known) {
    find("letter").append(`${known.title} : pas de code.`);
  }
  find("renew").disabled = !last;
}

// --- lights and standing ---------------------------------------------------------------------------------------------

function light(id, on, word) {
  find(id).classList.toggle("on", on);
  if (find(`${id}-word`).textContent !== word) find(`${id}-word`).textContent = word;
}

let dark = 0;
function lamp([red, green, blue]) {
  const [word, colour] = COLOURS[red * 4 + green * 2 + blue * 1];
  const on = red || green || blue;
  clearTimeout(dark);
  find("lamp").classList.toggle("on", on);
  if (on) {
    find("lamp").style.color = colour;
    find("lamp-word").textContent = word;
  } else { // a lamp that blinks keeps its name
    dark = setTimeout(() => (find("lamp-word").textContent = word), 1200);
  }
}

let beeping = 0;
function showLights(before) {
  lamp(state.lamp);
  light("relay", state.relay, state.relay ? "ouverte" : "fermée");
  light("cover", state.cover, state.cover ? "ouvert" : "fermé");
  glass.style.opacity = state.light === null ? 1 : 0.4 + (0.6 * state.light) / 255; // off: the picture is black
  if (before && state.beeps > before.beeps) {
    clearTimeout(beeping);
    light("buzzer", true, "bip");
    beeping = setTimeout(() => light("buzzer", false, "muet"), 250);
  }
}

function showStanding() {
  const parts = [
    ["Boîtier en ligne", STATUS[state.status] ?? "Boîtier hors ligne", state.status === "online"],
    ["", "coffre arrêté", state.vault],
    ["", "passerelle arrêtée", state.gateway],
    ["", "courtier arrêté", state.broker !== false],
    ["", "lecteur débranché", state.plugged],
  ];
  find("standing").replaceChildren(
    ...parts.filter(([well, , up]) => well || !up).map(([well, ill, up]) =>
      make("span", { className: up ? "up" : "down", textContent: up ? `● ${well}` : `○ ${ill}` })),
  );
  find("faults").querySelectorAll("button[aria-pressed]").forEach((button) => {
    button.setAttribute("aria-pressed", state.on.includes(button.dataset.fault));
  });
}

// --- the practice software -------------------------------------------------------------------------------------------

const form = find("ask");
const sample = () => hello.samples.find(({ name }) => name === find("what").value);

function laySamples() {
  find("what").replaceChildren(...grouped(hello.samples).map(([label, rows]) =>
    make("optgroup", { label }, ...rows.map(({ name, title }) => make("option", { value: name, textContent: title })))));
  find("title").value = hello.title;
  find("text").value = hello.text;
  showSample();
}

function showSample() {
  find("about").textContent = sample().about;
  find("own").hidden = !sample().own;
  find("format").hidden = !sample().signs;
}

find("what").addEventListener("change", showSample);
find("cancel").addEventListener("click", () => say({ type: "cancel" }));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, own, signs } = sample();
  say({
    type: "ask",
    what: name,
    ...(own && { title: find("title").value, text: find("text").value }),
    ...(signs && { format: form.elements.format.value, spoil: find("spoil").checked }),
  });
  goTo("keys"); // what comes next is on the box
});

function showDossier(dossier) {
  const id = `dossier-${dossier.number}`;
  const row = make("li", { id, className: dossier.stage }, make("b", { textContent: dossier.title }));
  row.append(make("p", { textContent: dossier.phase, className: dossier.stage === "failed" ? "bad" : "" }));
  for (const { about, good } of dossier.checks) {
    row.append(make("p", { className: good ? "good" : "bad", textContent: `${good ? "✓" : "✗"} ${about}` }));
  }
  if (dossier.detail) row.append(make("p", { className: "detail", textContent: dossier.detail }));
  const before = find(id);
  if (before) before.replaceWith(row);
  else find("dossiers").prepend(row);
  while (find("dossiers").children.length > 20) find("dossiers").lastChild.remove();
}

// --- faults and messages ---------------------------------------------------------------------------------------------

function layFaults() {
  const button = (fault) => {
    const made = make("button", { type: "button", textContent: fault.title, title: fault.about });
    made.dataset.fault = fault.name;
    if (fault.lasts) made.setAttribute("aria-pressed", "false");
    made.addEventListener("click", () => say({ type: "flip", fault: fault.name }));
    return made;
  };
  find("faults").replaceChildren(...grouped(hello.switches).map(([title, rows]) =>
    make("div", { className: "group" }, make("h3", { textContent: title }), make("div", {}, ...rows.map(button)))));
}

function showEntry({ at, tone, topic, text }) {
  const row = make("li", { className: tone }, make("time", { textContent: at }));
  row.append(make("span", { className: `sign ${tone}`, textContent: SIGNS[tone] }));
  if (topic) row.append(make("b", { textContent: topic }), make("span", { className: "data", textContent: text }));
  else row.append(make("span", { className: tone, textContent: text }));
  find("log").prepend(row);
  while (find("log").children.length > KEPT) find("log").lastChild.remove();
}

// --- journeys --------------------------------------------------------------------------------------------------------

const ENDED = { done: "good", failed: "bad", stopped: "" };
const script = () => hello.journeys.find(({ name }) => name === find("journey").value);

function layJourneys() {
  find("show").hidden = hello.journeys.length === 0;
  if (find("show").hidden) return;
  find("journey").replaceChildren(...grouped(hello.journeys.map((one) => ({ ...one, group: one.part }))).map(
    ([label, rows]) => make("optgroup", { label }, ...rows.map(({ name, title }) =>
      make("option", { value: name, textContent: title })))));
  showScript();
}

function showScript() {
  find("purpose").textContent = script().purpose;
  find("steps").replaceChildren(...script().steps.map((step) => make("li", { textContent: step })));
}

function showPlaying({ name, step, stage, said }) {
  const busy = stage === "playing" || stage === "paused";
  if (name && find("journey").value !== name) {
    find("journey").value = name;
    showScript();
  }
  find("journey").disabled = find("play").disabled = busy;
  find("pause").disabled = find("stop").disabled = !busy;
  find("pause").setAttribute("aria-pressed", stage === "paused");
  find("pause").textContent = stage === "paused" ? "Reprendre" : "Pause";
  [...find("steps").children].forEach((row, at) => {
    row.className = at + 1 < step || stage === "done" ? "past" : at + 1 === step ? (stage === "failed" ? "bad" : "here") : "";
    if (at + 1 === step && busy) {
      row.setAttribute("aria-current", "step");
      const list = find("steps"); // the list moves, never the page
      list.scrollTop = row.offsetTop - list.offsetTop - list.clientHeight / 2;
    } else row.removeAttribute("aria-current");
  });
  find("now").className = ENDED[stage] ?? "";
  find("now").textContent = busy ? (step ? `Étape ${step} sur ${script().steps.length}` : "Le banc est préparé…") : said;
}

find("journey").addEventListener("change", showScript);
find("play").addEventListener("click", () => say({ type: "play", journey: find("journey").value }));
find("pause").addEventListener("click", () => say({ type: "pause" }));
find("stop").addEventListener("click", () => say({ type: "stop" }));

// --- the connection --------------------------------------------------------------------------------------------------

const HEAR = {
  hello(message) {
    hello = message;
    find("listen").textContent = message.listen;
    find("log").replaceChildren();
    find("dossiers").replaceChildren();
    lay();
    laySamples();
    layFaults();
    layJourneys();
  },
  frame: draw,
  state(message) {
    const before = state;
    state = message;
    showCard();
    showLights(before);
    showStanding();
  },
  entry: showEntry,
  dossier: showDossier,
  playing: showPlaying,
};

function connect() {
  const address = new URL("ws", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    holding.clear();
    state = null;
    find("lost").hidden = true;
  });
  socket.addEventListener("message", ({ data }) => {
    const { type, ...message } = JSON.parse(data);
    HEAR[type](message);
  });
  socket.addEventListener("close", () => {
    find("lost").textContent = "La façade ne répond plus : le banc est arrêté, ou se relance.";
    find("lost").hidden = false;
    setTimeout(connect, AGAIN);
  });
}
connect();
