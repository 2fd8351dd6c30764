// @ts-check
/** Names for elements: stable from visit to visit, never text, never values, at most 200 characters. */

/** @type {WeakMap<Element, string>} */
const names = new WeakMap();
/** A name that someone chose: short, plain, and without a long number (a generated id, or a customer's). */
const CHOSEN = /^(?!.*\d{4})[a-z][\w-]{0,49}$/i;
/** A place further down is no stable name, and counting it would cost. */
const PLACES = 50;

/** What was really touched, also inside shadow roots. @param {Event} event @returns {any} */
export const origin = (event) => event.composedPath()[0];

/** The nearest ancestor (or `node` itself) that matches, out through shadow roots.
 * @param {any} node @param {string} selector @returns {Element | undefined} */
export const up = (node, selector) => {
  if (!node?.getRootNode) return;
  const element = node.closest ? node : node.parentElement;
  return element?.closest(selector) || up(node.getRootNode().host, selector);
};

/** @param {Element} element */
const step = (element) => {
  for (const name of ["data-testid", "id", "name"]) {
    const value = element.getAttribute(name) || "";
    if (CHOSEN.test(value)) return name === "id" ? "#" + value : `[${name}="${value}"]`;
  }
  const tag = element.localName;
  let place = 1;
  for (let other = /** @type {any} */ (element); (other = other.previousElementSibling) && place < PLACES; ) {
    if (other.localName === tag) place++;
  }
  return place > 1 && place < PLACES ? `${tag}:nth-of-type(${place})` : tag;
};

/** @param {any} element @returns {string} */
const path = (element) => {
  const own = step(element);
  const { host } = element.getRootNode();
  const parent = element.parentElement;
  if (!host && (!parent || /^[#[]/.test(own))) return own;
  return host && (!parent || /^[#[]/.test(own)) ? path(host) + ">>>" + own : path(parent) + ">" + own;
};

/** @param {any} element @returns {string} */
export const selectorOf = (element) => {
  if (!element.localName) return element === window ? "window" : "document";
  const name = names.get(element) || path(element).slice(-200);
  names.set(element, name);
  return name;
};
