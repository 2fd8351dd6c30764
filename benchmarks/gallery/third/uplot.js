import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
const xs = [...Array(60).keys()], data = [xs, xs.map((x) => Math.sin(x / 5)), xs.map((x) => Math.cos(x / 7))];
const u = new uPlot({ width: 700, height: 260, scales: { x: { time: false } }, series: [{}, { label: "One", stroke: "red" }, { label: "Two", stroke: "blue" }] }, data, document.getElementById("p"));
document.getElementById("more").onclick = () => u.setData([xs, xs.map((x) => x / 20), xs.map((x) => 3 - x / 20)]);
