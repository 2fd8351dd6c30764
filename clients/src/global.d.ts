import type * as sessionmood from "./index.js";

/** The calls of the package, as `window.SessionMood` has them. */
export type SessionMoodApi = Omit<typeof sessionmood, "init"> & {
  /** Starts, once. The script tag starts by itself, unless it has `data-manual`. */
  init(options?: Partial<sessionmood.Options>): void;
  /** Calls as lists, `["track", "zoom", 3]`: those made before the script came are kept. */
  push(...calls: [name: string, ...args: unknown[]][]): void;
};

declare global {
  interface Window {
    /** Until the script has come, a plain array that keeps calls. */
    SessionMood: SessionMoodApi;
  }
  /** Until the script has come, a plain array that keeps calls. */
  var SessionMood: SessionMoodApi;
}
