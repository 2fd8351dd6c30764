import List from "list.js";
new List("l", { valueNames: ["name"] });
