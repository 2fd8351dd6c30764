import "toastify-js/src/toastify.css";
import Toastify from "toastify-js";
document.getElementById("save").onclick = () => Toastify({ text: "Saved", duration: 2000, close: true }).showToast();
