/* report_script.js - what the page can do beyond being read: sort and filter its tables, and read
 * values off its charts. Everything is there without it. It is part of the program, is allowed by
 * its hash alone (report_shell.c), fetches nothing, and makes no markup out of text. */
"use strict";
(function () {
  const FILTER_FROM = 12; /* rows */
  const make = (name, of, text) => {
    const element = document.createElement(name);
    Object.assign(element, of);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  /* ---- tables ---- */

  /* The first number of a cell: "€1,234.50" is 1234.5, "9 of 10" is 9, and where the page is French
   * "1 234,50 €" is 1234.5. Words are no number. */
  const comma = document.documentElement.lang === "fr";
  const number = (text) => {
    const plain = text.replace(/[\u00a0\u202f]/g, "").replace(/,/g, comma ? "." : "");
    const found = plain.replace(/\u2212/g, "-").match(/-?\d*\.?\d+(e[-+]?\d+)?/i);
    if (found === null) return null;
    const before = text.slice(0, text.search(/\d/));
    const value = Number(found[0]);
    return before.includes("-") && value > 0 ? -value : value;
  };

  const text = (row, column) => row.cells[column].textContent.trim();

  /* Rows stay in the order that they came in where the column cannot tell them apart, and what is
   * no number stands last whichever way one sorts. */
  const order = (rows, column, numeric, way) => {
    const keyed = rows.map((row, place) => ({
      row, place, key: numeric ? number(text(row, column)) : text(row, column)
    }));
    const words = new Intl.Collator("en", { numeric: true });
    keyed.sort((a, b) => {
      if (numeric && (a.key === null || b.key === null))
        return (a.key === null) - (b.key === null) || a.place - b.place;
      const by = numeric ? a.key - b.key : words.compare(a.key, b.key);
      return by * way || a.place - b.place;
    });
    return keyed.map((one) => one.row);
  };

  const sortable = (table) => {
    const heads = Array.from(table.tHead.rows[0].cells);
    const body = table.tBodies[0];
    const original = Array.from(body.rows);
    const fixed = original.filter((row) => row.classList.contains("sum"));
    const free = original.filter((row) => !row.classList.contains("sum"));
    if (free.length < 2 || original.some((row) => row.cells.length !== heads.length)) return;
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" });
      button.append(...head.childNodes);
      button.title = "Sort by this column";
      head.append(button);
      const numeric = head.classList.contains("n");
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        /* Numbers begin with the greatest, words with the first; a third click undoes it. */
        const first = numeric ? "descending" : "ascending";
        const second = numeric ? "ascending" : "descending";
        const now = was === null ? first : was === first ? second : null;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (now !== null) head.setAttribute("aria-sort", now);
        body.append(...(now === null ? free : order(free, column, numeric, now === "ascending" ? 1 : -1)), ...fixed);
      });
    });
  };

  const filterable = (table) => {
    const rows = Array.from(table.tBodies[0].rows);
    if (rows.length < FILTER_FROM) return;
    const box = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const found = make("output", {}, rows.length + " rows");
    const label = make("label", {}, "Filter ");
    label.append(box);
    const line = make("p", { className: "filter" });
    line.append(label, " ", found);
    table.closest(".wide").before(line);
    box.setAttribute("aria-label", "Filter the rows of: " + table.caption.textContent);
    box.addEventListener("input", () => {
      const wanted = box.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
      let shown = 0;
      rows.forEach((row) => {
        const words = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => words.includes(word));
        shown += row.hidden ? 0 : 1;
      });
      found.textContent = wanted.length === 0 ? rows.length + " rows" : shown + " of " + rows.length + " rows";
    });
  };

  /* ---- charts ---- */

  const points_of = (svg) => {
    const points = [];
    svg.querySelectorAll("polyline:not(.chance):not(.soft)").forEach((line) => {
      for (const pair of line.getAttribute("points").trim().split(/\s+/)) {
        const [x, y] = pair.split(",").map(Number);
        points.push({ x, y });
      }
    });
    svg.querySelectorAll("circle").forEach((dot) => points.push({
      x: Number(dot.getAttribute("cx")), y: Number(dot.getAttribute("cy"))
    }));
    svg.querySelectorAll("rect.fill").forEach((bar) => points.push({
      x: Number(bar.getAttribute("x")) + Number(bar.getAttribute("width")) / 2, y: Number(bar.getAttribute("y"))
    }));
    return points.sort((a, b) => a.x - b.x || a.y - b.y);
  };

  /* "0.30", with as many digits as tell neighbours apart. */
  const show = (value, span) => value.toFixed(span <= 2 ? 3 : span <= 50 ? 1 : 0).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

  const readable = (svg) => {
    const out = svg.nextElementSibling; /* the chart's p.readout */
    const scale = out.dataset.scale.split(" ").map(Number);
    const points = points_of(svg);
    if (points.length === 0) return;
    const [left, right, top, bottom, x_low, x_high, y_low, y_high] = scale;
    const ticks = Array.from(svg.querySelectorAll("text.name"), (tick) => ({
      x: Number(tick.getAttribute("x")), name: tick.textContent
    }));
    const { x: x_name, y: y_name } = out.dataset;
    const says = (point) => {
      const x = x_low + (point.x - left) / (right - left) * (x_high - x_low);
      const y = y_low + (bottom - point.y) / (bottom - top) * (y_high - y_low);
      const near = ticks.reduce((best, tick) =>
        best === null || Math.abs(tick.x - point.x) < Math.abs(best.x - point.x) ? tick : best, null);
      return x_name + " " + (near === null ? show(x, x_high - x_low) : near.name) + ": " +
        y_name + " " + show(y, y_high - y_low);
    };
    const ring = document.createElementNS(svg.namespaceURI, "circle");
    ring.setAttribute("class", "ring");
    ring.setAttribute("r", "6");
    let at = -1;
    const point_at = (place) => {
      at = Math.max(0, Math.min(points.length - 1, place));
      ring.setAttribute("cx", points[at].x);
      ring.setAttribute("cy", points[at].y);
      svg.append(ring);
      out.textContent = says(points[at]);
    };
    const leave = () => {
      at = -1;
      ring.remove();
      out.textContent = "";
    };
    out.setAttribute("role", "status");
    svg.tabIndex = 0;
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const view = svg.viewBox.baseVal;
      const x = (event.clientX - box.left) / box.width * view.width;
      const y = (event.clientY - box.top) / box.height * view.height;
      let best = 0;
      const far = (point) => Math.abs(point.x - x) + 0.25 * Math.abs(point.y - y);
      points.forEach((point, place) => { if (far(point) < far(points[best])) best = place; });
      point_at(best);
    });
    svg.addEventListener("pointerleave", leave);
    svg.addEventListener("focus", () => point_at(Math.max(0, at)));
    svg.addEventListener("blur", leave);
    svg.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -points.length, End: points.length };
      if (!(event.key in steps)) return;
      event.preventDefault();
      point_at(at + steps[event.key]);
    });
  };

  /* ---- paper: everything that is folded lies open ---- */

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = Array.from(document.querySelectorAll("details:not([open])"));
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => {
    folded.forEach((part) => { part.open = false; });
    folded = [];
  });

  document.querySelectorAll(".wide > table").forEach((table) => {
    sortable(table);
    filterable(table);
  });
  document.querySelectorAll("svg:has(+ .readout)").forEach(readable);
})();
