import "shepherd.js/dist/css/shepherd.css";
import Shepherd from "shepherd.js";
const tour = new Shepherd.Tour({ useModalOverlay: true });
tour.addStep({ text: "All your reports", attachTo: { element: "#head", on: "bottom" }, buttons: [{ text: "Next", classes: "go", action: () => tour.next() }] });
tour.addStep({ text: "That is all", buttons: [{ text: "Done", classes: "end", action: () => tour.complete() }] });
document.getElementById("tour").onclick = () => tour.start();
