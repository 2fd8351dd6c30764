import { el, list, mount, text } from "redom";
class Row { constructor() { this.el = el("li"); } update(x) { this.el.textContent = x; } }
const rows = list("ul", Row), items = ["Milk"];
rows.update(items);
mount(document.body, el("div", [el("p#words", "Some words to read, and to select while reading."), el("button#add", { onclick: () => { items.push("Bread " + items.length); rows.update(items); } }, "Add"), el("button#same", { onclick: () => rows.update(items) }, "Update"), el("button#gone", { onclick: () => { items.length = 0; rows.update(items); } }, "Clear"), rows]));
