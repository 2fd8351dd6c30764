import { createSignal } from "solid-js";
import { render } from "solid-js/web";
import html from "solid-js/html";
const [n, setN] = createSignal(0), [open, setOpen] = createSignal(false), [ok, setOk] = createSignal("");
render(() => html`<h2>Votes</h2><p id="words">One vote each, counted at noon. The order of the names is drawn by lot.</p>
<button id="vote" onClick=${() => setN(n() + 1)}>Vote</button> <b>${n}</b> <button id="open" onClick=${() => setOpen(!open())}>Names</button> ${() => (open() ? html`<p>Ann, Bob</p>` : "")}
<button id="dead">Withdraw</button> <div id="deadcard" style="cursor:pointer;border:1px solid;display:inline-block;padding:8px">Results</div> <button id="deadset" onClick=${() => setN(n())}>Recount</button>
<button id="slow" onClick=${() => fetch("/api/ok?ms=2000").then(() => setOk("counted"))}>Count</button> ${ok}`, document.getElementById("root"));
