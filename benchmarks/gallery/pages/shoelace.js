// Web components in open shadow roots, and one element that was never defined.
import "@shoelace-style/shoelace/dist/themes/light.css";
import "@shoelace-style/shoelace/dist/shoelace.js";

const $ = (id) => document.getElementById(id);
const later = async (ms) => (await fetch("/api/ok?ms=" + ms)).json();
$("save").onclick = () => { $("saved").textContent = "saved " + Math.random(); };
$("open").onclick = () => $("dialog").show();
$("like").onclick = () => { $("like").variant = $("like").variant === "danger" ? "default" : "danger"; };
$("plus").onclick = () => { $("n").textContent = +$("n").textContent + 1; };
$("tag").addEventListener("sl-remove", () => $("tag").remove());
$("refused").addEventListener("click", (e) => e.preventDefault());
$("slow").onclick = async () => { $("slowed").textContent = (await later(2400)).n; };
$("loading").onclick = async () => { $("loading").loading = true; $("slowed").textContent = (await later(3300)).n; $("loading").loading = false; };
