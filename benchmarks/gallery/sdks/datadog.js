// Frustration signals come with trackUserInteractions.
import { datadogRum } from "@datadog/browser-rum";

datadogRum.init({
  clientToken: "pubgallery",
  applicationId: "gallery",
  site: "datadoghq.com",
  service: "gallery",
  proxy: ({ path }) => `${location.origin}${window.gallerySink}${path}`,
  sessionSampleRate: 100,
  sessionReplaySampleRate: 0,
  trackUserInteractions: true,
  trackResources: true,
  trackLongTasks: true,
});
