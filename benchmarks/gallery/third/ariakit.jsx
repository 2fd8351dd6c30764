import * as A from "@ariakit/react";
import { createRoot } from "react-dom/client";
function App() {
  return <main style={{ padding: 20 }}>
    <p id="words">Some words that somebody may read, and select while reading.</p>
    <A.DisclosureProvider><A.Disclosure id="dis">What is in it?</A.Disclosure><A.DisclosureContent>Oats and nuts.</A.DisclosureContent></A.DisclosureProvider>
    <A.MenuProvider><A.MenuButton id="menu">Edit</A.MenuButton><A.Menu gutter={4}><A.MenuItem id="cut">Cut</A.MenuItem><A.MenuItem>Paste</A.MenuItem></A.Menu></A.MenuProvider>
    <A.TabProvider><A.TabList><A.Tab id="t1">One</A.Tab><A.Tab id="t2">Two</A.Tab></A.TabList><A.TabPanel>first</A.TabPanel><A.TabPanel>second</A.TabPanel></A.TabProvider>
    <A.Checkbox id="box" /> <A.Button id="dead">Order</A.Button> <A.Button id="off" disabled accessibleWhenDisabled>Renew</A.Button> <A.Role.div id="deadrole" role="button" tabIndex={0}>More</A.Role.div>
  </main>;
}
createRoot(document.body.appendChild(document.createElement("div"))).render(<App />);
