import { SplunkRum } from "@splunk/otel-web";

SplunkRum.init({
  beaconEndpoint: location.origin + window.gallerySink + "/rum",
  allowInsecureBeacon: true,
  rumAccessToken: "gallery",
  applicationName: "gallery",
  exporter: { otlp: true },
  instrumentations: { frustrationSignals: { rageClick: true, deadClick: true, errorClick: true } },
});
