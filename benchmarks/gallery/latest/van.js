import van from "vanjs-core";
const { button, div, p, span, input } = van.tags;
const n = van.state(0), seen = van.state(false);
van.add(document.getElementById("root"), div(p({ id: "words" }, "Some words to read, and to select while reading."), button({ id: "up", onclick: () => n.val++ }, "👍"), span(n), button({ id: "show", onclick: () => (seen.val = true) }, "Show"), () => (seen.val ? p("shown") : span()), button({ id: "dead" }, "Share"), button({ id: "deadset", onclick: () => (n.val = n.val) }, "Reload"), input({ id: "field" })));
