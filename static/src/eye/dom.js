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

/** @param {any} node the node itself, or its parent if it is text @returns {any} */
export const elementOf = (node) => (node.nodeType === 1 ? node : parent(node));

/** @param {any} node @param {any} element @returns {boolean} */
export const inside = (node, element) => {
  for (; node; node = parent(node)) if (node === element) return true;
  return false;
};

/** @param {number} x @param {number} y @returns {any} what lies at that point */
export const deepAt = (x, y) => {
  let found = document.elementFromPoint(x, y);
  for (let next; found && (next = rootOf(found)?.elementFromPoint(x, y)) && next !== found; ) found = next;
  return found;
};

/** @returns {any} what has the focus */
export const deepActive = () => {
  let found = document.activeElement;
  for (let next; found && (next = rootOf(found)?.activeElement); ) found = next;
  return found;
};

export const BODY = /^(body|html)$/;
/** A colour that paints nothing. */
export const CLEAR = /^rgba\(\d+, \d+, \d+, 0\)$/;

/** @param {any} node @returns {string} what it says, spaces put together */
export const words = (node) =>
  (node.nodeType === 3 ? node.data : node.nodeType === 1 && !/^(script|style|template)$/.test(node.localName) ? node.textContent : "")
    .trim()
    .replace(/\s+/g, " ");

/** @param {any} element @returns {boolean} it is drawn, wherever on the page */
export const rendered = (element) => {
  if (!element?.isConnected || element.nodeType !== 1) return false;
  if (!element.checkVisibility?.({ opacityProperty: true, visibilityProperty: true })) return false;
  const { width, height } = element.getBoundingClientRect();
  return (width > 1 && height > 1) || getComputedStyle(element).display === "contents";
};
