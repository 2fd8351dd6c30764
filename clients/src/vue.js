// @ts-check
import { onScopeDispose, shallowRef } from "vue";
import { mood, on } from "./index.js";

/** The visitor's current reading as a ref; null before the first, and on a server. */
export const useMood = () => {
  const reading = shallowRef(mood());
  onScopeDispose(on("reading", (/** @type {any} */ next) => (reading.value = next)));
  return reading;
};
