import "photoswipe/style.css";
import Lightbox from "photoswipe/lightbox";
import PhotoSwipe from "photoswipe";
new Lightbox({ gallery: "#photos", children: "a", pswpModule: PhotoSwipe }).init();
