import mixpanel from "mixpanel-browser";

let ready = false;
window.galleryReady = () => ready;
mixpanel.init("gallery", {
  api_host: location.origin + window.gallerySink,
  batch_requests: false,
  autocapture: { click: true, rage_click: true, dead_click: true },
  loaded: () => {
    ready = true;
  },
});
