// @ts-check
/** Loaded by `data-debug`: the moods, what speaks for them, and every frame, in a corner of the page. */

import { card, make } from "./card.js";

const CSS = `:host{inset:auto auto 9px 9px;width:340px}details{background:#15151f;color:#dde;border-radius:9px;padding:8px;font:12px/1.4 monospace}
p{display:flex;margin:0}meter{flex:1}b{width:9em}ul{margin:6px 0 0;padding:0;list-style:none;max-height:11em;overflow:auto;white-space:nowrap}`;
const FRAMES = 40;

/** @param {any} inside */
export default ({ on, mood }) => {
  const title = make("summary", {}, "SessionMood");
  const bars = make("div");
  const reasons = make("ul");
  const frames = make("ul");
  card("session-mood-debug", CSS, make("details", { open: true }, title, bars, reasons, frames));
  const draw = (/** @type {any} */ reading) => {
    if (!reading) return;
    title.textContent = `${reading.mood} ${reading.confidence} → ${reading.suggested_action}`;
    bars.replaceChildren(
      ...Object.entries(reading.scores).map(([name, value]) => make("p", {}, make("b", {}, name), make("meter", { value }))),
    );
    reasons.replaceChildren(
      ...reading.because.map((/** @type {any} */ { points, text }) => make("li", {}, `${points.toFixed(2)} ${text}`)),
    );
  };
  on("reading", draw);
  on("frame", (/** @type {any} */ frame, /** @type {boolean} */ out) => {
    // The key is public, the token is not everybody's.
    const text = JSON.stringify(frame, (name, value) => (/key|token/.test(name) ? "…" : value));
    frames.prepend(make("li", { title: text }, (out ? "↑ " : "↓ ") + text));
    frames.children[FRAMES]?.remove();
  });
  draw(mood());
};
