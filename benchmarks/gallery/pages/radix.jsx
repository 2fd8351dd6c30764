// Radix primitives with few styles of our own, and Headless UI beside them.
import { Accordion, AlertDialog, Checkbox, Dialog, DropdownMenu, HoverCard, Popover, RadioGroup, Select, Slider, Switch, Tabs, Toast, Toggle, ToggleGroup, Tooltip } from "radix-ui";
import * as H from "@headlessui/react";
import { useState } from "react";
import { createRoot } from "react-dom/client";

const later = (ms) => fetch(`/api/ok?ms=${ms}`).then((r) => r.json());
const css = `body{font:15px system-ui;margin:2em}button{margin:.2em;padding:.3em .7em}[data-state=checked],[data-state=on],[data-state=active],[data-checked]{background:#bdf}
.box{width:1.3em;height:1.3em;padding:0}.sw{width:3em;height:1.5em}.pop{background:#fff;border:1px solid #aaa;padding:1em}.over{position:fixed;inset:0;background:#0005}.dlg{position:fixed;top:30%;left:30%;background:#fff;padding:2em}
.track{width:160px;height:8px;background:#ccc;position:relative;display:flex;align-items:center}.thumb{display:block;width:16px;height:16px;background:#36c;border-radius:50%}`;

function App() {
  const [s, set] = useState({ n: 0 });
  const put = (more) => set((old) => ({ ...old, ...more }));
  return (
    <Tooltip.Provider><style>{css}</style>
      <h2>Settings</h2><p id="words">What you change here holds for all your devices. It may take a minute until the others know.</p>
      <Dialog.Root><Dialog.Trigger id="dialog">Edit</Dialog.Trigger><Dialog.Portal><Dialog.Overlay className="over" /><Dialog.Content className="dlg" aria-describedby={undefined}><Dialog.Title>Edit</Dialog.Title><Dialog.Close>Close</Dialog.Close></Dialog.Content></Dialog.Portal></Dialog.Root>
      <AlertDialog.Root><AlertDialog.Trigger id="alert">Delete</AlertDialog.Trigger><AlertDialog.Portal><AlertDialog.Content className="dlg"><AlertDialog.Title>Sure?</AlertDialog.Title><AlertDialog.Description>All of it</AlertDialog.Description><AlertDialog.Cancel>No</AlertDialog.Cancel></AlertDialog.Content></AlertDialog.Portal></AlertDialog.Root>
      <DropdownMenu.Root><DropdownMenu.Trigger id="menu">Menu</DropdownMenu.Trigger><DropdownMenu.Portal><DropdownMenu.Content className="pop"><DropdownMenu.Item>Copy</DropdownMenu.Item></DropdownMenu.Content></DropdownMenu.Portal></DropdownMenu.Root>
      <Popover.Root><Popover.Trigger id="popover">Size</Popover.Trigger><Popover.Portal><Popover.Content className="pop">Size it</Popover.Content></Popover.Portal></Popover.Root>
      <Checkbox.Root id="check" className="box"><Checkbox.Indicator>✓</Checkbox.Indicator></Checkbox.Root>
      <Switch.Root id="switch" className="sw"><Switch.Thumb className="thumb" /></Switch.Root>
      <Toggle.Root id="toggle">Bold</Toggle.Root>
      <ToggleGroup.Root type="single"><ToggleGroup.Item value="l">Left</ToggleGroup.Item><ToggleGroup.Item id="right" value="r">Right</ToggleGroup.Item></ToggleGroup.Root>
      <RadioGroup.Root defaultValue="a"><RadioGroup.Item className="box" value="a" /><RadioGroup.Item className="box" id="radio" value="b" /></RadioGroup.Root>
      <Tabs.Root defaultValue="one"><Tabs.List><Tabs.Trigger value="one">One</Tabs.Trigger><Tabs.Trigger id="tab" value="two">Two</Tabs.Trigger></Tabs.List><Tabs.Content value="one">First</Tabs.Content><Tabs.Content value="two">Second</Tabs.Content></Tabs.Root>
      <Accordion.Root type="single" collapsible><Accordion.Item value="a"><Accordion.Header><Accordion.Trigger id="accordion">What is it?</Accordion.Trigger></Accordion.Header><Accordion.Content>A setting.</Accordion.Content></Accordion.Item></Accordion.Root>
      <Select.Root defaultValue="a"><Select.Trigger id="select"><Select.Value /></Select.Trigger><Select.Portal><Select.Content className="pop"><Select.Viewport><Select.Item value="a"><Select.ItemText>A</Select.ItemText></Select.Item><Select.Item value="b"><Select.ItemText>B</Select.ItemText></Select.Item></Select.Viewport></Select.Content></Select.Portal></Select.Root>
      <Slider.Root id="slider" className="track" defaultValue={[40]}><Slider.Track><Slider.Range /></Slider.Track><Slider.Thumb className="thumb" aria-label="volume" /></Slider.Root>
      <HoverCard.Root><HoverCard.Trigger id="hover" href="done">@ann</HoverCard.Trigger><HoverCard.Portal><HoverCard.Content className="pop">Ann</HoverCard.Content></HoverCard.Portal></HoverCard.Root>
      <p><button id="plus" onClick={() => put({ n: s.n + 1 })}>+</button><b>{s.n}</b></p>
      <div><H.Disclosure><H.DisclosureButton id="hdisclose">Details</H.DisclosureButton><H.DisclosurePanel>Here</H.DisclosurePanel></H.Disclosure>
        <H.Menu><H.MenuButton id="hmenu">Options</H.MenuButton><H.MenuItems className="pop" anchor="bottom"><H.MenuItem><a href="#x">One</a></H.MenuItem></H.MenuItems></H.Menu>
        <H.Switch id="hswitch" className="sw" defaultChecked={false} />
        <H.TabGroup><H.TabList><H.Tab>A</H.Tab><H.Tab id="htab">B</H.Tab></H.TabList><H.TabPanels><H.TabPanel>Aaa</H.TabPanel><H.TabPanel>Bbb</H.TabPanel></H.TabPanels></H.TabGroup></div>
      <p><button id="dead" type="button">Export</button><Switch.Root id="refused" className="sw" checked={false}><Switch.Thumb className="thumb" /></Switch.Root>
        <Dialog.Root open={false}><Dialog.Trigger id="deaddialog">Share</Dialog.Trigger></Dialog.Root>
        <DropdownMenu.Root><DropdownMenu.Trigger id="deadmenu" disabled>More</DropdownMenu.Trigger></DropdownMenu.Root>
        <Tooltip.Root><Tooltip.Trigger id="deadtip">Sync</Tooltip.Trigger><Tooltip.Portal><Tooltip.Content className="pop">Syncs it</Tooltip.Content></Tooltip.Portal></Tooltip.Root>
        <H.Button id="hdead">Import</H.Button></p>
      <p><button id="slow" onClick={() => later(1600).then((r) => put({ answer: r.n }))}>Check</button><button id="slow4" onClick={() => later(4000).then((r) => put({ answer: r.n }))}>Verify</button> {s.answer}</p>
    </Tooltip.Provider>
  );
}
createRoot(document.getElementById("root")).render(<App />);
