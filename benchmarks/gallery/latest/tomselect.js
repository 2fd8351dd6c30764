import "tom-select/dist/css/tom-select.css";
import TomSelect from "tom-select";
const box = new TomSelect("#s");
document.getElementById("all").onclick = () => box.setValue(["a", "b", "c"]);
