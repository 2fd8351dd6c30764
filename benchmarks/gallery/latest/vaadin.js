import "@vaadin/button";
import "@vaadin/details";
document.getElementById("go").addEventListener("click", () => { document.getElementById("out").textContent = "Chosen"; });
