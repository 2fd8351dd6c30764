import * as R from "react-aria-components";
import { useState } from "react";
import { createRoot } from "react-dom/client";
const css = `[data-selected]{background:#bdf}[data-pressed]{transform:scale(.95);background:#ddd}button{padding:6px 12px;margin:2px}.pop{background:#fff;border:1px solid;padding:8px}`;
function App() {
  const [n, set] = useState(0), [ok, say] = useState("");
  return <div style={{ padding: 20, fontFamily: "system-ui" }}><style>{css}</style><h2>Desk</h2><p id="words">What lies on it is yours until five; then it is cleared for the next one.</p>
    <R.Button id="take" onPress={() => set(n + 1)}>Take</R.Button> {n} <R.ToggleButton id="toggle">Lamp</R.ToggleButton> <R.Switch id="switch"><i id="sw">Heating</i></R.Switch>
    <R.MenuTrigger><R.Button id="menu">More</R.Button><R.Popover className="pop"><R.Menu><R.MenuItem>Copy</R.MenuItem></R.Menu></R.Popover></R.MenuTrigger>
    <R.Tabs><R.TabList><R.Tab id="a">A</R.Tab><R.Tab id="b"><span id="tab">B</span></R.Tab></R.TabList><R.TabPanel id="a">First</R.TabPanel><R.TabPanel id="b">Second</R.TabPanel></R.Tabs>
    <R.Disclosure><R.Button slot="trigger" id="disc">Why?</R.Button><R.DisclosurePanel>Because</R.DisclosurePanel></R.Disclosure>
    <R.Button id="dead">Give back</R.Button> <R.ToggleButton id="deadtoggle" isSelected={false}>Fan</R.ToggleButton> <R.Button id="disabled" isDisabled>Move</R.Button> <R.Button id="deadclick" onPress={() => set((x) => x)}>Sort</R.Button>
    <R.Button id="slow" onPress={() => fetch("/api/ok?ms=3300").then(() => say("three desks"))}>Search</R.Button> {ok}</div>;
}
createRoot(document.getElementById("root")).render(<App />);
