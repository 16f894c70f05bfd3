// What an overlay renders to, as objects; and what it was made from.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

export const top = join(dirname(fileURLToPath(import.meta.url)), "../../..");

export function documents(text) {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors[0].message);
    return document.toJS();
  });
}

// kubectl's own message is the error's.
export function render(folder) {
  try {
    const text = execFileSync("kubectl", ["kustomize", folder], { encoding: "utf8", maxBuffer: 64 << 20, stdio: "pipe" });
    return documents(text);
  } catch (error) {
    throw new Error(error.stderr || error.message);
  }
}

export function overlays(kubernetes) {
  return readdirSync(join(kubernetes, "overlays")).filter((name) =>
    existsSync(join(kubernetes, "overlays", name, "kustomization.yaml")));
}

export function environment(kubernetes, name) {
  const pairs = readFileSync(join(kubernetes, "environments", name, "environment.env"), "utf8")
    .split("\n").filter((line) => line.includes("="))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return Object.fromEntries(pairs);
}

// The pod of whatever runs pods, and nothing of anything else.
export function podOf(document) {
  switch (document.kind) {
    case "Deployment":
    case "Job":
      return document.spec.template;
    case "CronJob":
      return document.spec.jobTemplate.spec.template;
    default:
      return undefined;
  }
}

export const containersOf = (pod) => [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
export const called = (document) => `${document.kind}/${document.metadata.name}`;
