// @ts-check
/** What goes wrong on the page, where it is the visitor's trouble. */

import { emit } from "./emit.js";
import { eye } from "./hooks.js";
import { listen, wrap } from "./lifecycle.js";

/** What was thrown on purpose, or is told already: why a request was called off, and why it failed. @type {any[]} */
let excused = [];
/** @param {any} reason */
export const excuse = (reason) => {
  excused = [reason, ...excused.slice(0, 9)];
};

/** The class of a real error, by name; what else was thrown may be anybody's data. @param {any} error */
const nameOf = (error) => {
  if (error instanceof Error && /^[a-z]+(error|exception)$/i.test(error.name)) return error.name;
};
/** Called off, not failed. @param {any} reason */
export const calledOff = (reason) => excused.includes(reason) || /^(Abort|Cancel)/.test(nameOf(reason) || "");

/** @param {any} error @param {string} [file] */
const broken = (error, file) => {
  let name;
  try {
    // An extension of the browser's is not the page; Safari hides its name.
    if (/(-extension|masked-url):\/\//.test(file + error?.stack) || calledOff(error)) return;
    name = nameOf(error);
  } catch {
    // an object that can't be looked at was thrown all the same
  }
  emit("error", eye.cause?.(), { kind: "js", name });
};

export const watchTrouble = () => {
  listen(window, "error", ({ target, error, message, filename }) => {
    if (target === window) (error || eye.cause?.()) && !/^Resize/.test(message) && broken(error, filename);
    else if ((target.src || target.href || "").startsWith(location.origin)) emit("error", target, { kind: "request" });
  });
  listen(window, "unhandledrejection", ({ reason }) => broken(reason));
  wrap(AbortController.prototype, "abort", (_, { signal }) => () => excuse(signal.reason));
};
