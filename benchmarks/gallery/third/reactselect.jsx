import Select from "react-select";
import { createRoot } from "react-dom/client";
const options = ["Berlin", "Bonn", "Bremen"].map((label) => ({ label, value: label }));
createRoot(document.body.appendChild(document.createElement("div"))).render(<main style={{ padding: 20, maxWidth: 400 }}>
  <p id="words">Where do you want to go, and when do you want to be back?</p>
  <Select id="one" options={options} /> <Select id="two" isMulti defaultValue={options} options={options} /> <Select id="off" isDisabled options={options} />
  <button id="dead">Search</button></main>);
