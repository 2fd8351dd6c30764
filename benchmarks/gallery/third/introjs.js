import "intro.js/minified/introjs.min.css";
import introJs from "intro.js";
document.getElementById("tour").onclick = () => (introJs.tour ? introJs.tour() : introJs()).start();
