// run.mjs - open pages that assay wrote, as people do, and see that they hold.
//
//   node run.mjs [--screenshots FOLDER] PAGE.html...
//
// Wide and narrow, light and dark, on paper and without script. Anything fetched, any error on the
// console and any violation of the page's own policy is a failure.
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { axe, charts, tables, unfold, width } from "./page.mjs";

const WIDE = { width: 1280, height: 900 }, NARROW = { width: 390, height: 844 };

let passed = 0, failed = 0;
const claim = (name, wrong) => {
  if (wrong.length === 0) {
    passed++;
    return;
  }
  failed++;
  console.log(`FAILED  ${name}`);
  for (const one of wrong.slice(0, 12)) console.log(`        ${one}`);
  if (wrong.length > 12) console.log(`        and ${wrong.length - 12} more`);
};

// A page in a context of its own; `wrong` collects whatever it should not have done.
const open = async (browser, file, options) => {
  const url = pathToFileURL(resolve(file)).href;
  const context = await browser.newContext({ viewport: WIDE, ...options });
  const page = await context.newPage();
  const wrong = [];
  await context.route("**/*", (route) => {
    if (route.request().url().split("#")[0] === url) return route.continue();
    wrong.push(`asks for ${route.request().url()}`);
    return route.abort();
  });
  page.on("console", (said) => {
    if (said.type() === "error" || said.type() === "warning") wrong.push(`console: ${said.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  if (options.javaScriptEnabled !== false)
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) =>
        window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
    });
  await page.goto(url, { waitUntil: "load" });
  return { context, page, wrong };
};

const shoot = async (page, folder, name) => {
  if (folder === undefined) return;
  const parts = await page.locator("main > section").all();
  await page.screenshot({ path: join(folder, `${name}-top.png`) });
  for (const part of parts)
    await part.screenshot({ path: join(folder, `${name}-${await part.getAttribute("id")}.png`) });
};

// By hand: one table by mouse and by keyboard, one filter, one chart by mouse and by keyboard.
const by_hand = async (page) => {
  const wrong = [];
  const button = page.locator("table .sort").first();
  const head = button.locator("xpath=ancestor::th");
  await button.click();
  const first = await head.getAttribute("aria-sort");
  await button.press("Enter");
  const second = await head.getAttribute("aria-sort");
  if (first === null || second === null || first === second) wrong.push(`a click sorts ${first}, Enter then ${second}`);
  const filter = page.locator(".filter input:visible").first();
  if (await filter.count() > 0) {
    const table = filter.locator("xpath=ancestor::p/following-sibling::*[1]//table");
    const wanted = (await table.locator("tbody tr").last().locator("th, td").first().textContent()).trim();
    await filter.fill(wanted);
    for (const row of await table.locator("tbody tr:visible").all())
      if (!(await row.textContent()).toLowerCase().includes(wanted.toLowerCase().split(/\s+/)[0])) wrong.push("the filter leaves a row that lacks the word");
    if (await table.locator("tbody tr:visible").count() === 0) wrong.push("the filter hides the row looked for");
    await filter.fill("no row has this");
    if (await table.locator("tbody tr:visible").count() > 0) wrong.push("the filter hides nothing");
    await filter.fill("");
  }
  const chart = page.locator("svg[tabindex]:visible").first();
  if (await chart.count() > 0) {
    const says = chart.locator("xpath=following-sibling::p[1]");
    await chart.hover();
    if (!/\d/.test(await says.textContent())) wrong.push("pointing at a chart reads nothing");
    await page.mouse.move(0, 0);
    await chart.focus();
    await chart.press("Home");
    const home = await says.textContent();
    await chart.press("End");
    const end = await says.textContent();
    if (!/\d/.test(home) || home === end) wrong.push(`arrow keys on a chart read "${home}" and "${end}"`);
    await chart.evaluate((element) => element.blur());
  }
  return wrong;
};

const check = async (browser, file, screenshots) => {
  const name = basename(file), picture = basename(file, ".html");
  const has_sort = { table: 0, chart: 0 };

  { // wide and light: everything that moves
    const { context, page, wrong } = await open(browser, file, { colorScheme: "light" });
    await shoot(page, screenshots, `${picture}-wide`);
    await unfold(page);
    const drawn = await charts(page);
    claim(`${name}: every chart is drawn`, drawn.wrong);
    const sorted = await tables(page);
    claim(`${name}: every table sorts`, sorted.wrong);
    has_sort.table = sorted.sorted;
    has_sort.chart = drawn.drawn;
    if (sorted.sorted > 0) claim(`${name}: mouse and keyboard work`, await by_hand(page));
    claim(`${name}: nothing is wider than the screen`, await width(page));
    claim(`${name}: nothing is fetched, nothing fails`, [...wrong, ...await page.evaluate(() => window.violations)]);
    await context.close();
  }
  for (const [scheme, viewport, where] of [["light", WIDE, "wide"], ["dark", WIDE, "wide, dark"], ["light", NARROW, "narrow"], ["dark", NARROW, "narrow, dark"]]) {
    // axe makes elements out of text, which the page's policy forbids.
    const { context, page } = await open(browser, file, { colorScheme: scheme, viewport, bypassCSP: true });
    if (viewport === NARROW || scheme === "dark") await shoot(page, screenshots, `${picture}-${where.replace(", ", "-")}`);
    await unfold(page);
    claim(`${name}, ${where}: nothing is wider than the screen`, await width(page));
    claim(`${name}, ${where}: axe finds nothing serious`, await axe(page));
    await context.close();
  }
  { // paper, by somebody whose screen is dark
    const { context, page, wrong } = await open(browser, file, { colorScheme: "dark", viewport: { width: 720, height: 1000 } });
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    claim(`${name}, print: on white, without what only a screen can do`, await page.evaluate(() => {
      const out = [];
      const paper = getComputedStyle(document.body).backgroundColor;
      if (paper !== "rgb(255, 255, 255)") out.push(`the paper is ${paper}`);
      for (const gone of document.querySelectorAll("nav, .filter, .skip"))
        if (gone.getBoundingClientRect().height > 0) out.push(`${gone.className || gone.tagName} is printed`);
      return out;
    }));
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    claim(`${name}, print: what is folded lies open`, await page.evaluate(() =>
      Array.from(document.querySelectorAll("details:not([open]) > summary"), (one) => one.textContent)));
    const pdf = await page.pdf({ format: "A4", path: screenshots && join(screenshots, `${picture}-paper.pdf`) });
    claim(`${name}, print: a file comes out`, pdf.length > 10000 ? [] : [`${pdf.length} bytes`]);
    claim(`${name}, print: nothing is fetched, nothing fails`, wrong);
    await context.close();
  }
  { // without script everything is there to read
    const { context, page, wrong } = await open(browser, file, { javaScriptEnabled: false });
    const bare = [];
    const rows = await page.locator("tbody tr").count();
    if (rows === 0) bare.push("no row of any table");
    if (await page.locator("button, input").count() > 0) bare.push("there are buttons that do nothing");
    if (await page.locator("[hidden]").count() > 0) bare.push("something stays hidden");
    claim(`${name}, without script: all is there`, [...bare, ...wrong]);
    await context.close();
  }
  return has_sort;
};

const main = async () => {
  const files = process.argv.slice(2);
  let screenshots;
  if (files[0] === "--screenshots") {
    screenshots = files[1];
    mkdirSync(screenshots, { recursive: true });
    files.splice(0, 2);
  }
  if (files.length === 0) {
    console.error("usage: node run.mjs [--screenshots FOLDER] PAGE.html...");
    process.exit(2);
  }
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update", "--disable-sync"]
  });
  let sorted = 0, drawn = 0;
  try {
    for (const file of files) {
      const has = await check(browser, file, screenshots);
      sorted += has.table;
      drawn += has.chart;
    }
  } finally {
    await browser.close();
  }
  console.log(`${passed} of ${passed + failed} claims hold on ${files.length} pages: ${drawn} charts drawn, ${sorted} sorts checked`);
  process.exit(failed === 0 ? 0 : 1);
};

await main();
