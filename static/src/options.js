// @ts-check
/** What the page's author may set: `data-*` attributes and `init({...})` use the same names. */

/** @type {any} */
export const options = {};

/** Attributes as options: `data-sample-rate="0.5"` is `sampleRate: "0.5"`, a bare attribute is true.
 * @param {DOMStringMap} data */
export const fromAttributes = (data) => {
  for (const name in data) options[name] = data[name] !== "false" && (data[name] || true);
};

/** The visitor asked not to be followed, in the browser's own settings. */
export const declined = () =>
  (options.respectGpc !== false && /** @type {any} */ (navigator).globalPrivacyControl) ||
  (options.respectDnt !== false && navigator.doNotTrack === "1");
