// A back office with Ant Design: waves on buttons, messages, a table, a poll that redraws a badge.
import * as A from "antd";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const later = (ms) => fetch(`/api/ok?ms=${ms}`).then((r) => r.json());
const rows = ["Ann", "Bob", "Cid", "Dee"].map((name, key) => ({ key, name, age: 20 + ((key * 7) % 5) }));

function App() {
  const [s, set] = useState({ n: 0, tab: "1" });
  const put = (more) => set((old) => ({ ...old, ...more }));
  const [message, holder] = A.message.useMessage();
  useEffect(() => {
    const t = setInterval(() => later(20).then((r) => put({ polled: r.n % 100 })), 1500);
    return () => clearInterval(t);
  }, []);
  return (
    <div style={{ maxWidth: 1000, margin: "1em auto" }}>
      {holder}
      <h2>People <A.Badge count={s.polled} /></h2>
      <p id="words">Everybody who may enter the building. A card is made on the same day, and is sent by mail to those who work from home.</p>
      <A.Space wrap>
        <A.Button id="primary" type="primary" onClick={() => put({ n: s.n + 1 })}>Add</A.Button><b>{s.n}</b>
        <A.Button id="message" onClick={() => message.success("Saved")}>Save</A.Button>
        <A.Button id="modal" onClick={() => put({ modal: true })}>Edit …</A.Button>
        <A.Button id="drawer" onClick={() => put({ drawer: true })}>Details</A.Button>
        <A.Switch id="switch" /><A.Checkbox id="check">Active</A.Checkbox>
        <A.Dropdown trigger={["click"]} menu={{ items: [{ key: "1", label: "Export" }] }}><A.Button id="dropdown">More</A.Button></A.Dropdown>
        <A.Popconfirm title="Sure?"><A.Button id="confirm" danger>Remove</A.Button></A.Popconfirm>
        <A.Segmented id="segmented" options={["Day", "Week"]} onChange={(v) => put({ span: v })} /><i>{s.span}</i>
        <A.Rate id="rate" /><A.InputNumber id="number" defaultValue={3} /><A.Select id="select" defaultValue="a" options={[{ value: "a", label: "A" }, { value: "b", label: "B" }]} />
        <A.DatePicker id="date" />
      </A.Space>
      <A.Tabs activeKey={s.tab} onChange={(tab) => put({ tab })} items={[{ key: "1", label: <span id="tab1">List</span>, children: "A list" }, { key: "2", label: <span id="tab2">Map</span>, children: "A map" }]} />
      <A.Collapse items={[{ key: "1", label: <span id="collapse">Why so few?</span>, children: "Because it is new." }]} />
      <A.Table size="small" pagination={false} dataSource={rows} columns={[{ title: <span id="sort">Age</span>, dataIndex: "age", sorter: (a, b) => a.age - b.age }, { title: "Name", dataIndex: "name" }]} />
      <A.Space wrap style={{ marginTop: 12 }}>
        <A.Button id="dead" type="primary">Invite</A.Button>
        <A.Button id="deaddash" type="dashed" onClick={() => later(50)}>Sync</A.Button>
        <A.Button id="deadlink" type="link">Read more</A.Button>
        <A.Button id="disabled" disabled>Approve</A.Button>
        <A.Switch id="refused" checked={false} />
        <A.Card id="deadcard" hoverable size="small" style={{ width: 140 }}>Floor plan</A.Card>
        <A.Button id="deadthrow" onClick={() => { throw new Error("not bound"); }}>Print</A.Button>
        <A.Button id="slow" onClick={() => later(2200).then((r) => put({ answer: r.n }))}>Count</A.Button>
        <A.Button id="slow5" onClick={() => later(5200).then((r) => put({ answer: r.n }))}>Audit</A.Button><span>{s.answer}</span>
      </A.Space>
      <A.Modal title="Edit" open={!!s.modal} onCancel={() => put({ modal: false })} onOk={() => put({ modal: false })}>Name …</A.Modal>
      <A.Drawer title="Details" open={!!s.drawer} onClose={() => put({ drawer: false })}>Born in Utrecht</A.Drawer>
    </div>
  );
}
createRoot(document.getElementById("root")).render(<App />);
