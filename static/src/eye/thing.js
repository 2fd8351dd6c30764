// @ts-check
/** What was clicked: the smallest thing that looks or says that it can be; never what merely contains it. */

import { BODY, CLEAR, parent, share, TYPED } from "./dom.js";

const CONTROL =
  "a,area[href],button,input,select,textarea,summary,video[controls],audio[controls],canvas,embed,object,:disabled:not(fieldset)";
const ROLE =
  /^(button|link|tab|menuitem\w*|option|checkbox|switch|radio|combobox|slider|spinbutton|treeitem|textbox|searchbox)$/;
/** As a role or as a tag: it holds things. */
const HOLDER =
  /^(.*dialog|main|region|tabpanel|list.*|grid|tree|feed|document|application|.*group|article|menu|tablist|toolbar|log|none|section|ul|ol|nav|aside|form|table|pre)$/;
/** A thing that fills more of the window than this holds other things. */
const MOST = 0.4;

export const BUTTON = /^(button|submit|reset|image)$/;

/** @param {any} element */
export const roleOf = (element) => element.getAttribute("role") || "";

/** @param {any} element */
const holds = (element) =>
  HOLDER.test(roleOf(element)) ||
  HOLDER.test(element.localName) ||
  element.querySelector(CONTROL + ",[role=button]") ||
  (element.scrollHeight > element.clientHeight + 1 && element.clientHeight && getComputedStyle(element).overflowY !== "visible") ||
  share(element.getBoundingClientRect()) > MOST;

/** @param {any} element */
export const pointing = (element) => /^(pointer|zoom-)/.test(getComputedStyle(element).cursor);

/** @param {any} node what was hit @returns {any} the thing; null: nothing that asks to be clicked */
export const thingAt = (node) => {
  // The outermost of those that show a hand: from there on inwards it is inherited.
  let hand = pointing(node) ? node : null;
  for (let up; hand && (up = parent(hand)) && pointing(up); ) hand = up;
  for (let element = node; element && !BODY.test(element.localName); element = parent(element)) {
    if (element === hand || element.matches(CONTROL) || ROLE.test(roleOf(element)) || element.isContentEditable) return element;
    // A caption is no control; one that names a field that is not there is a broken one.
    if (element.localName === "label" && (element.control || element.htmlFor)) return element;
    const tab = element.getAttribute("tabindex");
    if (((element.onclick && element.getAttribute("onclick") !== "") || (tab && +tab >= 0)) && !holds(element)) return element;
  }
  return null;
};

/** Shows that it has nothing to give. */
export const OFF = ":disabled,[aria-disabled=true],.disabled";

/** What somebody means who presses `node` there: a disabled control that lets presses through, or what an empty
 * layer covers. @param {any} node @param {PointerEvent} event @returns {any} */
export const meant = (node, { clientX, clientY }) => {
  for (const off of node.querySelectorAll(OFF)) {
    const { left, right, top, bottom } = off.getBoundingClientRect();
    if (left < clientX && clientX < right && top < clientY && clientY < bottom) return off;
  }
  const [top, under] = document.elementsFromPoint(clientX, clientY);
  return top === node && !node.firstChild && CLEAR.test(getComputedStyle(node).backgroundColor) ? thingAt(under) : null;
};

/** Whether the browser itself answers this click, in ways that no script sees.
 * @param {any} element @param {Event & any} event when all handlers have run */
export const answersItself = (element, event) => {
  const { localName, control } = element;
  const kept = event.defaultPrevented;
  if (element.matches(":disabled")) return false;
  // A choice that shows that it is made: a star that was lit by hovering, the tab one is on.
  if (element.isContentEditable || element.matches("[role=radio][aria-checked=true],[aria-selected=true]")) return true;
  // A tick shows in the box's value: it may be refused.
  if (TYPED.test(localName) && !BUTTON.test(element.type)) return element.type === "radio" ? !kept : element.type !== "checkbox";
  if (kept) return false;
  if (localName === "label" && control) return !control.disabled && control.type !== "checkbox";
  if (/^(video|audio)$/.test(localName)) return true;
  const link = element.closest("a[href]");
  if (!link) return false;
  if (link.hasAttribute("download") || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return true;
  if (link.target && !/^_(self|top|parent)$/.test(link.target)) return true;
  // mailto:, tel:, a program of the visitor's
  if (!/^(https?|javascript|blob|data|file):$/.test(link.protocol)) return true;
  const [page, name] = link.href.split("#");
  return !!name && page === location.href.split("#")[0] && !!document.getElementById(decodeURIComponent(name))?.checkVisibility();
};
