// @ts-check
/**
 * What the script holds on to while it runs, and how it lets go: every listener, timer and wrapper below goes
 * through here, so nothing of ours ever throws into the page, and one abort ends all of it.
 */

/** @type {AbortController | undefined} */
let life;

export const begin = () => (life = new AbortController());
export const end = () => life?.abort();
export const running = () => life?.signal.aborted === false;

/** `fn` that is silent once the script has stopped, and whose failure stays ours.
 * @template {(...args: any[]) => any} F @param {F} fn @returns {F} */
export const safe = (fn) =>
  /** @type {any} */ (
    (/** @type {any[]} */ ...args) => {
      try {
        return running() && fn(...args);
      } catch (error) {
        console.warn("SessionMood", error);
      }
    }
  );

/** @param {EventTarget} target @param {string} types with spaces between @param {(event: any) => void} fn */
export const listen = (target, types, fn) => {
  for (const type of types.split(" ")) {
    target.addEventListener(type, safe(fn), { capture: true, passive: true, signal: life?.signal });
  }
};

/** @param {() => void} fn @param {number} [ms] */
export const later = (fn, ms) => setTimeout(safe(fn), ms);

/** Puts `before` in front of a method of the page's own, once per page; the method works as ever.
 * What `before` returns is called with the result.
 * @param {any} owner @param {string} name @param {(args: any[], self: any) => void | ((result: any) => void)} before */
export const wrap = (owner, name, before) => {
  const original = owner?.[name];
  if (!original) return;
  const watched = safe(before);
  owner[name] = /** @this {any} */ function (/** @type {any[]} */ ...args) {
    const after = watched(args, this);
    const result = original.apply(this, args);
    after?.call && safe(after)(result);
    return result;
  };
};
