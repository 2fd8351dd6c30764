import * as THREE from "three";
const root = document.getElementById("root");
root.innerHTML = "<h2>Model</h2><canvas id=c width=400 height=240></canvas><p><button id=wire>Wires</button> <button id=stop>Stop</button> <b id=n>0</b><button id=count>Count</button> <button id=dead>Download the model</button> <button id=deadview>Top view</button></p>";
const scene = new THREE.Scene(), camera = new THREE.PerspectiveCamera(60, 400 / 240, 0.1, 50);
camera.position.z = 3;
const box = new THREE.Mesh(new THREE.BoxGeometry(), new THREE.MeshNormalMaterial());
scene.add(box);
let turning = true, draw = () => {};
try { const r = new THREE.WebGLRenderer({ canvas: document.getElementById("c") }); draw = () => r.render(scene, camera); } catch { const x = document.getElementById("c").getContext("2d"); draw = () => { x.clearRect(0, 0, 400, 240); x.strokeStyle = box.material.wireframe ? "red" : "black"; x.strokeRect(150 + 60 * Math.sin(box.rotation.y), 60, 100, 100); }; }
(function frame() { if (turning) box.rotation.y += 0.02; draw(); requestAnimationFrame(frame); })();
document.getElementById("wire").onclick = () => { box.material.wireframe = !box.material.wireframe; };
document.getElementById("stop").onclick = (e) => { turning = !turning; e.target.textContent = turning ? "Stop" : "Turn"; };
document.getElementById("count").onclick = () => { document.getElementById("n").textContent = scene.children.length + Math.random(); };
document.getElementById("deadview").onclick = () => scene.getObjectByName("top")?.lookAt(0, 0, 0);
