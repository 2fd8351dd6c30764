// Vuetify: ripples by CSS classes, transitions, overlays.
import "vuetify/styles";
import { createApp, reactive } from "vue";
import { createVuetify } from "vuetify";
import * as components from "vuetify/components";
import * as directives from "vuetify/directives";

const later = (ms) => fetch(`/api/ok?ms=${ms}`).then((r) => r.json());
const app = createApp({
  setup() {
    const s = reactive({ n: 0, tab: "a", snack: false, dialog: false, side: false, on: false, no: false, stars: 2, page: 1, answer: "", size: "S", wait: false });
    const slow = (ms) => later(ms).then((r) => { s.answer = r.n; });
    const wheel = () => { s.wait = true; later(2800).then((r) => { s.answer = r.n; s.wait = false; }); };
    return { s, slow, wheel };
  },
  template: `<v-app><v-container>
  <h2>Garden</h2><p id="words">What grows where, and when it wants water. Everything is measured by sensors in the ground, once an hour.</p>
  <div class="d-flex flex-wrap ga-2"><v-btn id="plus" color="primary" @click="s.n++">Water</v-btn><b>{{ s.n }} l</b>
  <v-btn id="snack" @click="s.snack = true">Remind me</v-btn><v-btn id="dialog" @click="s.dialog = true">Plant …</v-btn><v-btn id="side" @click="s.side = !s.side">Side</v-btn>
  <v-menu><template #activator="{ props }"><v-btn id="menu" v-bind="props">Menu</v-btn></template><v-list><v-list-item title="Copy" /></v-list></v-menu>
  <v-switch id="switch" v-model="s.on" label="Rain" hide-details /><v-checkbox id="check" label="Frost" hide-details />
  <v-chip id="chip" :variant="s.chip ? 'elevated' : 'outlined'" @click="s.chip = !s.chip">Shade</v-chip>
  <v-btn-toggle v-model="s.size"><v-btn value="S">S</v-btn><v-btn id="medium" value="M">M</v-btn></v-btn-toggle></div>
  <v-tabs v-model="s.tab"><v-tab value="a">Beds</v-tab><v-tab id="tab" value="b">Trees</v-tab></v-tabs><p>{{ s.tab === 'a' ? 'Four beds' : 'Two trees' }}</p>
  <v-expansion-panels><v-expansion-panel id="panel" title="Soil" text="Sandy." /></v-expansion-panels>
  <v-rating id="rating" v-model="s.stars" /><v-pagination id="pages" v-model="s.page" :length="4" /><p>page {{ s.page }}</p>
  <v-text-field id="field" label="Name" /><v-select id="select" :items="['A', 'B']" label="Bed" /><v-slider id="slider" model-value="30" style="width: 240px" />
  <div class="d-flex flex-wrap ga-2"><v-btn id="dead">Harvest</v-btn><v-btn id="deadicon" icon="x">✂</v-btn><v-btn id="disabled" disabled>Order</v-btn><v-chip id="deadchip" link>Pests</v-chip>
  <v-card id="deadcard" width="140" hover @click="() => {}" title="Roses" /><v-checkbox id="refused" :model-value="false" @update:model-value="() => {}" label="Compost" hide-details /><v-btn id="deadtext" variant="text" @click="s.answer = s.answer">Undo</v-btn>
  <v-list><v-list-item id="deaditem" link title="Herbs" /></v-list></div>
  <v-btn id="slow" @click="slow(1700)">Measure</v-btn><v-btn id="wheel" :loading="s.wait" @click="wheel">Forecast</v-btn> {{ s.answer }}
  <v-snackbar v-model="s.snack">We will</v-snackbar><v-dialog v-model="s.dialog" width="300"><v-card title="Plant"><v-btn @click="s.dialog = false">Close</v-btn></v-card></v-dialog>
  <v-navigation-drawer v-model="s.side" temporary>Side</v-navigation-drawer>
  </v-container></v-app>`,
});
app.use(createVuetify({ components, directives })).mount("#root");
