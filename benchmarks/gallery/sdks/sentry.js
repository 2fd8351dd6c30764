// Slow, dead ("timeout") and rage clicks are told by the replay.
import * as Sentry from "@sentry/browser";

const replay = Sentry.replayIntegration({ useCompression: false, minReplayDuration: 0 });
Sentry.init({
  dsn: `http://gallery@${location.host}/1`,
  tunnel: location.origin + window.gallerySink,
  integrations: [replay],
  replaysSessionSampleRate: 1,
  replaysOnErrorSampleRate: 1,
});
window.galleryReady = () => !!replay.getReplayId();
window.galleryFlush = () => replay.flush();
