import "reveal.js/reveal.css";
import "reveal.js/theme/white.css";
import Reveal from "reveal.js";
new Reveal({ embedded: true }).initialize();
