// @ts-check
/** The package's door: the same API as the script tag, without a global and safe to import on a server. */

import { api } from "../../static/src/main.js";
import { options } from "../../static/src/options.js";

const parts = {
  eye: () => import("../../static/src/eye.js"),
  rest: () => import("../../static/src/rest.js"),
  help: () => import("../../static/src/help.js"),
  debug: () => import("../../static/src/debug.js"),
  hands: () => import("../../static/src/hands.js"),
  identify: () => import("../../static/src/identify.js"),
  advice: () => import("../../static/src/advice.js"),
};
options.load = (/** @type {keyof typeof parts} */ part) => parts[part]();

/** Starts, once; on a server there is no visitor to listen to, and nothing happens.
 * @param {object} given `{ key, host, … }`: the options of the script tag */
export const init = (given) => {
  if (typeof window !== "undefined") api.init(given);
};
export const { on, mood, track, goal, feedback, identify, testHelp, stop } = api;
