// Does every document have the fields, and the types of fields, that its kind has? TypeScript says so for kinds of which
// there are types (unknown fields included, which the API server would drop or refuse), Ajv with closed schemas for others.
import Ajv from "ajv";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { called } from "./documents.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "../node_modules");
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const schemas = Object.fromEntries(["PodMonitoring", "Rules", "SecretProviderClass"].map((kind) =>
  [kind, ajv.compile(JSON.parse(readFileSync(join(here, "schemas", `${kind}.json`), "utf8")))]));

function moduleOf({ apiVersion, kind }) {
  const candidates = [`kubernetes-models/${apiVersion}/${kind}`,
    `@kubernetes-models/gateway-api/${apiVersion}/${kind}`, `@kubernetes-models/gke/${apiVersion}/${kind}`];
  return candidates.find((name) => existsSync(join(modules, `${name}.d.ts`)));
}

// groups: { name: [documents] }; folder: for what is written. Returns { name: [what is wrong] }.
export function typed(groups, folder) {
  const wrong = Object.fromEntries(Object.keys(groups).map((name) => [name, []]));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(modules, join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type": "module"}\n');
  const files = [], where = {};
  Object.entries(groups).forEach(([name, documents], n) => {
    const types = new Map(), lines = [];
    where[`g${n}.ts`] = name;
    for (const document of documents) {
      const validate = schemas[document.kind];
      if (validate) {
        if (!validate(document))
          wrong[name].push(...validate.errors.map((e) =>
            `${called(document)}${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`));
        continue;
      }
      const from = moduleOf(document);
      if (!from) {
        wrong[name].push(`${called(document)}: no kind ${document.kind} in ${document.apiVersion}`);
        continue;
      }
      if (!types.has(from)) types.set(from, `I${types.size}`);
      lines.push(`// ${called(document)}`,
        `const _${lines.length}: ${types.get(from)} = ${JSON.stringify(document, null, 1)};`);
    }
    const imports = [...types].map(([from, as]) => `import type { I${from.split("/").pop()} as ${as} } from "${from}";`);
    writeFileSync(join(folder, `g${n}.ts`), `${imports.join("\n")}\n${lines.join("\n")}\nexport {};\n`);
    files.push(`g${n}.ts`);
  });
  try {
    execFileSync(process.execPath, [join(modules, "typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck",
      "--module", "nodenext", "--moduleResolution", "nodenext", "--target", "es2022", ...files],
    { cwd: folder, encoding: "utf8", stdio: "pipe", maxBuffer: 64 << 20 });
  } catch (error) {
    if (!error.stdout) throw error;
    for (const line of error.stdout.split("\n")) {
      const found = /^(g\d+\.ts)\((\d+),\d+\): error (.*)/.exec(line);
      if (!found) {
        if (/^error/.test(line)) throw new Error(line);
        continue;
      }
      const before = readFileSync(join(folder, found[1]), "utf8").split("\n").slice(0, Number(found[2]));
      const about = before.reverse().find((text) => text.startsWith("// ")) ?? "// ?";
      wrong[where[found[1]]].push(`${about.slice(3)}: ${found[3]}`);
    }
  }
  return wrong;
}
