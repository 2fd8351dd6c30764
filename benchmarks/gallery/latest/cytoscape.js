import cytoscape from "cytoscape";
const graph = cytoscape({ container: document.getElementById("graph"), elements: [{ data: { id: "a" } }, { data: { id: "b" } }, { data: { id: "ab", source: "a", target: "b" } }], layout: { name: "grid" } });
document.getElementById("fit").onclick = () => { graph.zoom(0.4 + Math.random()); graph.center(); };
