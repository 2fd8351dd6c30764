import { h, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import htm from "htm";
const html = htm.bind(h);
function App() {
  const [n, set] = useState(0), [t, tick] = useState(0), [ok, say] = useState("");
  useEffect(() => { const i = setInterval(() => tick((x) => x + 1), 400); return () => clearInterval(i); }, []);
  return html`<h2>Race</h2><p>Lap time ${t / 10}</p><p id="words">Press when you cross the line. The clock goes on whatever you do.</p>
  <button id="lap" onClick=${() => set(n + 1)}>Lap</button> <b>${n} laps</b> <button id="dead">Stop</button> <button id="deadundo" onClick=${() => set(Math.max(0, 0 * n + n))}>Undo</button>
  <button id="slow" onClick=${() => fetch("/api/ok?ms=1700").then(() => say("ranked third"))}>Rank</button> ${ok}`;
}
render(html`<${App} />`, document.getElementById("root"));
