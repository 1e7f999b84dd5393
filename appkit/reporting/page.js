(function () {
  "use strict";
  var page = document, root = page.documentElement;
  root.classList.add("js");

  page.getElementById("theme").onclick = function () {
    var now = root.dataset.theme || (matchMedia("(prefers-color-scheme:dark)").matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  };

  page.getElementById("all").onclick = function () {
    var twins = Array.from(page.querySelectorAll("details.twin"));
    var open = twins.some(function (twin) { return !twin.open; });
    twins.forEach(function (twin) { twin.open = open; });
    this.textContent = open ? "Close all tables" : "Open all tables";
  };

  function key(row, column) {
    var cell = row.cells[column];
    var text = cell.dataset.v || cell.textContent.replace("\u2212", "-").replace(/\s/g, "");
    var number = parseFloat(text);
    return isNaN(number) ? text : number;
  }

  function order(a, b) {
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a > b ? 1 : a < b ? -1 : 0;
  }

  function sort(table, head, column) {
    var up = head.getAttribute("aria-sort") !== "ascending", body = table.tBodies[0];
    table.querySelectorAll("th").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    Array.from(body.rows)
      .sort(function (a, b) { return order(key(a, column), key(b, column)) * (up ? 1 : -1); })
      .forEach(function (row) { body.appendChild(row); });
  }

  page.querySelectorAll("table.srt").forEach(function (table) {
    table.querySelectorAll("thead th").forEach(function (head, column) {
      if ("no" in head.dataset) return;
      var button = page.createElement("button");
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.onclick = function () { sort(table, head, column); };
    });
  });

  page.querySelectorAll("[data-find]").forEach(function (field) {
    var body = page.getElementById(field.dataset.find).tBodies[0];
    field.oninput = function () {
      var wanted = field.value.toLowerCase();
      Array.from(body.rows).forEach(function (row) {
        row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0;
      });
    };
  });
})();
