import { createElement, StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { init, on, stop, type Reading } from "sessionmood";
import { useMood } from "sessionmood/react";
import { useMood as useVueMood } from "sessionmood/vue";
import { createApp, defineComponent, h } from "vue";

const [key, host] = location.hash.slice(1).split("@");

function Panel() {
  const reading = useMood();
  // React's strict mode mounts twice: starting again after a stop must work
  useEffect(() => {
    init({ key, host, every: true });
    return stop;
  }, []);
  return createElement("p", { id: "react-mood" }, reading ? reading.mood : "none");
}
createRoot(document.getElementById("react")!).render(createElement(StrictMode, null, createElement(Panel)));

const VuePanel = defineComponent(() => {
  const reading = useVueMood();
  return () => h("p", { id: "vue-mood" }, reading.value?.mood ?? "none");
});
createApp(VuePanel).mount("#vue");

// not on the page: what changes there might pass for the answer to a click
const seen: Record<string, string> = {};
Object.assign(window, { seen });
on("frustrated", (reading: Reading) => {
  seen.frustrated = reading.because[0].text;
});
window.addEventListener("sessionmood:change", (event) => {
  seen.change = event.detail.mood;
});
