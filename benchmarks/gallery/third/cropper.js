import "cropperjs/dist/cropper.css";
import Cropper from "cropperjs";
const c = new Cropper(document.getElementById("i"), { viewMode: 1 });
document.getElementById("turn").onclick = () => c.rotate(30);
document.getElementById("zoom").onclick = () => c.zoom(0.2);
