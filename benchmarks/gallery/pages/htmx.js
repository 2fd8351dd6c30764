// htmx with a region that polls every second.
import "htmx.org";
