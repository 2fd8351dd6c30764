import "swiper/swiper-bundle.css";
import Swiper from "swiper/bundle";
new Swiper("#s1", { navigation: { nextEl: ".swiper-button-next", prevEl: ".swiper-button-prev" }, pagination: { el: ".swiper-pagination", clickable: true } });
document.getElementById("slow").onclick = async () => { await fetch("/api/ok?ms=1500"); document.getElementById("out").textContent = "larger"; };
