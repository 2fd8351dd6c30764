import { Calendar } from "@fullcalendar/core";
import dayGrid from "@fullcalendar/daygrid";
import interaction from "@fullcalendar/interaction";
const root = document.getElementById("root");
root.innerHTML = "<div id=cal style='max-width:760px'></div><button id=dead>Subscribe</button> <button id=slow>Find a slot</button> <span id=out></span>";
const cal = new Calendar(document.getElementById("cal"), { plugins: [dayGrid, interaction], initialDate: "2026-05-01", height: 480, events: [{ title: "Meeting", date: "2026-05-12" }, { title: "Dead talk", date: "2026-05-14" }], dateClick: (i) => cal.addEvent({ title: "New", date: i.dateStr }), eventClick: (i) => { if (i.event.title === "Meeting") i.event.setProp("title", "Meeting, moved"); } });
cal.render();
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=2900"); document.getElementById("out").textContent = "Tuesday"; };
