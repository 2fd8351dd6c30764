import "air-datepicker/air-datepicker.css";
import AirDatepicker from "air-datepicker";
const picker = new AirDatepicker("#cal", { inline: true });
document.getElementById("next").onclick = () => picker.next();
