// Every overlay rendered and checked; then mistakes planted, which must all be found.
//
//   overlays.mjs FOLDER [BUNDLE]
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { overlays, render, top } from "./documents.mjs";
import { checked, havePrograms, simulated, terraform } from "./everything.mjs";
import { seeded } from "./seeded.mjs";
import { retention } from "./terraform.mjs";
import { typed } from "./typed.mjs";

const [folder, bundle] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const kubernetes = join(top, "deploy/kubernetes");
let failed = 0;
function claim(holds, words, why = []) {
  console.log(`${holds ? "ok" : "FAILED"} ${words}${holds ? "" : `: ${why.slice(0, 5).join("; ").slice(0, 1500)}`}`);
  if (!holds) failed++;
}

const groups = {};
for (const overlay of overlays(kubernetes))
  try {
    groups[overlay] = render(join(kubernetes, "overlays", overlay));
  } catch (error) {
    claim(false, `${overlay} renders`, [error.message]);
  }
claim(Object.keys(groups).length >= 12, `${Object.keys(groups).length} overlays render`, ["some are gone"]);

// The same document of several overlays is looked at once.
const seen = new Set(), once = Object.fromEntries(Object.entries(groups).map(([overlay, documents]) => [overlay,
  documents.filter((d) => !seen.has(JSON.stringify(d)) && seen.add(JSON.stringify(d)))]));
const wrong = typed(once, join(folder, "typed"));
claim(Object.values(wrong).every((w) => w.length === 0), `${seen.size} documents have the fields of their kinds, and no others`,
  Object.entries(wrong).flatMap(([overlay, list]) => list.map((text) => `${overlay}: ${text}`)));

const claims = {};
for (const [overlay, documents] of Object.entries(groups))
  for (const [words, list] of Object.entries(checked(kubernetes, overlay, bundle, documents)))
    (claims[words] ??= []).push(...list.map((text) => `${overlay}: ${text}`));
for (const [words, list] of Object.entries(claims)) claim(list.length === 0, words, list);
if (!havePrograms) console.log("SKIPPED options, schema and --check of the programs: no build/release/assay-serve here (script/build release)");
if (simulated === undefined) console.log("SKIPPED what the simulation found: no bench/scale/settings.json here");
if (terraform === undefined) console.log("SKIPPED what Terraform makes: no deploy/terraform here");

// How long the bucket keeps prediction logs: Terraform's numbers, and the pages that repeat them.
const environments = join(top, "deploy/terraform/environments");
if (existsSync(environments)) {
  const read = (path) => readFileSync(join(top, path), "utf8");
  const kept = Object.fromEntries(["dev", "staging", "prod"].map((name) => [name, read(`deploy/terraform/environments/${name}/main.tf`)]));
  const pages = Object.fromEntries(["deploy/kubernetes/README.md", "docs/deployment.md"].map((path) => [path, read(path)]));
  const wrong = retention(kept, pages);
  claim(wrong.length === 0, "pages say how long Terraform keeps prediction logs", wrong);
  claim(retention({ ...kept, prod: kept.prod.replace(/predictions(\s*)= \d+/, "predictions$1= 15") }, pages).length === Object.keys(pages).length,
    "planted and caught: prediction logs kept for another time than the pages say");
}

for (const [found, what, said] of seeded(folder, bundle))
  if (found === undefined) console.log(`SKIPPED planted: ${what}: what it is held against is not here`);
  else claim(found, `planted and caught: ${what}`, said.length ? said : ["nothing was said"]);
process.exit(failed === 0 ? 0 : 1);
