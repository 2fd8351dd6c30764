// @ts-check
/** The demo shop: what its buttons do (and don't), and the live panel beside it. */

/** @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);

// ---- the shop

let items = 0;
at("cart").addEventListener("click", () => {
  const basket = at("basket");
  basket.textContent = items ? `${items} ${items === 1 ? "piece" : "pieces"} in your basket. Checkout is at the end of the page.` : "Your basket is empty.";
  basket.hidden = !basket.hidden;
});
for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => {
    const output = /** @type {HTMLOutputElement} */ (button.parentElement?.querySelector("output"));
    output.value = String(Math.max(1, Number(output.value) + Number(/** @type {HTMLElement} */ (button).dataset.step)));
  });
}
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".add"))) {
  button.addEventListener("click", () => {
    items += Number(button.parentElement?.querySelector("output")?.value);
    at("count").value = items;
    button.textContent = "Added ✓";
    setTimeout(() => (button.textContent = "Add"), 1200);
  });
}
at("warmth").addEventListener("input", (/** @type {any} */ event) => {
  document.documentElement.style.setProperty("--glaze-turn", event.target.value + "deg");
});
// Broken on purpose: "Apply" has no handler, and the delivery date takes its time without a sign.
at("delivery").addEventListener("click", () => {
  setTimeout(() => (at("date").value = "Thursday, if you order today"), 2300);
});
let attempts = 0;
at("pay").addEventListener("submit", async (/** @type {Event} */ event) => {
  event.preventDefault();
  const problem = at("problem");
  const empty = ["name", "email", "address"].filter((id) => !at(id).value);
  for (const id of ["name", "email", "address"]) at(id).setAttribute("aria-invalid", empty.includes(id));
  problem.hidden = true;
  if (empty.length) {
    problem.textContent = "Please fill in " + empty.join(", ") + ".";
    problem.hidden = false;
    return;
  }
  // The first two tries go to an address that does not exist: a real failing request.
  if (++attempts < 3) await fetch("/demo/pay", { method: "POST" }).catch(() => {});
  else page.SessionMood?.goal("order");
  problem.textContent = attempts < 3 ? "Something went wrong. Please try again." : "Thank you! Your order is on its way.";
  problem.hidden = false;
});

// ---- the panel

const page = /** @type {any} */ (window);
const COLOURS = { frustrated: "#f0565b", confused: "#f5a524", bored: "#9b9da9", curious: "#4ea7f5", engaged: "#35c286", satisfied: "#a37bf5" };
const SMILES = {
  frustrated: "M32 74Q50 58 68 74", confused: "M34 70Q44 62 52 68T68 64", bored: "M34 68L66 68",
  curious: "M44 70Q50 62 56 70Q50 78 44 70", engaged: "M34 64Q50 76 66 64", satisfied: "M28 60Q50 86 72 60",
};
const BROWS = {
  frustrated: "M24 26L42 34M76 26L58 34", confused: "M26 30L42 26M58 24L76 32", bored: "M26 34L44 34M56 34L74 34",
  curious: "M26 24Q35 18 44 24M56 24Q65 18 74 24", engaged: "M26 28Q35 24 44 28M56 28Q65 24 74 28", satisfied: "M26 30Q35 22 44 30M56 30Q65 22 74 30",
};
const ACTIONS = {
  offer_help: "offer help", show_guidance: "show guidance", re_engage: "offer something else", highlight_features: "show what is new",
  none: "do not interrupt", ask_feedback: "ask for feedback",
};
const STREAM = 14;
const WARM_UP_MS = 20000;

/** @param {string} tag @param {object} [fields] @param {...(Node | string)} children @returns {any} */
const make = (tag, fields, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};
const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, {row: any, bar: Element}>} */
const bars = {};
for (const mood of Object.keys(COLOURS)) {
  const bar = document.createElementNS(SVG, "rect");
  bar.setAttribute("fill", COLOURS[/** @type {keyof typeof COLOURS} */ (mood)]);
  const track = document.createElementNS(SVG, "svg");
  track.append(bar);
  const row = make("p", {}, mood, track);
  bars[mood] = { row, bar };
  at("bars").append(row);
}

