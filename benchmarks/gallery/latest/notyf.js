import "notyf/notyf.min.css";
import { Notyf } from "notyf";
const notyf = new Notyf();
document.getElementById("save").onclick = () => notyf.success("Saved");
document.getElementById("slow").onclick = () => fetch("/api/ok?ms=1800").then(() => notyf.success("Published"));
