import Embla from "embla-carousel";
const e = Embla(document.getElementById("v"), { loop: false });
document.getElementById("prev").onclick = () => e.scrollPrev();
document.getElementById("next").onclick = () => e.scrollNext();
