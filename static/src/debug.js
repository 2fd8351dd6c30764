// @ts-check
/** Loaded by `data-debug`: the moods, what speaks for them, and every frame, in a corner of the page. */

import { card, make } from "./card.js";

const CSS = `:host{inset:auto auto 9px 9px}pre{background:#15151f;color:#dde;border-radius:9px;padding:9px;margin:0;font:12px/1.4 monospace;width:340px;max-height:50vh;overflow:auto}`;
const FRAMES = 40;
const BAR = 20;

/** @param {any} inside */
export default ({ on, mood }) => {
  const now = make("div");
  const frames = make("ul");
  card("session-mood-debug", CSS, make("pre", {}, now, frames));
  const draw = (/** @type {any} */ reading) => {
    if (!reading) return;
    const { mood, label = mood, confidence, scores, because, suggested_action } = reading;
    now.textContent = [
      `${label} ${confidence} → ${suggested_action}`,
      ...Object.entries(scores).map(([name, score]) => (name === mood ? label : name).padEnd(12) + "█".repeat(score * BAR)),
      ...because.map((/** @type {any} */ { points, text }) => points.toFixed(2) + " " + text),
    ].join("\n");
  };
  on("reading", draw);
  on("frame", (/** @type {any} */ frame, /** @type {boolean} */ out) => {
    // The key is public, the token is not everybody's.
    const text = JSON.stringify(frame, (name, value) => (/key|token/.test(name) ? "…" : value));
    frames.prepend(make("li", {}, (out ? "↑ " : "↓ ") + text));
    frames.children[FRAMES]?.remove();
  });
  draw(mood());
};
