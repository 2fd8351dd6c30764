import "@hotwired/turbo";
document.getElementById("n").onclick = () => { document.getElementById("c").textContent = +document.getElementById("c").textContent + 1; };
