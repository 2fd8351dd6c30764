// @ts-check
/** What the first script and the eye have in common. */

/** What the eye does for us, once it is here: `react` to what the app hears, `asked` when a request begins,
 * `cause` of what happens now, `leave` when the page goes. @type {any} */
export const eye = {};
/** Shadow roots by their hosts, also closed ones: the eye looks into them, and nothing of them leaves.
 * @type {WeakMap<Element, ShadowRoot>} */
export const roots = new WeakMap();
