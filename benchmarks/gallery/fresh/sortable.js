import Sortable from "sortablejs";
Sortable.create(document.getElementById("list"), { animation: 150, forceFallback: true });
document.getElementById("add").onclick = () => document.getElementById("list").insertAdjacentHTML("beforeend", "<li>Sleep</li>");
document.getElementById("deadshare").onclick = () => navigator.share?.({ url: "nowhere:" }).catch(() => {});
