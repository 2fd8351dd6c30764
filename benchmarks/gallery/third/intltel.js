import "intl-tel-input/styles";
import intlTelInput from "intl-tel-input";
intlTelInput(document.getElementById("tel"), { initialCountry: "de" });
