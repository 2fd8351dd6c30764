import { Application, Controller } from "@hotwired/stimulus";
Application.start().register("note", class extends Controller {
  static targets = ["out", "body"];
  star() { this.outTarget.textContent = this.outTarget.textContent ? "" : "★"; }
  copy() { this.element.insertAdjacentHTML("beforeend", "<p>Buy figs</p>"); }
  remove() { this.bodyTarget.remove(); }
  nothing(e) { e.preventDefault(); }
  async sync() { this.outTarget.textContent = (await (await fetch("/api/ok?ms=2600")).json()).n; }
});
