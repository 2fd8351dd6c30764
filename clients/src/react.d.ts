import type { Reading } from "./index.js";

/** The visitor's current reading; null before the first, and on a server. */
export function useMood(): Reading | null;
