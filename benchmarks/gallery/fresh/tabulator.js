import "tabulator-tables/dist/css/tabulator.min.css";
import { TabulatorFull } from "tabulator-tables";
const table = new TabulatorFull("#table", { height: 260, data: Array.from({ length: 30 }, (_, id) => ({ id, name: "Member " + ((id * 7) % 30), age: (id * 13) % 60 })), columns: [{ title: "Name", field: "name" }, { title: "Age", field: "age" }, { title: "Pay", formatter: () => "<button class=pay>Pay</button>" }], selectableRows: true });
document.getElementById("add").onclick = () => table.addRow({ id: Math.random(), name: "New", age: 1 }, true);
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=1900"); table.addRow({ id: Math.random(), name: "Late", age: 2 }, true); };
