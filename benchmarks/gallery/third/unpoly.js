import "unpoly/unpoly.css";
import "unpoly";
