// @ts-check
/**
 * The pointer shaken. The rule of Splunk's RUM agent: many sharp turns, fast, in a small place, within two
 * seconds, as a score in [0, 1]; from 0.65 on it is told. Windows do not overlap here, which needs no history.
 *
 * One shake is one fact, however long it lasts: told once, and again only after the hand was calm for as long as
 * the agent's rule is silent.
 */

const WINDOW_MS = 2000;
const SAMPLE_MS = 16;
/** Below this a move is tremor. */
const TREMOR_PX = 5;
const PATH_PX = 300;
const SPEED_PX_S = 300;
const TURNS = 4;
const TURN = Math.cos(Math.PI / 4);
const SCORE = 0.65;
/** A window this young says nothing of speed yet. */
const YOUNG_MS = 300;
/** Silent for so long after a shake. */
const SILENCE_MS = 2000;

let start = -WINDOW_MS;
/** Where the window began, and where the last step ended. */
let x0 = 0, y0 = 0, x = 0, y = 0, t = 0;
/** Direction of the last step. */
let ux = 0, uy = 0;
let path = 0, turns = 0, reach = 0;
/** Until then a shake is still the one that was told. */
let silent = 0;

/** One move of a mouse; the score when it is one, else 0.
 * @param {{clientX: number, clientY: number, timeStamp: number, pointerType: string, buttons: number}} event */
export const thrash = ({ clientX, clientY, timeStamp, pointerType, buttons }) => {
  const age = timeStamp - start;
  if (age > WINDOW_MS || buttons || pointerType !== "mouse") {
    start = t = timeStamp;
    x = x0 = clientX;
    y = y0 = clientY;
    ux = uy = path = turns = reach = 0;
    return 0;
  }
  const dx = clientX - x;
  const dy = clientY - y;
  const step = Math.hypot(dx, dy);
  if (timeStamp - t < SAMPLE_MS || step < TREMOR_PX) return 0;
  if ((ux || uy) && (dx * ux + dy * uy) / step < TURN) turns++;
  ux = dx / step;
  uy = dy / step;
  x = clientX;
  y = clientY;
  t = timeStamp;
  path += step;
  reach = Math.max(reach, Math.hypot(x - x0, y - y0));
  const speed = (path / age) * 1000;
  if (age < YOUNG_MS || path < PATH_PX || speed < SPEED_PX_S || turns < TURNS) return 0;
  const score =
    0.4 * Math.min(turns / 8, 1) + 0.3 * Math.min((speed - SPEED_PX_S) / SPEED_PX_S, 1) + 0.3 / (1 + (reach / 200) ** 2);
  if (score < SCORE) return 0;
  start = -WINDOW_MS;
  const told = timeStamp < silent;
  silent = timeStamp + SILENCE_MS;
  return told ? 0 : Math.round(score * 100) / 100;
};
