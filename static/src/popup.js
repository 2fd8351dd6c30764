// @ts-check
/** The built-in help card. It never takes the focus from what the visitor is doing; Escape sends it away. */

import { card, make } from "./card.js";

const CSS = `:host{inset:auto;inset-block-end:var(--sessionmood-bottom,0px);inset-inline-end:var(--sessionmood-end,0px);width:min(22rem,100vw);padding:1rem;box-sizing:border-box}
section{color:var(--sessionmood-text,#1b1b2b);background:var(--sessionmood-background,#fff);--p:var(--sessionmood-accent,#4f46e5);font:15px/1.45 var(--sessionmood-font,system-ui);border:1px solid #8884;border-radius:var(--sessionmood-radius,16px);box-shadow:0 12px 40px #0004;padding:1.1rem;position:relative}
.dark{color:var(--sessionmood-text,#f2f2f7);background:var(--sessionmood-background,#23232f);--p:var(--sessionmood-accent,#a5a0ff);--q:#14141d}
h2{font-size:1.12em;margin:0 0 .3em;padding-inline-end:2em}p{margin:0 0 .9em}
button,a{font:inherit;font-weight:600;color:inherit;background:none;border:1px solid #8886;border-radius:.65em;padding:.55em .95em;cursor:pointer;text-decoration:none;margin-inline-end:.5em}
.go{background:var(--p);color:var(--sessionmood-on-accent,var(--q,#fff))}
.x{position:absolute;inset-block-start:.5em;inset-inline-end:0;border:0}
:focus-visible{outline:3px solid var(--p);outline-offset:2px}
@media(prefers-reduced-motion:no-preference){section{animation:i .3s}@keyframes i{from{opacity:0;transform:translateY(1rem)}}}`;

const TEXTS = {
  helpTitle: "Need a hand?",
  helpText: "Is something not working as you expect?",
  helpAccept: "Get help",
  helpLater: "Not now",
  helpClose: "Close",
  helpQuestion: "Were you stuck?",
  helpYes: "Yes",
  helpNo: "No",
};
/** The question goes by itself. */
const LINGER_MS = 8000;

/** @param {any} offer @param {(target: EventTarget, types: string, fn: (event: any) => void) => void} listen */
export const show = (offer, listen) => {
  const { options } = offer;
  const text = (/** @type {keyof typeof TEXTS} */ name) => options[name] || TEXTS[name];
  const theme = options.helpTheme || matchMedia("(prefers-color-scheme:dark)").matches;
  const box = make("section", { className: theme === true || theme === "dark" ? "dark" : "", role: "dialog", ariaLive: "polite" });
  const close = () => host.remove();
  /** @param {keyof typeof TEXTS} name @param {() => void} fn @param {object} [fields] */
  const button = (name, fn, fields) => {
    const element = make(fields && options.helpUrl ? "a" : "button", { textContent: text(name), ...fields });
    listen(element, "click", fn);
    return element;
  };
  /** @param {keyof typeof TEXTS} title @param {() => void} dismiss @param {Node[]} rest */
  const fill = (title, dismiss, ...rest) => {
    const shut = button("helpClose", dismiss);
    Object.assign(shut, { className: "x", ariaLabel: shut.textContent, textContent: "✕" });
    box.ariaLabel = text(title);
    box.replaceChildren(make("h2", {}, box.ariaLabel), ...rest, shut);
  };
  const ask = () => {
    const answer = (/** @type {keyof typeof TEXTS} */ name) =>
      button(name, () => {
        offer.feedback(name === "helpYes");
        close();
      });
    fill("helpQuestion", close, answer("helpYes"), answer("helpNo"));
    setTimeout(close, LINGER_MS);
  };
  const { help } = options;
  const given = help?.call ? help(offer) : document.querySelector(options.helpContent || "_");
  const host = card("session-mood", CSS, box);
  host.dir = getComputedStyle(document.documentElement).direction;
  /** @param {"accept" | "dismiss"} outcome */
  const then = (outcome) => () => {
    offer[outcome]();
    ask();
  };
  fill(
    "helpTitle",
    then("dismiss"),
    given?.content?.cloneNode(true) || given || make("p", {}, text("helpText")),
    button("helpAccept", then("accept"), { className: "go", href: options.helpUrl, target: "_blank" }),
    button("helpLater", () => {
      offer.snooze();
      close();
    }),
  );
  listen(document, "keydown", ({ key }) => {
    if (key !== "Escape" || !host.isConnected) return;
    offer.dismiss();
    close();
  });
};
