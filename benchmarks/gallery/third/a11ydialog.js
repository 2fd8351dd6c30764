import A11yDialog from "a11y-dialog";
new A11yDialog(document.getElementById("d"));
