import "gridjs/dist/theme/mermaid.css";
import { Grid } from "gridjs";
new Grid({ columns: ["Name", "Town"], sort: true, search: true, pagination: { limit: 4 }, data: Array.from({ length: 20 }, (_, n) => ["Name " + (n * 7) % 20, "Town " + n]) }).render(document.getElementById("grid"));
