import "jsuites/dist/jsuites.css";
import "jspreadsheet-ce/dist/jspreadsheet.css";
import jspreadsheet from "jspreadsheet-ce";
const sheets = jspreadsheet(document.getElementById("sheet"), { worksheets: [{ data: [[1, 2], [3, 4]], minDimensions: [4, 4] }] });
document.getElementById("row").onclick = () => sheets[0].insertRow();
