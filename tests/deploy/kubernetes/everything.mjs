// All that is checked of one overlay, but types: they are checked of all together, as a compiler takes its time to begin.
import * as cross from "./cross.mjs";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { admission } from "./admission.mjs";
import { environment, render, top } from "./documents.mjs";
import { byProgram, bySchema, inPod, options, settingsOf } from "./settings.mjs";
import { madeByTerraform, terraformText } from "./terraform.mjs";

const spec = parse(readFileSync(join(top, "spec/openapi.yaml"), "utf8"));
const telemetry = readFileSync(join(top, "docs/telemetry.md"), "utf8");
export const terraform = terraformText(join(top, "deploy/terraform"));
const simulation = join(top, "bench/scale/settings.json");
export const simulated = existsSync(simulation) ? JSON.parse(readFileSync(simulation, "utf8")) : undefined;
const programs = Object.fromEntries(["assay-serve", "assay"].map((name) => [name, join(top, "build/release", name)])
  .filter(([, path]) => existsSync(path)));
export const havePrograms = Object.keys(programs).length === 2;

// The jobs of an environment, which may run beside its service.
const jobs = new Map();
function jobsOf(name) {
  if (!jobs.has(name))
    jobs.set(name, ["score", "retrain"].map((job) =>
      render(join(top, "deploy/kubernetes/overlays", `${name}-${job}`)).find((d) => d.kind === "Job")));
  return jobs.get(name);
}

// { what is claimed: [what is wrong] } of an overlay of a tree.
export function checked(kubernetes, overlay, bundle, documents = render(join(kubernetes, "overlays", overlay))) {
  const name = overlay.split("-")[0];
  const { PROJECT: project, HOST: host, STORE_RANGE: storeRange } = environment(kubernetes, name);
  const settings = settingsOf(documents);
  const base = settings?.value?.base_path;
  const claims = {
    "every name is of its project and none is missing": cross.names(documents, project),
    "selectors choose the pods that they mean": cross.selectors(documents),
    "ports of services, probes, policies and scrapes are ports of their pods": cross.ports(documents),
    "paths of probes, health checks and scrapes stand in the contract": cross.paths(documents, spec),
    "the route leads to services with policies, under the base path": cross.routes(documents, base, host),
    "the autoscaler asks for a metric that exists, and holds before it goes down": cross.scaling(documents, telemetry, settings?.value?.threads ?? 0),
    "what may run fits the namespace's quota": cross.isWhole(documents) ? cross.quotas(documents, jobsOf(name)) : [],
    "pods are restricted and say what they need": cross.restricted(documents),
    "images are ours to name": cross.images(documents),
    "mounts, volumes, ConfigMaps and secrets fit together": cross.mounts(documents),
    "ServiceAccounts act as the accounts of their project": cross.accounts(documents, project),
    "the admission policy lets in images by digest, and names each that is not": admission(documents),
    "jobs end, know their variables, and run alone": cross.jobs(documents),
    "serve.yaml fits the pod: files, ports, memory, disk, time, log": inPod(documents, { host, project }),
  };
  if (overlay === simulated?.overlay)
    claims["the autoscaler of prod is set as the simulation found best"] = cross.simulated(documents, simulated, settings.value);
  if (havePrograms) {
    claims["commands and options are those of the programs"] = options(documents, programs);
    if (settings) {
      claims["serve.yaml is what the program's schema says"] = bySchema(settings, programs["assay-serve"]);
      if (bundle) claims["serve --check finds settings, bundle and keys in order"] = byProgram(settings, programs["assay-serve"], bundle);
    }
  }
  if (terraform !== undefined)
    claims["Terraform makes every account, bucket, secret, address and policy named"] =
      madeByTerraform(documents, terraform, { project, storeRange });
  return claims;
}
