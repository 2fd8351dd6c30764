import * as F from "@fluentui/react-components";
import { useState } from "react";
import { createRoot } from "react-dom/client";
function App() {
  const [s, set] = useState({ n: 0 });
  const put = (more) => set((old) => ({ ...old, ...more }));
  return <F.FluentProvider theme={F.webLightTheme} style={{ padding: 24 }}>
    <h2>Rooms</h2><p id="words">Book a room for an hour or a day. Those who came first stay first.</p>
    <F.Button id="book" appearance="primary" onClick={() => put({ n: s.n + 1 })}>Book</F.Button> <b>{s.n} booked</b>
    <F.Switch id="switch" label="Only free" /> <F.Checkbox id="check" label="Beamer" />
    <F.Menu><F.MenuTrigger disableButtonEnhancement><F.Button id="menu">More</F.Button></F.MenuTrigger><F.MenuPopover><F.MenuList><F.MenuItem>Copy</F.MenuItem></F.MenuList></F.MenuPopover></F.Menu>
    <F.TabList defaultSelectedValue="a"><F.Tab value="a">Day</F.Tab><F.Tab id="tab" value="b">Week</F.Tab></F.TabList>
    <F.Accordion collapsible><F.AccordionItem value="1"><F.AccordionHeader><span id="acc">Rules</span></F.AccordionHeader><F.AccordionPanel>Be quiet.</F.AccordionPanel></F.AccordionItem></F.Accordion>
    <F.Button id="dead">Invite</F.Button> <F.ToggleButton id="deadtoggle" checked={false}>Star</F.ToggleButton> <F.Button id="disabled" disabled>Pay</F.Button>
    <F.Button id="slow" onClick={() => fetch("/api/ok?ms=2400").then(() => put({ ok: "free" }))}>Is it free?</F.Button> {s.ok} <F.Slider id="slider" defaultValue={20} />
  </F.FluentProvider>;
}
createRoot(document.getElementById("root")).render(<App />);
