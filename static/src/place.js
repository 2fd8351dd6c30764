// @ts-check
/**
 * Where the card is, so that it can be seen and used: in the corner of what the visitor sees of the page (a phone may
 * be zoomed, the page wider than the screen, the keyboard open), above a fullscreen element, and inside a modal
 * dialog where one is open, since everything outside of it is inert.
 */

import { show } from "./card.js";

const WIDTH_PX = 352;
/** So often it is looked at whether something covers the card by now, as long as it is shown. */
const LOOK_MS = 400;
const MODAL = "dialog[open]";

/** The focused element, also inside shadow roots. @returns {any} */
export const focused = () => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
};

/** A dialog that keeps the visitor from the rest of the page is open, or something fills the screen. */
export const modal = () => document.querySelector("dialog:modal,:fullscreen");

/** Keeps `host` where it can be used until the answer is called; `{fit}` after its content has changed.
 * @param {any} host @param {any} box what is seen of it @param {any} inside */
export const place = (host, box, { touched, up }) => {
  const { style } = host;
  const seen = visualViewport || { offsetLeft: 0, offsetTop: 0, width: innerWidth, height: innerHeight, scale: 1 };
  const fit = () => {
    const { offsetLeft, offsetTop, width, height, scale } = seen;
    const start = getComputedStyle(document.documentElement).direction === "rtl";
    host.dir = start ? "rtl" : "ltr";
    style.setProperty("--w", Math.min(WIDTH_PX, width * scale) + "px");
    style.setProperty("--h", height * scale + "px");
    style.inset = "auto";
    style.transform = scale === 1 ? "" : `scale(${1 / scale})`;
    // Where 0 is differs: on a page that overflows to the left it is not where the screen begins.
    style.left = style.top = "0px";
    const zero = host.getBoundingClientRect();
    style.left = offsetLeft + (start ? 0 : width - zero.width) - zero.left + "px";
    style.top = offsetTop + height - zero.height - zero.top + "px";
  };
  const reached = () => {
    const { left, top, width, height } = box.getBoundingClientRect();
    return host.isConnected && box.contains(host.shadowRoot.elementFromPoint(left + width / 2, top + height / 2));
  };
  /** What did not help is not tried over and over. */
  let tried = "";
  const look = () => {
    if (reached()) return;
    const homes = [
      document.documentElement,
      document.fullscreenElement,
      up(focused(), MODAL),
      up(touched.element, MODAL),
      ...document.querySelectorAll(MODAL),
    ].filter((home) => home?.isConnected);
    const now = [host.isConnected, ...homes.map((home) => home?.localName)].join();
    if (now === tried) return;
    tried = now;
    for (const home of [...homes, document.documentElement]) {
      show(host, /** @type {Element} */ (home));
      fit();
      if (reached()) {
        tried = "";
        return;
      }
    }
  };
  const timer = setInterval(look, LOOK_MS);
  const life = new AbortController();
  for (const target of [visualViewport, window]) {
    for (const type of ["resize", "scroll"]) target?.addEventListener(type, fit, { signal: life.signal });
  }
  fit();
  look();
  return {
    fit,
    end: () => {
      clearInterval(timer);
      life.abort();
    },
  };
};
