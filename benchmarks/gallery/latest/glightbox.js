import "glightbox/dist/css/glightbox.css";
import GLightbox from "glightbox";
GLightbox({ selector: ".glightbox" });
