import "slim-select/styles";
import SlimSelect from "slim-select";
new SlimSelect({ select: "#s" });
