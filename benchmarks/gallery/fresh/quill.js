import "quill/dist/quill.snow.css";
import Quill from "quill";
const quill = new Quill("#editor", { theme: "snow" });
document.getElementById("send").onclick = () => { document.getElementById("sent").textContent = "Sent " + Math.random(); };
document.getElementById("deaddraft").onclick = () => { localStorage.draft = quill.root.innerHTML; };
