import m from "mithril";
let n = 0, tab = "in", ok = "";
m.mount(document.getElementById("root"), { view: () => [m("h2", "Mail"), m("p#words", "What came today, and what you have not read yet. It is redrawn whenever something happens."),
  m("button#get", { onclick: () => { n += 1; } }, "Get"), m("b", n), m("button#tab", { onclick: () => { tab = "out"; } }, "Sent"), m("span", tab),
  m("button#dead", "Reply"), m("button#deaddraw", { onclick: () => {} }, "Mark"), m("span#deadspan[role=link][tabindex=0]", { style: "cursor:pointer" }, "Thread"),
  m("button#slow", { onclick: () => m.request("/api/ok?ms=2200").then(() => { ok = "found 3"; }) }, "Search"), m("i", ok)] });
