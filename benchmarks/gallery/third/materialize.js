import "materialize-css/dist/css/materialize.min.css";
import "materialize-css/dist/js/materialize.js";
M.AutoInit();
document.getElementById("toast").onclick = () => M.toast({ html: "Saved" });
