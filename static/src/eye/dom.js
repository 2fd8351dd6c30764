// @ts-check
/** The tree as it is drawn: through slots, out of shadow roots and into them. */

/** What the first script lends us: emit, listen, later, wrap, roots, … @type {any} */
export const lent = {};

/** @param {any} host @returns {ShadowRoot | undefined} also a closed one, if it was made after the script came */
export const rootOf = (host) => host.shadowRoot || lent.roots.get(host);

/** @param {any} node @returns {any} the parent as drawn; nothing above <html> */
export const parent = (node) => {
  const up = node.assignedSlot || node.parentNode;
  // not `up.host`: a link has one too, and it is a string
  return up instanceof ShadowRoot ? up.host : up?.nodeType === 1 ? up : null;
};

/** @param {any} node @returns {any} the element itself, a shadow root's host, the parent of a text */
export const elementOf = (node) => (node.nodeType === 1 ? node : node.host || parent(node));

/** @param {any} node @param {any} element @returns {boolean} */
export const inside = (node, element) => {
  for (; node; node = parent(node)) if (node === element) return true;
  return false;
};

/** What the document answers, or the innermost shadow root that it leads to. @param {(root: any) => any} ask */
const deep = (ask) => {
  /** @type {any} */
  let found;
  for (let /** @type {any} */ root = document, next; root && (next = ask(root)) && next !== found; root = rootOf(found)) found = next;
  return found;
};
/** @param {number} x @param {number} y @returns {any} what lies at that point */
export const deepAt = (x, y) => deep((root) => root.elementFromPoint(x, y));
/** @returns {any} what has the focus */
export const deepActive = () => deep((root) => root.activeElement);

/** What holds a value, and what draws by itself. */
export const TYPED = /^(input|select|textarea)$/;
export const SOLID = "img,svg,canvas,video,iframe,input,button,select,textarea,progress,meter,hr";

export const BODY = /^(body|html)$/;
/** A colour that paints nothing. */
export const CLEAR = /^rgba\(\d+, \d+, \d+, 0\)$/;

/** What draws nothing. */
export const DEAF = /^(head|script|style|link|meta|title|template|noscript)$/;

/** Spaces put together. @param {string} text */
export const tidy = (text) => text.trim().replace(/\s+/g, " ");

/** @param {any} node @returns {string} what it says */
export const words = (node) => tidy(node.nodeType === 3 ? node.data : node.nodeType === 1 && !DEAF.test(node.localName) ? node.textContent : "");

/** The window's size: asked for each of many boxes, it is slow. */
let wide = 0, high = 0;
export const sizeUp = () => [(wide = innerWidth), (high = innerHeight)];

/** The share of the window that a box takes up: 0, nothing of it is in sight. @param {DOMRect} box */
export const share = ({ x, y, width, height }) =>
  (Math.max(0, Math.min(x + width, wide) - Math.max(x, 0)) * Math.max(0, Math.min(y + height, high) - Math.max(y, 0))) / (wide * high);

/** No style hides it, or what it is in. @param {any} element @returns {boolean} */
export const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

/** @param {any} element @returns {boolean} it is drawn, wherever on the page */
export const rendered = (element) => {
  if (!element?.isConnected || !visible(element)) return false;
  const { width, height } = element.getBoundingClientRect();
  return (width > 1 && height > 1) || getComputedStyle(element).display === "contents";
};
