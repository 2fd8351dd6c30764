import "@fluentui/web-components/web-components.js";
import { setTheme } from "@fluentui/web-components";
setTheme({ colorNeutralBackground1: "#fff", colorBrandBackground: "#06c", colorNeutralForeground1: "#222", colorNeutralStrokeAccessible: "#555", colorCompoundBrandBackground: "#06c" });
document.getElementById("go").addEventListener("click", () => { document.getElementById("out").textContent = "Chosen"; });
