// An app of nested Lit elements: all of it lies in shadow roots; an answer often shows in a sibling's root.
import { LitElement, css, html } from "lit";

const later = (ms) => fetch(`/api/ok?ms=${ms}`).then((r) => r.json());
const bus = new EventTarget();

customElements.define("x-total", class extends LitElement {
  static properties = { n: { state: true } };
  constructor() { super(); this.n = 0; bus.addEventListener("add", () => { this.n += 1; }); }
  render() { return html`<p>In the basket: <b>${this.n}</b></p>`; }
});
customElements.define("x-item", class extends LitElement {
  static properties = { name: {}, liked: { state: true }, open: { state: true }, answer: { state: true } };
  static styles = css`button{margin:.2em}.box{border:1px solid #999;padding:.4em;display:inline-block;cursor:pointer}.liked{background:#fcd}`;
  render() {
    return html`<section><h3>${this.name}</h3>
      <button id="add" @click=${() => bus.dispatchEvent(new Event("add"))}>Add</button>
      <button id="like" class=${this.liked ? "liked" : ""} @click=${() => { this.liked = !this.liked; }}>Like</button>
      <button id="open" aria-expanded=${String(!!this.open)} @click=${() => { this.open = !this.open; }}>More</button>${this.open ? html`<p>From Italy.</p>` : ""}
      <span class="box" id="box" @click=${() => { this.answer = "zoomed " + Math.random(); }}>Zoom</span>
      <button id="dead">Gift</button><button id="deadstate" @click=${() => { this.undeclared = Math.random(); }}>Colour</button><button id="disabled" disabled>Sold out</button>
      <span class="box" id="deadbox">Sizes</span><a id="deadlink" href="javascript:void(0)">Care</a>
      <button id="slow" @click=${() => later(2100).then((r) => { this.answer = r.n; })}>Stock</button><button id="slow4" @click=${() => later(4300).then((r) => { this.answer = r.n; })}>Delivery</button><span>${this.answer}</span></section>`;
  }
});
customElements.define("x-shop", class extends LitElement {
  static properties = { tab: { state: true }, items: { state: true }, dialog: { state: true } };
  constructor() { super(); this.tab = "all"; this.items = ["Hat"]; }
  render() {
    return html`<h1>Shop</h1><x-total></x-total><p id="words">Everything here is made by hand, one at a time, and is sent when the next one is ready. That may take a week.</p>
      <button id="tab" @click=${() => { this.tab = "new"; }}>New</button> ${this.tab} <button id="another" @click=${() => { this.items = [...this.items, "Scarf"]; }}>Show more</button>
      <button id="ask" @click=${() => { this.renderRoot.querySelector("dialog").showModal(); }}>Ask</button><dialog>Write to us.</dialog><input id="field" placeholder="Search">
      ${this.items.map((name) => html`<x-item .name=${name}></x-item>`)}`;
  }
});
document.getElementById("root").append(document.createElement("x-shop"));
