import "@material/web/all.js";
const $ = (id) => document.getElementById(id);
$("open").onclick = () => { $("out").textContent = "Open " + Math.random(); };
$("slow").onclick = async () => { await fetch("/api/ok?ms=2700"); $("out").textContent = "Number 7"; };
