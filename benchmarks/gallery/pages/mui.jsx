// An order page with Material UI: ripples, a snackbar, menus in portals, and a ticking clock in the bar.
import * as M from "@mui/material";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const later = (ms) => fetch(`/api/ok?ms=${ms}`).then((r) => r.json());

function Clock() {
  const [now, tick] = useState(0);
  useEffect(() => { const t = setInterval(() => tick((n) => n + 1), 1000); return () => clearInterval(t); }, []);
  return <span>{now} s</span>;
}

function App() {
  const [s, set] = useState({ count: 1, tab: 0, page: 1, stars: 2, size: "M", saved: 0 });
  const put = (more) => set((old) => ({ ...old, ...more }));
  const [menu, setMenu] = useState(null);
  return (
    <M.Container maxWidth="md">
      <M.Toolbar><h2 style={{ flexGrow: 1 }}>Order 4711</h2><Clock /></M.Toolbar>
      <p id="words">Change what you like until the parcel is packed. The total is updated with every change, and the invoice comes by mail.</p>
      <M.Stack direction="row" spacing={1} sx={{ flexWrap: "wrap" }} useFlexGap>
        <M.Button id="save" variant="contained" onClick={() => put({ saved: s.saved + 1 })}>Save</M.Button><span>saved {s.saved} times</span>
        <M.Button id="snack" onClick={() => put({ snack: true })}>Notify me</M.Button>
        <M.IconButton id="plus" onClick={() => put({ count: s.count + 1 })}>+</M.IconButton><b id="count">{s.count}</b>
        <M.Button id="menu" onClick={(e) => setMenu(e.currentTarget)}>Menu</M.Button>
        <M.Button id="dialog" onClick={() => put({ dialog: true })}>Delete …</M.Button>
        <M.Button id="drawer" onClick={() => put({ drawer: true })}>Drawer</M.Button>
        <M.Switch id="switch" checked={!!s.on} onChange={() => put({ on: !s.on })} slotProps={{ input: { id: "switchin", "aria-label": "on" } }} />
        <M.Checkbox id="check" checked={!!s.check} onChange={() => put({ check: !s.check })} />
        <M.Chip id="chip" label={s.chip ? "Picked" : "Pick"} color={s.chip ? "primary" : "default"} onClick={() => put({ chip: !s.chip })} />
        <M.ToggleButtonGroup exclusive value={s.size} onChange={(_, size) => size && put({ size })}><M.ToggleButton id="small" value="S">S</M.ToggleButton><M.ToggleButton id="medium" value="M">M</M.ToggleButton></M.ToggleButtonGroup>
      </M.Stack>
      <M.Tabs value={s.tab} onChange={(_, tab) => put({ tab })}><M.Tab id="tab0" label="Goods" /><M.Tab id="tab1" label="Address" /></M.Tabs>
      <p>{s.tab ? "Kanaalstraat 12, Utrecht" : "Three pears and a fig"}</p>
      <M.Accordion><M.AccordionSummary id="accordion">How is it packed?</M.AccordionSummary><M.AccordionDetails>In paper.</M.AccordionDetails></M.Accordion>
      <M.Stack direction="row" spacing={2} sx={{ alignItems: "center", my: 1 }}>
        <M.Pagination count={5} page={s.page} onChange={(_, page) => put({ page })} /><span>page {s.page}</span>
        <M.Rating id="rating" value={s.stars} onChange={(_, stars) => put({ stars })} />
        <M.Slider id="slider" defaultValue={30} sx={{ width: 150 }} aria-label="amount" />
        <M.TextField id="field" label="Note" size="small" />
        <M.Select id="select" size="small" value={s.size} onChange={(e) => put({ size: e.target.value })}><M.MenuItem value="S">S</M.MenuItem><M.MenuItem value="M">M</M.MenuItem></M.Select>
      </M.Stack>
      <M.Stack direction="row" spacing={1} sx={{ flexWrap: "wrap" }} useFlexGap>
        <M.Button id="dead" variant="contained">Track</M.Button>
        <M.Button id="deadpink" color="secondary" onClick={() => put({ count: s.count })}>Apply</M.Button>
        <M.IconButton id="deadicon" onClick={() => null}>★</M.IconButton>
        <M.Button id="disabled" disabled variant="contained">Pay</M.Button>
        <M.Chip id="deadchip" label="Filter" clickable />
        <M.Checkbox id="refused" checked={false} />
        <M.Button id="never" variant="outlined" onClick={() => { if (s.size === "XXL") put({ dialog: true }); }}>Choose</M.Button>
        <M.Tooltip title="Send it again"><M.Button id="deadtip">Resend</M.Button></M.Tooltip>
        <M.Card sx={{ width: 160 }}><M.CardActionArea id="deadcard"><M.CardContent>Similar goods</M.CardContent></M.CardActionArea></M.Card>
      </M.Stack>
      <M.Stack direction="row" spacing={1} sx={{ my: 1 }}>
        <M.Button id="slow2" onClick={() => later(2000).then((r) => put({ answer: r.n }))}>Check stock</M.Button>
        <M.Button id="slow4" onClick={() => later(4500).then((r) => put({ answer: r.n }))}>Find a route</M.Button>
        <M.Button id="loading" loading={!!s.loading} onClick={() => { put({ loading: true }); later(3000).then((r) => put({ answer: r.n, loading: false })); }}>With a wheel</M.Button>
        <span>{s.answer}</span>
      </M.Stack>
      <M.Menu open={!!menu} anchorEl={menu} onClose={() => setMenu(null)}><M.MenuItem onClick={() => setMenu(null)}>Copy</M.MenuItem></M.Menu>
      <M.Dialog open={!!s.dialog} onClose={() => put({ dialog: false })}><M.DialogTitle>Delete it?</M.DialogTitle><M.DialogActions><M.Button id="no" onClick={() => put({ dialog: false })}>No</M.Button></M.DialogActions></M.Dialog>
      <M.Drawer open={!!s.drawer} onClose={() => put({ drawer: false })}><p style={{ width: 240 }}>Drawer</p></M.Drawer>
      <M.Snackbar open={!!s.snack} autoHideDuration={4000} onClose={() => put({ snack: false })} message="You will hear from us" />
    </M.Container>
  );
}
createRoot(document.getElementById("root")).render(<App />);
