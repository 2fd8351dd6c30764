import "gridstack/dist/gridstack.min.css";
import { GridStack } from "gridstack";
const grid = GridStack.init({ cellHeight: 70, float: true });
grid.load([{ x: 0, y: 0, w: 3, h: 2, content: "Sales" }, { x: 4, y: 0, w: 3, h: 2, content: "Costs" }]);
document.getElementById("add").onclick = () => grid.addWidget({ w: 2, h: 1, content: "New" });
