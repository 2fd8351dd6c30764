// @ts-check
/**
 * Loaded with the first move of a mouse: the pointer at rest (hover) and the pointer shaken (thrash).
 * Only a time and a score leave the browser, never a path.
 */

/** Resting shorter than this on something is passing over it. */
const DWELL_MS = 1000;

// The thrash rule of Splunk's RUM agent: many sharp turns, fast, in a small place, within two seconds.
const WINDOW_MS = 2000;
const SAMPLE_MS = 16;
/** Below this a move is tremor. */
const TREMOR_PX = 5;
const PATH_PX = 300;
const SPEED_PX_S = 300;
const TURNS = 4;
const TURN = Math.cos(Math.PI / 4);
const SCORE = 0.65;

/** Steps of a path: [x, y, time, length, direction x, direction y]. @typedef {number[]} Step */

/** How shaken a path is, in [0, 1]; 0 when it is none of it. @param {Step[]} path oldest first */
export const thrash = (path) => {
  let length = 0;
  let turns = 0;
  for (let i = 1; i < path.length; i++) {
    const [, , , far, ux, uy] = path[i];
    length += far;
    if (i > 1 && ux * path[i - 1][4] + uy * path[i - 1][5] < TURN) turns++;
  }
  const speed = (length / (path[path.length - 1][2] - path[0][2])) * 1000;
  if (length < PATH_PX || speed < SPEED_PX_S || turns < TURNS) return 0;
  const extent = (/** @type {number} */ axis) => {
    const places = path.map((step) => step[axis]);
    return Math.max(...places) - Math.min(...places);
  };
  return (
    0.4 * Math.min(turns / 8, 1) +
    0.3 * Math.min((speed - SPEED_PX_S) / SPEED_PX_S, 1) +
    0.3 / (1 + (Math.max(extent(0), extent(1)) / 200) ** 2)
  );
};

/** @param {any} inside */
export default ({ emit, listen, up, ACTIVE }) => {
  /** @type {Element | undefined} */
  let over;
  let since = 0;
  listen(document, "pointerover pointerdown", (/** @type {PointerEvent} */ event) => {
    const { type, pointerType, timeStamp } = event;
    const moving = type === "pointerover";
    const element = pointerType === "mouse" && moving ? up(event.composedPath()[0], ACTIVE) : undefined;
    if (element === over) return;
    const dwell = Math.round(timeStamp - since);
    // A click is the end of wondering.
    if (over && moving && dwell >= DWELL_MS) emit("hover", over, { value: dwell });
    over = element;
    since = timeStamp;
  });

  /** @type {Step[]} */
  let path = [];
  listen(document, "pointermove", (/** @type {PointerEvent} */ event) => {
    const { clientX, clientY, timeStamp, pointerType, buttons } = event;
    if (pointerType !== "mouse" || buttons) return (path = []);
    const [x, y, t] = path[path.length - 1] || [clientX, clientY, 0];
    const far = Math.hypot(clientX - x, clientY - y);
    if (t && (timeStamp - t < SAMPLE_MS || far < TREMOR_PX)) return;
    path.push([clientX, clientY, timeStamp, far, (clientX - x) / far, (clientY - y) / far]);
    while (timeStamp - path[0][2] > WINDOW_MS) path.shift();
    const score = thrash(path);
    if (score < SCORE) return;
    path = [];
    emit("custom", event.target, { name: "thrashed_cursor", value: +score.toFixed(2) });
  });
};
