import "trix/dist/trix.css";
import "trix";
