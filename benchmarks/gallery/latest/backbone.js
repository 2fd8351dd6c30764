import Backbone from "backbone";
const list = new Backbone.Collection();
const View = Backbone.View.extend({ el: "#app", events: { "click #add": () => list.add({ name: "Item " + list.length }) }, initialize() { this.listenTo(list, "add", (m) => this.$("#list").append("<li>" + m.get("name") + "</li>")); } });
new View();
const Router = Backbone.Router.extend({ routes: { help: () => { document.getElementById("where").textContent = "Help is here"; }, "/help": () => { document.getElementById("where").textContent = "Help is here"; } } });
new Router(); Backbone.history.start();
