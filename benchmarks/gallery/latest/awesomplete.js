import "awesomplete/awesomplete.css";
import Awesomplete from "awesomplete";
new Awesomplete(document.getElementById("town"), { list: ["Utrecht", "Delft", "Gouda", "Zwolle"], minChars: 1 });
document.getElementById("find").onclick = () => { document.getElementById("out").value = "Found " + document.getElementById("town").value; };
