import type { ShallowRef } from "vue";
import type { Reading } from "./index.js";

/** The visitor's current reading as a ref; null before the first, and on a server. */
export function useMood(): ShallowRef<Reading | null>;
