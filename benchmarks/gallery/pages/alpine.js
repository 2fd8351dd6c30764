// Alpine with a countdown on the page.
import Alpine from "alpinejs";

Alpine.start();
