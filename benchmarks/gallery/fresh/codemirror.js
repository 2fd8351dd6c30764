import { basicSetup, EditorView } from "codemirror";
const root = document.getElementById("root");
root.innerHTML = "<h2>Code</h2><div id=code></div><button id=run>Run</button> <pre id=out></pre> <button id=dead>Format</button> <button id=deadsave>Save</button> <button id=slow>Test</button>";
const view = new EditorView({ doc: "function one() {\n  return 1;\n}\n\none();\n", extensions: [basicSetup], parent: document.getElementById("code") });
document.getElementById("run").onclick = () => { document.getElementById("out").textContent += "1\n"; };
document.getElementById("deadsave").onclick = () => { navigator.sendBeacon("/api/ok", view.state.doc.toString()); };
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=4000"); document.getElementById("out").textContent += "passed\n"; };