/** @param {any} reading */
const draw = (reading) => {
  const { mood, label = mood, confidence, suggested_action, scores, because } = reading;
  const name = /** @type {keyof typeof COLOURS} */ (mood);
  at("live").style.setProperty("--mood", COLOURS[name]);
  at("mood").textContent = label;
  at("sure").textContent = Math.round(confidence * 100) + " % sure";
  // Every visit starts as engaged: until something else speaks for it, that says nothing.
  const early = because.every((/** @type {any} */ { signal, points }) => signal === "arrived" || points <= 0);
  const action = ACTIONS[/** @type {keyof typeof ACTIONS} */ (suggested_action)] || suggested_action;
  at("line").textContent = mood === "engaged" && early ? "too early to say" : `suggested: ${action}`;
  at("smile").setAttribute("d", SMILES[name]);
  at("brows").setAttribute("d", BROWS[name]);
  for (const [mood, { row, bar }] of Object.entries(bars)) {
    row.className = mood === name ? "on" : "";
    if (mood === name) row.firstChild.data = label;
    bar.setAttribute("width", scores[mood] * 100 + "%");
  }
  const lines = because.map((/** @type {any} */ { text, points }) =>
    make("li", { className: points < 0 ? "less" : "" }, text, make("b", {}, (points > 0 ? "+" : "") + points.toFixed(1))),
  );
  at("because").replaceChildren(...(lines.length ? lines : [make("li", {}, "Nothing any more: it fades.")]));
};

const started = Date.now();
/** There the script does not wait for a visit's first seconds to pass: see `development` in docs/browser.md. */
const local = /^(localhost|127\.|\[::1)|\.localhost$/.test(location.hostname);
let offered = "";
const tellHelp = () => {
  const left = local ? 0 : Math.ceil((started + WARM_UP_MS - Date.now()) / 1000);
  at("help").textContent = offered || (left > 0 ? `Nobody is interrupted in the first 20 seconds: ${left} to go.` : "Offered when frustration holds and the moment is right.");
};
tellHelp();
setInterval(tellHelp, 1000);

const watch = () => {
  // Works before the script has come (an array that it takes over) and after (its own `push`).
  const SessionMood = (page.SessionMood ||= []);
  if (SessionMood.mood?.()) draw(SessionMood.mood());
  SessionMood.push(["on", "reading", draw]);
  SessionMood.push(["on", "help", (/** @type {any} */ offer) => {
    const tell = (/** @type {string} */ what) => {
      offered = what;
      tellHelp();
    };
    tell("Offered just now.");
    offer.onAccept = () => tell("Accepted. On a real page your chat or your help would open now.");
  }]);
  SessionMood.push(["on", "event", (/** @type {any} */ event) => {
    const { type, at: when, ...rest } = event;
    const facts = Object.values(rest).filter((value) => value !== undefined).join(" ");
    const stream = at("stream");
    stream.prepend(make("li", {}, make("b", {}, type), " " + facts));
    stream.children[STREAM]?.remove();
  }]);
  const key = location.hash.startsWith("#pk_") ? location.hash.slice(1) : "";
  if (key) {
    SessionMood.push(["init", { key }]);
    history.replaceState(null, "", location.pathname);
  }
  const given = /** @type {HTMLElement} */ (document.querySelector("script[data-key]")).dataset.key;
  if (!key && !given) {
    at("nokey").hidden = false;
    at("nokey").textContent = "This server has no development key. Make one with “sessionmood keys create --kind pk”, and open /demo#pk_… with it.";
  }
};
watch();

at("handle").addEventListener("click", () => {
  const open = at("live").classList.toggle("open");
  at("handle").setAttribute("aria-expanded", open);
});
