import * as C from "@chakra-ui/react";
import { useState } from "react";
import { createRoot } from "react-dom/client";
function App() {
  const [s, set] = useState({ n: 0 });
  const put = (more) => set((old) => ({ ...old, ...more }));
  return <C.ChakraProvider value={C.defaultSystem}><C.Box p="6">
    <C.Heading>Team</C.Heading><p id="words">Who works on what, this week and the next. Everybody may move their own card.</p>
    <C.Button id="join" onClick={() => put({ n: s.n + 1 })}>Join</C.Button> {s.n}
    <C.Dialog.Root><C.Dialog.Trigger asChild><C.Button id="open">Details</C.Button></C.Dialog.Trigger><C.Portal><C.Dialog.Backdrop /><C.Dialog.Positioner><C.Dialog.Content><C.Dialog.Body>Details</C.Dialog.Body></C.Dialog.Content></C.Dialog.Positioner></C.Portal></C.Dialog.Root>
    <C.Switch.Root id="switch"><C.Switch.HiddenInput /><C.Switch.Control /><C.Switch.Label>Mine</C.Switch.Label></C.Switch.Root>
    <C.Tabs.Root defaultValue="a"><C.Tabs.List><C.Tabs.Trigger value="a">Now</C.Tabs.Trigger><C.Tabs.Trigger id="tab" value="b">Next</C.Tabs.Trigger></C.Tabs.List><C.Tabs.Content value="a">Now</C.Tabs.Content><C.Tabs.Content value="b">Next</C.Tabs.Content></C.Tabs.Root>
    <C.Button id="dead" colorPalette="blue">Assign</C.Button> <C.Button id="deadout" variant="outline" onClick={() => put({ n: s.n })}>Sort</C.Button>
    <C.Button id="slow" loading={s.wait} onClick={() => { put({ wait: true }); fetch("/api/ok?ms=3000").then(() => put({ wait: false, ok: "done" })); }}>Plan</C.Button> {s.ok}
  </C.Box></C.ChakraProvider>;
}
createRoot(document.getElementById("root")).render(<App />);
