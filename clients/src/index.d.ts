/** The six moods. */
export type Mood = "frustrated" | "engaged" | "bored" | "confused" | "curious" | "satisfied";

/** What to do about a mood; a project can rename them. */
export type SuggestedAction =
  | "offer_help"
  | "show_guidance"
  | "re_engage"
  | "highlight_features"
  | "none"
  | "ask_feedback"
  | (string & {});

/** What the service makes of a visit, as of `as_of`. */
export interface Reading {
  mood: Mood;
  /** 0 to 1: how often readings like this one are right. */
  confidence: number;
  suggested_action: SuggestedAction;
  signals: string[];
  event_count: number;
  /** Each mood's share; they sum to 1. */
  scores: Record<Mood, number>;
  /** What raised and lowered the mood; the points sum to its raw score. */
  because: { signal: string; points: number; count: number; text: string }[];
  /** ms since the epoch. */
  since: number;
  as_of: number;
  previous: Mood | null;
  help?: { id: string; holdout: boolean };
}

/** One fact on its way to the server. */
export interface SessionEvent {
  type: string;
  /** ms since the epoch. */
  at: number;
  target?: string;
  x?: number;
  y?: number;
  value?: number;
  kind?: string;
  name?: string;
  dy?: number;
  url?: string;
}

/** Help is due now. */
export interface HelpOffer {
  id: string;
  reading: Reading;
  /** Opens help of your own when the visitor presses "Get help" in the built-in card. */
  onAccept?: () => void;
  /** The built-in card stays away; report what happened with the calls below. */
  preventDefault(): void;
  accept(): void;
  dismiss(): void;
  /** Not now: nothing for 30 minutes. */
  snooze(): void;
  /** It was of no use any more before anybody saw it. */
  expire(): void;
  /** "Were you stuck?" */
  feedback(right: boolean): void;
}

export interface Options {
  /** The publishable key, `pk_…`. */
  key: string;
  /** Where SessionMood runs, `https://mood.example.com`. */
  host: string;
  /** Share of visits that take part, 0 to 1. */
  sampleRate?: number;
  /** The last look at an event: return it, changed if need be, or null to keep it back. */
  beforeSend?: (event: SessionEvent) => SessionEvent | null;
  /** A selector: what matches, and everything in it, is not seen. */
  ignore?: string;
  respectGpc?: boolean;
  respectDnt?: boolean;
  /** A visit's id and token of your own, minted by your server. */
  session?: string;
  token?: string;
  /** A reading with every batch, not only when the mood changes. */
  every?: boolean;
  debug?: boolean;
  /** false: no help. A function: makes the card's content. */
  help?: boolean | ((offer: HelpOffer) => Node | string);
  /** A selector of a `<template>` with the card's content. */
  helpContent?: string;
  helpUrl?: string;
  helpTheme?: "light" | "dark";
  /** Help without the wait at a visit's start, reported to nobody; default: on localhost. */
  development?: boolean;
  helpTitle?: string;
  helpText?: string;
  /** "‘{label}’ does not respond" */
  helpStuck?: string;
  helpAlone?: string;
  helpRetry?: string;
  helpRead?: string;
  helpAccept?: string;
  helpLater?: string;
  helpClose?: string;
  helpQuestion?: string;
  helpYes?: string;
  helpNo?: string;
}

/** Starts, once. Does nothing on a server, and when the visitor asked not to be followed. */
export function init(options: Options): void;
/** Calls `fn` when it happens; the answer stops that. */
export function on(name: Mood | "change" | "recovered" | "reading", fn: (reading: Reading, previous?: Reading) => void): () => void;
export function on(name: "help", fn: (offer: HelpOffer) => void): () => void;
export function on(name: "event", fn: (event: SessionEvent) => void): () => void;
/** The current reading; null before the first. */
export function mood(): Reading | null;
/** Something else worth keeping. */
export function track(name: string, value?: number): void;
/** The visitor got what they came for. */
export function goal(name: string): void;
/** "Was that right?", about `mood` or the current one. */
export function feedback(right: boolean, mood?: Mood): void;
/** Ties the visit to a user; only a hash leaves the page. */
export function identify(user: string): void;
/** Shows the help card at once, to look at it; nothing of it is reported. */
export function testHelp(): void;
/** Sends what is left and lets go of the page. */
export function stop(): void;

declare global {
  interface WindowEventMap {
    "sessionmood:change": CustomEvent<Reading>;
  }
  interface HTMLElementEventMap {
    "sessionmood:change": CustomEvent<Reading>;
  }
}
