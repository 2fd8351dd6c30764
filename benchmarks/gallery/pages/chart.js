// Chart.js on canvases, one of them fed every two seconds.
import Chart from "chart.js/auto";

const $ = (id) => document.getElementById(id);
const random = (n) => Array.from({ length: n }, (_, i) => 20 + ((i * 37) % 50));
const chart = new Chart($("chart"), { type: "line", data: { labels: random(12), datasets: [{ label: "sold", data: random(12) }, { label: "returned", data: random(12).map((v) => v / 3) }] }, options: { responsive: false } });
new Chart($("pie"), { type: "doughnut", data: { labels: ["a", "b", "c"], datasets: [{ data: [3, 4, 5] }] }, options: { responsive: false } });
setInterval(() => { chart.data.datasets[0].data.push(20 + Math.random() * 50); chart.data.datasets[0].data.shift(); chart.update(); }, 2000);
$("bars").onclick = () => { chart.config.type = chart.config.type === "line" ? "bar" : "line"; chart.update(); };
$("hide").onclick = () => { chart.setDatasetVisibility(1, !chart.isDatasetVisible(1)); chart.update(); };
$("add").onclick = () => { chart.data.labels.push("new"); chart.data.datasets[0].data.push(70); chart.update(); };
$("reset").onclick = () => { for (const d of chart.data.datasets) d.data.fill(0); chart.update(); };
for (const [id, ms] of [["slow", 1700], ["slow3", 3400]]) $(id).onclick = async () => { $("slowed").textContent = (await (await fetch("/api/ok?ms=" + ms)).json()).n; };
