// Bundled, as with npm's no-external entry; dead and rage clicks as the docs switch them on.
import posthog from "posthog-js/dist/module.full.no-external";

posthog.init("phc_gallery", {
  api_host: location.origin + window.gallerySink,
  capture_dead_clicks: true,
  rageclick: true,
  request_batching: false,
  disable_session_recording: true,
  disable_surveys: true,
  disable_compression: true,
});
// ready when the project's settings have come
window.galleryReady = () => posthog.autocapture?.isEnabled !== false;
