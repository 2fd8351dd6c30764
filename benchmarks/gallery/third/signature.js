import SignaturePad from "signature_pad";
const pad = new SignaturePad(document.getElementById("c"));
document.getElementById("clear").onclick = () => pad.clear();
