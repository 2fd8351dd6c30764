import { Component, createComponentVNode, createTextVNode, createVNode, render } from "inferno";
const h = (tag, props, ...kids) => createVNode(1 << 0, tag, null, kids.map((kid) => (typeof kid === "object" ? kid : createTextVNode(String(kid)))), 4, props);
class App extends Component {
  constructor(props) { super(props); this.state = { n: 0, open: false }; }
  render() {
    const { n, open } = this.state;
    return h("div", {}, h("p", { id: "words" }, "Some words to read, and to select while reading."), h("button", { id: "up", onClick: () => this.setState({ n: n + 1 }) }, "Add"), h("span", {}, n), h("button", { id: "show", onClick: () => this.setState({ open: !open }) }, "Details"), h("p", {}, open ? "All that there is to say." : ""), h("button", { id: "dead", onClick: () => this.setState({ n }) }, "Save"), h("button", { id: "bare" }, "Send"));
  }
}
render(createComponentVNode(2, App), document.getElementById("root"));
