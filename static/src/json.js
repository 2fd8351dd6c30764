// @ts-check
/** JSON as it is meant, also on a page that gives arrays or objects a `toJSON` of its own (Prototype.js 1.6 does). */

/** @param {any} value plain data @returns {string} */
export const json = (value) =>
  Array.isArray(value)
    ? `[${value.map(json)}]`
    : value && typeof value === "object"
      ? `{${Object.keys(value)
          .filter((name) => value[name] !== undefined)
          .map((name) => JSON.stringify(name) + ":" + json(value[name]))}}`
      : (JSON.stringify(value) ?? "null");
