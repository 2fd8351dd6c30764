import "@mantine/core/styles.css";
import * as M from "@mantine/core";
import { useState } from "react";
import { createRoot } from "react-dom/client";
function App() {
  const [s, set] = useState({ n: 0 });
  const put = (more) => set((old) => ({ ...old, ...more }));
  return <M.MantineProvider><M.Container py="md">
    <h2>Budget</h2><p id="words">What was planned and what was spent, month by month, with a word on why.</p>
    <M.Button id="add" onClick={() => put({ n: s.n + 10 })}>Add 10</M.Button> {s.n} <M.Switch id="switch" label="Net" /> <M.Chip id="chip">Rent</M.Chip>
    <M.SegmentedControl data={["Month", "Year"]} /> <M.Accordion><M.Accordion.Item value="a"><M.Accordion.Control id="acc">Why?</M.Accordion.Control><M.Accordion.Panel>Rent rose.</M.Accordion.Panel></M.Accordion.Item></M.Accordion>
    <M.Popover><M.Popover.Target><M.Button id="pop">Info</M.Button></M.Popover.Target><M.Popover.Dropdown>Text</M.Popover.Dropdown></M.Popover>
    <M.Button id="dead" variant="light">Approve</M.Button> <M.Chip id="deadchip" checked={false}>Food</M.Chip> <M.UnstyledButton id="deadplain">More rows</M.UnstyledButton> <M.Button id="disabled" data-disabled onClick={(e) => e.preventDefault()}>Lock</M.Button>
    <M.Button id="slow" onClick={() => fetch("/api/ok?ms=1800").then(() => put({ ok: "sent" }))}>Send</M.Button> {s.ok} <M.NumberInput id="num" defaultValue={3} />
  </M.Container></M.MantineProvider>;
}
createRoot(document.getElementById("root")).render(<App />);
