"use client";
// @ts-check
import { useSyncExternalStore } from "react";
import { mood, on } from "./index.js";

/** @param {() => void} changed */
const subscribe = (changed) => on("reading", changed);
const none = () => null;

/** The visitor's current reading; null before the first, and on a server. */
export const useMood = () => useSyncExternalStore(subscribe, mood, none);
