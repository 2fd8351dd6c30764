import "keen-slider/keen-slider.min.css";
import Keen from "keen-slider";
const k = new Keen("#k", { loop: true });
document.getElementById("next").onclick = () => k.next();
