import { AllCommunityModule, createGrid, ModuleRegistry } from "ag-grid-community";
ModuleRegistry.registerModules([AllCommunityModule]);
const root = document.getElementById("root");
root.innerHTML = "<div id=grid style='height:300px;width:700px'></div><button id=dead>Export</button> <button id=add>Add</button> <button id=slow>Refresh</button> <span id=out></span>";
let rows = Array.from({ length: 60 }, (_, i) => ({ name: "Row " + i, price: (i * 37) % 91, age: i % 7 }));
const api = createGrid(document.getElementById("grid"), { columnDefs: [{ field: "name", sortable: true, editable: true }, { field: "price", sortable: true, filter: true }, { field: "age", checkboxSelection: false }], rowData: rows, rowSelection: { mode: "multiRow" } });
document.getElementById("add").onclick = () => { rows = [{ name: "New", price: 1, age: 1 }, ...rows]; api.setGridOption("rowData", rows); };
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=2200"); document.getElementById("out").textContent = "fresh"; };
