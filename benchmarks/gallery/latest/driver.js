import "driver.js/dist/driver.css";
import { driver } from "driver.js";
const tour = driver({ animate: true, steps: [{ element: "#head", popover: { title: "Here", description: "This is your account." } }, { element: "#words", popover: { title: "And here" } }] });
document.getElementById("tour").onclick = () => tour.drive();
