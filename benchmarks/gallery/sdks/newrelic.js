// User actions are on by default; the harvest comes when the page is left, and here every 5 s.
import { BrowserAgent } from "@newrelic/browser-agent/loaders/browser-agent";

const sink = location.host + window.gallerySink;
const agent = new BrowserAgent({
  info: { beacon: sink, errorBeacon: sink, licenseKey: "gallery", applicationID: "1", sa: 1 },
  loader_config: { accountID: "1", trustKey: "1", agentID: "1", licenseKey: "gallery", applicationID: "1" },
  init: { ssl: false, harvest: { interval: 5 }, user_actions: { enabled: true }, session_replay: { enabled: false } },
});
// ready when the collector has answered the first call
window.galleryReady = () => !!agent.runtime.activatedFeatures;
