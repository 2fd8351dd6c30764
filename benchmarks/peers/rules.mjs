// The rules of the original: each kind of event adds its weights to six scores, which fade; the highest is the mood.

const MOODS = ["frustrated", "engaged", "bored", "confused", "curious", "satisfied"];
const ACTIONS = ["offer_help", "none", "re_engage", "show_guidance", "highlight_features", "ask_feedback"];
/** Points to each mood, in the order of MOODS. */
const WEIGHTS = {
  click: [0, 1, 0, 0, 0.2, 0.2],
  rage_click: [3, 0, 0, 0.5, 0, 0],
  dead_click: [2, 0, 0, 1, 0, 0],
  response: [-0.5, 0.5, 0, 0, 0, 1],
  scroll: [0, 0.5, 0, 0, 0.5, 0],
  idle: [0, -1, 3, 0, 0, 0],
  page_view: [0, 0.5, 0, 0, 1, 0],
  navigation: [0, 0.5, 0, 0.3, 1, 0],
  error: [2, 0, 0, 0.5, 0, -1],
  hover: [0, 0.2, 0, 0.3, 0.5, 0],
  focus: [0, 0.5, 0, 0, 0, 0],
  blur: [0, 0, 0, 0.2, 0, 0],
  input: [0, 1, 0, 0, 0, 0],
  submit: [0, 1, 0, 0, 0, 0.5],
  goal: [-1, 0, 0, 0, 0, 3],
};
const HALF_LIFE_MS = 60_000;
const RATE = Math.LN2 / HALF_LIFE_MS;
/** What counts as a signal of a mood, from so many points on. */
const SIGNAL_FROM = 1;

/** One visit. */
export class Session {
  scores = [0, 1, 0, 0, 0, 0];
  counts = new Map();
  events = 0;
  at = 0;
  mood = -1;

  /** Takes one event; true when the mood is another than before. Throws a TypeError for a malformed one.
   * @param {{type: string, at?: number}} event @param {number} now */
  take(event, now) {
    if (typeof event?.type !== "string") throw new TypeError("an event needs a type");
    const at = Math.min(typeof event.at === "number" ? event.at : now, now);
    const { scores } = this;
    if (at > this.at) {
      const left = Math.exp(-RATE * (at - this.at));
      for (let mood = 0; mood < 6; mood++) scores[mood] *= left;
      this.at = at;
    }
    const weights = WEIGHTS[event.type];
    if (weights) for (let mood = 0; mood < 6; mood++) scores[mood] = Math.max(0, scores[mood] + weights[mood]);
    this.counts.set(event.type, (this.counts.get(event.type) || 0) + 1);
    this.events++;
    let best = 0;
    for (let mood = 1; mood < 6; mood++) if (scores[mood] > scores[best]) best = mood;
    const changed = best !== this.mood;
    this.mood = best;
    return changed;
  }

  /** The answer of the original API. */
  reading() {
    const { scores, mood } = this;
    const total = scores.reduce((sum, score) => sum + score, 0) || 1;
    const signals = [];
    for (const [type, count] of this.counts) if (WEIGHTS[type]?.[mood] * count >= SIGNAL_FROM) signals.push(type);
    return {
      mood: MOODS[mood],
      confidence: Math.round((scores[mood] / total) * 100) / 100,
      suggested_action: ACTIONS[mood],
      signals,
      event_count: this.events,
    };
  }
}
