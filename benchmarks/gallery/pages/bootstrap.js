// Bootstrap 5 with its data attributes, a carousel that turns by itself.
import "bootstrap/dist/css/bootstrap.min.css";
import * as bootstrap from "bootstrap";

const $ = (id) => document.getElementById(id);
new bootstrap.Popover($("popover"));
$("toaster").onclick = () => bootstrap.Toast.getOrCreateInstance($("toast")).show();
$("close").onclick = () => $("alert").remove();
$("plus").onclick = () => { $("sum").textContent = +$("sum").textContent + 1; };
$("deadlink").onclick = (e) => e.preventDefault();
$("spin").onclick = async () => {
  $("spin").innerHTML = '<span class="spinner-border spinner-border-sm"></span>';
  const r = await (await fetch("/api/ok?ms=600")).json();
  $("spin").textContent = "Fetch prices";
  $("spun").textContent = r.n;
};
for (const [id, ms] of [["slow", 1800], ["slow6", 5700]]) $(id).onclick = async () => { $("slowed").textContent = (await (await fetch("/api/ok?ms=" + ms)).json()).n; };
