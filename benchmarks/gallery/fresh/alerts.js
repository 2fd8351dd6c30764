import "tippy.js/dist/tippy.css";
import Swal from "sweetalert2";
import tippy from "tippy.js";
const $ = (id) => document.getElementById(id);
$("ask").onclick = () => Swal.fire("Send it?");
$("toast").onclick = () => Swal.fire({ toast: true, position: "top-end", title: "We will", timer: 4000, showConfirmButton: false });
tippy("#tip", { content: "A form", trigger: "click" });
tippy("#deadtip", { content: "Weighs it" });
$("slow").onclick = async () => { await fetch("/api/ok?ms=1600"); Swal.fire("Four"); };
