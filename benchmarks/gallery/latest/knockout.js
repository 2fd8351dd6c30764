import ko from "knockout";
const model = { count: ko.observable(0), open: ko.observable(false), stock: ko.observable(""), late: () => fetch("/api/ok?ms=2100").then(() => model.stock("12 left")) };
ko.applyBindings(model);
