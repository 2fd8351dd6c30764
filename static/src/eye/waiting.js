// @ts-check
/** The watches of all presses that have no verdict yet, the oldest first. */

/** @type {any[]} */
export const watches = [];

export const clock = () => performance.now();
