// Leaflet with tiles from the site itself.
import "leaflet/dist/leaflet.css";
import L from "leaflet";

const $ = (id) => document.getElementById(id);
const map = L.map("map").setView([52.09, 5.12], 12);
L.tileLayer("/tile/{z}/{x}/{y}.png").addTo(map);
const dot = (at) => L.circleMarker(at, { radius: 12 }).addTo(map);
dot([52.09, 5.12]).bindPopup("The shop");
L.marker([52.1, 5.15], { icon: L.divIcon({ html: "<b>Store</b>", className: "" }) }).addTo(map).bindPopup("The store");
const dead = L.divIcon({ html: "<u style='cursor:pointer'>Depot</u>", className: "deadpin" });
L.marker([52.08, 5.08], { icon: dead }).addTo(map);
$("home").onclick = () => map.setView([52.09, 5.05], 11, { animate: false });
$("far").onclick = () => map.flyTo([52.2, 5.4], 11);
$("pin").onclick = () => dot([52.09 + Math.random() / 30, 5.12 + Math.random() / 30]);
let layer;
$("layer").onclick = () => { if (layer) { layer.remove(); layer = null; } else layer = L.rectangle([[52.08, 5.1], [52.1, 5.14]]).addTo(map); };
$("deadlocate").onclick = () => { navigator.geolocation.getCurrentPosition(() => {}, () => {}); };
$("slow").onclick = async () => { $("hours").textContent = (await (await fetch("/api/ok?ms=2300")).json()).n; };
