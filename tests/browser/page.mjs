// page.mjs - what must hold of a page wherever it is opened. Each check returns sentences that say
// what is wrong; none is right.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe_source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Everything that is folded, so that what is inside can be measured.
export const unfold = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

// Every chart has a size, marks inside its box, and numbers for attributes.
export const charts = (page) => page.evaluate(() => {
  const wrong = [];
  let drawn = 0;
  for (const svg of document.querySelectorAll("svg")) {
    const name = svg.querySelector("title")?.textContent ?? svg.closest("tr")?.cells[0].textContent ?? "?";
    const box = svg.getBoundingClientRect();
    const marks = svg.querySelectorAll("polyline, circle, rect, line.whisker");
    if (box.width < 5 || box.height < 5) wrong.push(`chart "${name}" has no size`);
    if (marks.length === 0) wrong.push(`chart "${name}" is empty`);
    for (const element of svg.querySelectorAll("*"))
      for (const attribute of element.attributes)
        if (/nan|infinity|undefined|not defined/i.test(attribute.value))
          wrong.push(`chart "${name}" has ${attribute.name}="${attribute.value}"`);
    const view = svg.viewBox.baseVal;
    for (const mark of marks) {
      const at = mark.getBBox();
      if (at.x < -1 || at.y < -1 || at.x + at.width > view.width + 1 || at.y + at.height > view.height + 1)
        wrong.push(`chart "${name}": a ${mark.tagName} lies outside (${at.x} ${at.y} ${at.width} ${at.height})`);
    }
    drawn++;
  }
  return { wrong, drawn };
});

// Every sortable column: two clicks sort it either way, a third restores the order. Numbers are
// read here by other rules than the page's own: what a person sees first in the cell.
export const tables = (page) => page.evaluate(() => {
  const wrong = [];
  let sorted = 0;
  const seen = (cell) => {
    const french = document.documentElement.lang === "fr"; // 1 234,50 € with narrow spaces
    const text = french ? cell.textContent.replace(/\u202f/g, "").replace(/,/g, ".") : cell.textContent;
    const token = text.trim().replace(/[\s\u00a0]/g, " ").split(" ").find((word) => /\d/.test(word));
    if (token === undefined) return null;
    const digits = token.replace(/,/g, "").match(/\d+(\.\d+)?/)[0];
    const sign = /^[^\d]*[-\u2212]/.test(cell.textContent.trim()) ? -1 : 1;
    return sign * parseFloat(digits);
  };
  for (const table of document.querySelectorAll("table")) {
    const caption = table.caption?.textContent ?? "without a caption";
    const rows = () => Array.from(table.tBodies[0].rows);
    const before = rows();
    const free = before.filter((row) => !row.classList.contains("sum"));
    const buttons = table.tHead.querySelectorAll("button");
    if (buttons.length === 0 && free.length > 1) wrong.push(`table "${caption}" does not sort`);
    buttons.forEach((button, column) => {
      const head = button.closest("th");
      const numeric = head.classList.contains("n");
      for (let click = 0; click < 2; click++) {
        button.click();
        const way = head.getAttribute("aria-sort");
        const now = rows().filter((row) => !row.classList.contains("sum"));
        const keys = now.map((row) => numeric ? seen(row.cells[column]) : row.cells[column].textContent.trim());
        const known = keys.filter((key) => key !== null);
        if (keys.slice(0, known.length).includes(null)) wrong.push(`"${caption}", ${head.textContent}: what is no number is not last`);
        for (let i = 1; i < known.length; i++) {
          const by = numeric ? known[i] - known[i - 1] : known[i].localeCompare(known[i - 1], "en", { numeric: true });
          if (way === "ascending" ? by < 0 : by > 0)
            wrong.push(`"${caption}", ${head.textContent}: ${known[i - 1]} stands before ${known[i]} ${way}`);
        }
        if (way !== "ascending" && way !== "descending") wrong.push(`"${caption}": no aria-sort`);
        sorted++;
      }
      button.click();
      if (head.hasAttribute("aria-sort") || rows().some((row, i) => row !== before[i]))
        wrong.push(`"${caption}", ${head.textContent}: the third click does not restore the order`);
    });
  }
  return { wrong, sorted };
});

// The page itself never scrolls sideways; tables scroll within themselves.
export const width = (page) => page.evaluate(() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const out = [];
  for (const element of document.querySelectorAll("body *")) {
    const box = element.getBoundingClientRect();
    if (box.right > root.clientWidth + 1 && box.width > 0 && !element.closest(".wide, svg"))
      out.push(`<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> reaches ${Math.round(box.right)}`);
  }
  return [`the page is ${root.scrollWidth} wide on a screen of ${root.clientWidth}: ${out.slice(0, 4).join("; ")}`];
});

// axe-core's findings of the gravest two kinds.
export const axe = async (page) => {
  await page.evaluate(axe_source);
  const found = await page.evaluate(async () => {
    const result = await axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map((one) => ({
      id: one.id, impact: one.impact, help: one.help, count: one.nodes.length,
      where: one.nodes.slice(0, 3).map((node) => node.target.join(" ") + ": " + (node.any[0]?.message ?? node.failureSummary))
    }));
  });
  return found
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `axe: ${one.impact} ${one.id}, ${one.help}, ${one.count} times: ${one.where.join(" | ")}`);
};
