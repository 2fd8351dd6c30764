import zoom from "medium-zoom";
zoom("#pic");
