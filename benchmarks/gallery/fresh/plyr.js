import "plyr/dist/plyr.css";
import Plyr from "plyr";
new Plyr("#player", { loadSprite: false });
document.getElementById("fav").onclick = () => { document.getElementById("f").textContent += "★"; };
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=2000"); document.getElementById("f").textContent = "Ann"; };
