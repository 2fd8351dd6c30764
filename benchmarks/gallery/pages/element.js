// Element Plus on Vue.
import "element-plus/dist/index.css";
import { createApp, reactive } from "vue";
import ElementPlus, { ElMessage, ElMessageBox } from "element-plus";

const later = (ms) => fetch(`/api/ok?ms=${ms}`).then((r) => r.json());
createApp({
  setup() {
    const s = reactive({ n: 1, tab: "a", dialog: false, on: false, answer: "", stars: 1, value: "" });
    return { s, message: () => ElMessage("Stored"), ask: () => ElMessageBox.confirm("Sure?").catch(() => {}), slow: (ms) => later(ms).then((r) => { s.answer = r.n; }) };
  },
  template: `<div style="max-width:900px;margin:1em auto"><h2>Stock</h2><p id="words">What is on the shelves, counted every night. A red line means that less than a week is left of it.</p>
  <el-button id="plus" type="primary" @click="s.n++">Count</el-button> <b>{{ s.n }}</b> <el-button id="message" @click="message">Store</el-button> <el-button id="ask" @click="ask">Clear</el-button> <el-button id="dialog" @click="s.dialog = true">Edit</el-button>
  <el-switch id="switch" v-model="s.on" /> <el-checkbox id="check" label="Only mine" /> <el-rate id="rate" v-model="s.stars" />
  <el-tabs v-model="s.tab"><el-tab-pane label="Food" name="a">Food</el-tab-pane><el-tab-pane label="Tools" name="b">Tools</el-tab-pane></el-tabs>
  <el-collapse><el-collapse-item id="collapse" title="Why?">Because.</el-collapse-item></el-collapse>
  <el-select id="select" v-model="s.value" style="width:200px"><el-option label="A" value="a" /><el-option label="B" value="b" /></el-select> <el-input-number id="number" v-model="s.n" /> <el-date-picker id="date" type="date" />
  <p><el-button id="dead">Order</el-button> <el-button id="disabled" disabled>Ship</el-button> <el-switch id="refused" :model-value="false" /> <el-link id="deadlink" type="primary">History</el-link> <el-button id="deadround" circle>+</el-button></p>
  <p><el-button id="slow" @click="slow(2100)">Audit</el-button> <el-button id="slow5" @click="slow(4800)">Plan</el-button> {{ s.answer }}</p>
  <el-dialog v-model="s.dialog" title="Edit">Name</el-dialog></div>`,
}).use(ElementPlus).mount("#root");
