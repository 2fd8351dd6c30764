// @ts-check
/** What the page itself calls one of its elements, to say it back to the visitor. It never leaves the browser. */

const LONGEST = 40;
/** What would turn the words around it. */
const TURNS = /[\u202a-\u202e\u2066-\u2069]/g;

/** The words on a button or link, never what someone entered; "" where it has none.
 * @param {any} element @param {string} fields what holds values */
export const label = (element, fields) => {
  const text = (/** @type {any} */ node) => {
    if (!node || node.matches(fields) || node.querySelector(fields)) return "";
    let words = node.innerText || "";
    for (const icon of node.querySelectorAll("[aria-hidden=true]")) words = words.replace(icon.innerText, "");
    return words;
  };
  const named = (element.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean);
  const words =
    named.map((/** @type {string} */ id) => text(element.getRootNode().getElementById(id))).join(" ") ||
    element.ariaLabel ||
    text(element) ||
    text(element.labels?.[0]) ||
    element.querySelector("img[alt]")?.alt ||
    "";
  const letters = [...words.replace(TURNS, "").replace(/\s+/g, " ").trim()];
  return letters.length > LONGEST ? letters.slice(0, LONGEST - 1).join("").trim() + "…" : letters.join("");
};
