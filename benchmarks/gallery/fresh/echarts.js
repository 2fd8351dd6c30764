import * as echarts from "echarts";
const chart = echarts.init(document.getElementById("chart"));
const show = (type, k = 1) => chart.setOption({ legend: {}, xAxis: { data: [1, 2, 3, 4] }, yAxis: {}, series: [{ name: "roof", type, data: [3 * k, 5, 2 * k, 6] }, { name: "house", type, data: [1, 2, 4, 3] }] });
let type = "line";
show(type);
document.getElementById("bar").onclick = () => { type = type === "line" ? "bar" : "line"; show(type); };
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=2300"); show(type, 2); };
