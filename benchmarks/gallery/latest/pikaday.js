import "pikaday/css/pikaday.css";
import Pikaday from "pikaday";
const picker = new Pikaday({ field: document.getElementById("day") });
document.getElementById("today").onclick = () => picker.setDate(new Date());
