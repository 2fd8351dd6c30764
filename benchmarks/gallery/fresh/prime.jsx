import "primereact/resources/themes/lara-light-blue/theme.css";
import { Button } from "primereact/button";
import { Calendar } from "primereact/calendar";
import { Dialog } from "primereact/dialog";
import { InputSwitch } from "primereact/inputswitch";
import { Rating } from "primereact/rating";
import { TabPanel, TabView } from "primereact/tabview";
import { ToggleButton } from "primereact/togglebutton";
import { PrimeReactProvider } from "primereact/api";
import { useState } from "react";
import { createRoot } from "react-dom/client";
function App() {
  const [s, set] = useState({ n: 0, stars: 2 });
  const put = (more) => set((old) => ({ ...old, ...more }));
  return <PrimeReactProvider value={{ ripple: true }}><div style={{ padding: 24 }}>
    <h2>Fleet</h2><p id="words">Forty vans, where they are, and who drives them today.</p>
    <Button id="call" label="Call" onClick={() => put({ n: s.n + 1 })} /> {s.n} <Button id="open" label="Open" onClick={() => put({ open: true })} />
    <InputSwitch id="switch" checked={!!s.on} onChange={(e) => put({ on: e.value })} /> <ToggleButton id="toggle" checked={!!s.t} onChange={(e) => put({ t: e.value })} />
    <Rating id="rating" value={s.stars} onChange={(e) => put({ stars: e.value })} cancel={false} />
    <TabView><TabPanel header="Vans">Vans</TabPanel><TabPanel header="Drivers">Drivers</TabPanel></TabView>
    <Button id="dead" label="Refuel" /> <Button id="deadtext" label="Log" text /> <InputSwitch id="deadswitch" checked={false} /> <Button id="disabled" label="Sell" disabled />
    <Button id="slow" label="Locate" onClick={() => fetch("/api/ok?ms=3600").then(() => put({ ok: "Utrecht" }))} /> {s.ok}
    <Dialog header="Van" visible={!!s.open} onHide={() => put({ open: false })}>A van</Dialog></div></PrimeReactProvider>;
}
createRoot(document.getElementById("root")).render(<App />);
