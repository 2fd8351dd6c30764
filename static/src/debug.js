// @ts-check
/** Loaded by `data-debug`: the moods, what speaks for them, and every frame, in a corner of the page. */

const CSS = `:host{all:initial;position:fixed;inset:auto auto 12px 12px;z-index:2147483001;width:min(340px,calc(100vw - 24px));font:12px/1.4 ui-monospace,monospace;color:#e8e8f0}
details{background:#15151fee;border-radius:10px;padding:8px 12px;box-shadow:0 6px 24px #0006}summary{cursor:pointer;font-weight:700}
p{display:grid;grid-template-columns:8em 1fr 3em;gap:6px;margin:2px 0}meter{width:100%;height:1em}
ul,ol{margin:6px 0 0;padding:0;list-style:none;max-height:11em;overflow:auto}li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}ol{color:#9d9db8;border-top:1px solid #fff2;padding-top:6px}`;
const FRAMES = 40;

/** @param {string} tag @param {object} [fields] @param {...(Node | string)} children @returns {any} */
const make = (tag, fields, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};

/** @param {any} inside */
export default ({ on, mood }) => {
  const host = make("session-mood-debug");
  host.setAttribute("data-sessionmood-ignore", "");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
  const title = make("summary", {}, "SessionMood …");
  const bars = make("div");
  const reasons = make("ul");
  const frames = make("ol");
  root.append(make("details", { open: true }, title, bars, reasons, frames));
  const draw = (/** @type {any} */ reading) => {
    if (!reading) return;
    title.textContent = `${reading.mood} ${reading.confidence} → ${reading.suggested_action}`;
    bars.replaceChildren(
      ...Object.entries(reading.scores).map(([name, value]) => make("p", {}, name, make("meter", { value }), value.toFixed(2))),
    );
    reasons.replaceChildren(
      ...reading.because.map((/** @type {any} */ line) => make("li", {}, `${line.points > 0 ? "+" : ""}${line.points} ${line.text}`)),
    );
  };
  on("reading", draw);
  on("frame", (/** @type {any} */ frame, /** @type {boolean} */ out) => {
    // The key is public, the token is not everybody's.
    const text = JSON.stringify(frame, (name, value) => (/key|token/.test(name) ? "…" : value));
    frames.prepend(make("li", { title: text }, (out ? "↑ " : "↓ ") + text));
    frames.children[FRAMES]?.remove();
  });
  on("stop", (/** @type {string} */ why) => (title.textContent = "stopped: " + why));
  document.documentElement.append(host);
  draw(mood());
};
