// frustrationInteractions with every kind switched on, as the docs show it.
import * as amplitude from "@amplitude/analytics-browser";

let ready = false;
window.galleryReady = () => ready;
amplitude
  .init("gallery", {
  serverUrl: location.origin + window.gallerySink,
  fetchRemoteConfig: false,
  flushIntervalMillis: 200,
  autocapture: {
    elementInteractions: true,
    frustrationInteractions: { deadClicks: true, rageClicks: true, errorClicks: true },
  },
  })
  .promise.then(() => {
    ready = true;
  });
window.galleryFlush = () => amplitude.flush().promise;
