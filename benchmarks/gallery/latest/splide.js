import "@splidejs/splide/css";
import Splide from "@splidejs/splide";
new Splide("#s").mount();
