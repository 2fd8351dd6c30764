// jQuery UI on jQuery 4.
import "jquery-ui/dist/themes/base/jquery-ui.css";
import jQuery from "jquery";

window.jQuery = window.$ = jQuery;
await import("jquery-ui/dist/jquery-ui.js");
const $ = jQuery;
$("button, input[type=button]").button();
$("#dialog").dialog({ autoOpen: false });
$("#dialogopen").on("click", () => $("#dialog").dialog("open"));
$("#check").checkboxradio();
$("#effect").on("click", () => $("#toggled").effect("highlight", { color: "#8cf" }, 6000));
$("#toggle").on("click", () => $("#toggled").slideToggle(200));
$("#plus").on("click", () => $("#n").text(+$("#n").text() + 1));
$("#tabs").tabs();
$("#accordion").accordion({ heightStyle: "content" });
$("#date").datepicker();
$("#spin").spinner();
$("#select").selectmenu();
$("#slider").slider({ value: 30 });
$("#sort").sortable();
$("#disabled").button("disable");
$("#deadsel").on("submit", () => alert("never"));
$("#slow").on("click", () => $.get("/api/ok?ms=1500", (r) => $("#slowed").text(r.n)));
$("#slow3").on("click", () => $.post("/api/ok?ms=3700", (r) => $("#slowed").text(r.n)));
