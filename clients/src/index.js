// @ts-check
/** The package's door: the same API as the script tag, without a global and safe to import on a server. */

import { api } from "../../static/src/main.js";
import { options } from "../../static/src/options.js";

/** @type {Record<string, () => Promise<any>>} */
const files = {
  eye: () => import("../../static/src/eye.js"),
  gestures: () => import("../../static/src/gestures.js"),
};
const extras = () => import("../../static/src/extras.js");
options.load = async (/** @type {string} */ part) => (await (files[part] || extras)())[part];

/** Starts, once; on a server there is no visitor to listen to, and nothing happens.
 * @param {object} given `{ key, host, … }`: the options of the script tag */
export const init = (given) => {
  if (typeof window !== "undefined") api.init(given);
};
export const { on, mood, track, goal, feedback, identify, testHelp, stop } = api;
