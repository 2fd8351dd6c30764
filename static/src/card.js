// @ts-check
/**
 * Something of ours on the page: in a shadow root, so that no style leaks in or out; styled by a constructed
 * sheet, so that a strict Content-Security-Policy has nothing to object to; in the top layer where there is one.
 */

/** @param {string} tag @param {object} [fields] @param {...(Node | string)} children @returns {any} */
export const make = (tag, fields, ...children) => {
  const element = Object.assign(document.createElement(tag), fields);
  element.append(...children);
  return element;
};

/** @param {string} tag @param {string} css @param {HTMLElement} content @returns {any} the element on the page */
export const card = (tag, css, content) => {
  const host = make(tag, { popover: "manual" });
  host.setAttribute("data-sessionmood-ignore", "");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(":host{all:initial;position:fixed;z-index:2147483000;border:0;background:none}" + css);
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  root.append(content);
  show(host);
  return host;
};

/** Puts it last, so above all else, into `home`. @param {any} host @param {Element} [home] */
export const show = (host, home = document.documentElement) => {
  home.append(host);
  host.showPopover?.();
};
