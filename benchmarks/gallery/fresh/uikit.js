import "uikit/dist/css/uikit.min.css";
import UIkit from "uikit";
window.UIkit = UIkit;
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=2000"); document.getElementById("out").textContent = "Four"; UIkit.notification("Four places"); };
