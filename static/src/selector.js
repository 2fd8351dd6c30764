// @ts-check
/** Names for elements: stable from visit to visit, never text, never values, at most 200 characters. */

export const FIELDS = "input:not([type=button],[type=submit]),select,textarea,[contenteditable]";
/** What looks as if it did something, at a glance. */
export const ACTIVE = FIELDS + ",a,button,input,summary,[onclick],[tabindex],[role=button]";

/** @type {WeakMap<Element, string>} */
const names = new WeakMap();
/** A name that someone chose: short, plain, and without a long number (a generated id, or a customer's). */
const CHOSEN = /^(?!.*\d{4})[a-z][\w-]{0,49}$/i;

/** What was really touched, also inside shadow roots. @param {Event} event @returns {any} */
export const origin = (event) => event.composedPath()[0];

/** The nearest ancestor (or `node` itself) that matches, out through shadow roots.
 * @param {any} node @param {string} selector @returns {Element | undefined} */
export const up = (node, selector) =>
  node?.getRootNode &&
  ((node.closest ? node : node.parentElement)?.closest(selector) || up(node.getRootNode().host, selector));

/** From the nearest name that someone chose; places among siblings of the same kind only, and only
 * where there are several: a banner that some visitors see moves no name. @param {any} element @returns {string} */
const path = (element) => {
  const { localName, parentNode } = element;
  const { mode, host } = element.getRootNode();
  const outside = mode ? path(host) + ">>>" : "";
  let tag = localName;
  for (const name of ["data-testid", "data-test", "data-cy", "id", "name", "role"]) {
    const value = element.getAttribute(name);
    if (value && CHOSEN.test(value)) {
      tag = name === "id" ? "#" + value : `[${name}="${value}"]`;
      if (name !== "role") return outside + tag;
    }
  }
  const alike = [...(parentNode?.children || "")].filter((each) => each.localName === localName);
  return (
    (parentNode?.localName ? path(parentNode) + ">" : outside) +
    tag +
    (alike[1] ? `:nth-of-type(${alike.indexOf(element) + 1})` : "")
  );
};

/** @param {any} element @returns {string} */
export const selectorOf = (element) => {
  if (!element.localName) return element === window ? "window" : "document";
  if (!names.has(element)) names.set(element, path(element).slice(-200));
  return names.get(element) || "";
};
