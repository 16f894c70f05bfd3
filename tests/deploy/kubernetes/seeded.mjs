// Mistakes of many kinds, each planted into a copy: every one must be found, and by the check that is there for it.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { render, top } from "./documents.mjs";
import { checked, havePrograms, simulated, terraform } from "./everything.mjs";
import { typed } from "./typed.mjs";

// [what, overlay, file, from, to, what must be said of it]; the last is what must be there for it: the compiler and schemas say it, or programs, Terraform's files or the simulation are needed.
const mistakes = [
  ["a field that does not exist", "prod", "deployment/deployment.yaml", "readinessProbe:", "readynessProbe:", /readynessProbe/, "types"],
  ["a number written as text", "prod", "deployment/deployment.yaml", "terminationGracePeriodSeconds: 45", 'terminationGracePeriodSeconds: "45"', /not assignable to type 'number'/, "types"],
  ["a kind in a wrong version of its interface", "prod", "base/scaling.yaml", "apiVersion: autoscaling/v2\n", "apiVersion: autoscaling/v2beta9\n", /no kind HorizontalPodAutoscaler/, "types"],
  ["a field of a route's reference", "prod", "gateway/route/route.yaml", "weight: 0", "wieght: 0", /wieght/, "types"],
  ["a health check of no known kind", "prod", "gateway/policies.yaml", "type: HTTP\n", "type: HTP\n", /HTP/, "types"],
  ["a time that Prometheus cannot read", "prod", "base/monitoring.yaml", "interval: 15s", "interval: 15 seconds", /interval/, "types"],
  ["a field that GKE's secrets do not know", "prod", "environments/prod/serve/secrets.yaml", "provider: gke\n", "provider: gke\n  secretObjects: []\n", /secretObjects/, "types"],
  ["a probe of a path outside the contract", "prod", "deployment/deployment.yaml", "path: /readyz", "path: /ready", /\/ready/],
  ["a probe on the port of requests", "prod", "deployment/deployment.yaml", "path: /readyz\n              port: admin", "path: /readyz\n              port: http", /admin port/],
  ["a Service that leads to no port", "prod", "base/service.yaml", "targetPort: http", "targetPort: web", /no port web/],
  ["a selector that chooses nothing", "prod", "base/service.yaml", "track: stable\n  ports", "track: steady\n  ports", /0 workloads/],
  ["a scrape of a port that nobody opens", "prod", "base/network.yaml", "port: admin", "port: http", /no NetworkPolicy opens admin/],
  ["no policy that denies", "prod", "base/network.yaml", "podSelector: {}", "podSelector: {matchLabels: {a: b}}", /denies everything/],
  ["a route beside the base path", "prod", "gateway/route/route.yaml", "value: /ai", "value: /api", /\/api/],
  ["weights that are not a hundred", "prod-canary", "overlays/prod-canary/kustomization.yaml", "value: 95", "value: 94", /99 together/],
  ["a canary with weight and no pods", "prod-canary", "overlays/prod-canary/kustomization.yaml", "value: 1\n", "value: 0\n", /to 0 pods/],
  ["an autoscaler of an unknown metric", "prod", "base/scaling.yaml", "assay_requests_in_flight", "assay_requests_in_fligth", /knows no metric/],
  ["an autoscaler that is set back by each rollout", "prod", "deployment/deployment.yaml", "  revisionHistoryLimit: 5", "  replicas: 3\n  revisionHistoryLimit: 5", /undoes the autoscaler/],
  ["a quota too small", "prod", "overlays/prod/kustomization.yaml", 'requests.cpu: "64"', 'requests.cpu: "16"', /raise requests.cpu/],
  ["a container that may write its root", "prod", "deployment/deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", /not confined/],
  ["an image by tag", "prod", "deployment/deployment.yaml", "image: assay-serve\n", "image: assay-serve:latest\n", /by digest/],
  ["a policy that lets in a tag", "prod", "base/digests.yaml", "{64}$'))\n      message", "{64}$|latest$'))\n      message", /let in/],
  ["a policy that overlooks jobs by the month", "prod", "base/digests.yaml", "resources: [jobs, cronjobs]", "resources: [jobs]", /does not look at it/],
  ["a variable left out", "prod", "environments/prod/environment.env", "RUNS_BUCKET=assay-prod-assay-runs\n", "", /RUNS_BUCKET/],
  ["a bucket of another project", "prod", "environments/prod/environment.env", "RUNS_BUCKET=assay-prod", "RUNS_BUCKET=assay-staging", /assay-staging/],
  ["an account of another project", "staging", "environments/staging/environment.env", "SERVE_ACCOUNT=assay-serve@assay-staging", "SERVE_ACCOUNT=assay-serve@assay-prod", /assay-prod/],
  ["a secret that is not mounted", "prod", "environments/prod/serve/secrets.yaml", "path: google.json", "path: googles.json", /google\.json is in no mount/],
  ["settings whose memory does not fit", "prod", "environments/prod/serve/serve.yaml", "memory: 128M", "memory: 1G", /MiB/],
  ["a pod killed while it drains", "prod", "environments/prod/serve/serve.yaml", "drain: 25s", "drain: 60s", /may take/],
  ["a listener beside the port", "prod", "environments/prod/serve/serve.yaml", "admin_listen: 0.0.0.0:9090", "admin_listen: 0.0.0.0:9091", /9091/],
  ["a prediction log that nobody ships", "prod", "environments/prod/serve/serve.yaml", "/var/lib/assay/predictions.ndjson", "/var/lib/assay/log.ndjson", /does not read/],
  ["events posted where nobody takes them", "prod", "environments/prod/serve/serve.yaml", "127.0.0.1:8687/events", "127.0.0.1:8686/events", /takes events at/],
  ["decisions that nobody publishes", "staging", "environments/staging/serve/serve.yaml", /sink:\n.*\n/, "", /a sink for decisions/],
  ["events taken from other pods", "prod", "components/shipper/vector.yaml", "address: 127.0.0.1:8687", "address: 0.0.0.0:8687", /not of this pod alone/],
  ["events acknowledged before Pub/Sub has them", "prod", "components/shipper/vector.yaml", "type: memory", "type: disk", /the store forgets it/],
  ["events read and written anew", "prod", "components/shipper/vector.yaml", "codec: bytes #", "codec: json #", /another body/],
  ["events to a topic that Terraform does not make", "prod", "components/shipper/vector.yaml", "topic: assay-decisions", "topic: assay-decision", /no topic assay-decision/, "terraform"],
  ["a volume that is none", "prod", "deployment/deployment.yaml", "        - name: work # answers", "        - name: wrok # answers", /which is no volume/],
  ["a script's file that its ConfigMap has not", "prod", "../bigquery/kustomization.yaml", "      - sql/groups.sql\n", "", /has no groups\.sql/],
  ["a job's variable that it is not given", "prod-score", "jobs/score/job.yaml", "- name: SHARD", "- name: SHRAD", /\$\(SHARD\)/],
  ["an option that the program has not", "prod", "monitor/monitor.yaml", "--fail-on=act", "--fail-at=act", /--fail-at/, "programs"],
  ["a setting that the program has not", "prod", "environments/prod/serve/serve.yaml", "base_path:", "basepath:", /basepath/, "programs"],
  ["a secret that Terraform does not make", "prod", "environments/prod/serve/secrets.yaml", "secrets/assay-jwks/", "secrets/assay-jwkset/", /no secret assay-jwkset/, "terraform"],
  ["an account that pushes as nobody", "prod", "environments/prod/serve/serve.yaml", "email: assay-pubsub@", "email: assay-push@", /no account assay-push/, "terraform"],
  ["an autoscaler that the simulation did not find", "prod", "base/scaling.yaml", "averageUtilization: 50", "averageUtilization: 90", /settings\.json/, "simulation"],
];

export function seeded(folder, bundle) {
  const groups = {}, results = [];
  for (const [what, overlay, file, from, to, says, how] of mistakes) {
    if ({ programs: !havePrograms, terraform: terraform === undefined, simulation: simulated === undefined }[how]) {
      results.push([undefined, what]);
      continue;
    }
    const copy = mkdtempSync(join(tmpdir(), "assay-seeded-")), tree = join(copy, "kubernetes");
    for (const name of ["kubernetes", "bigquery"]) cpSync(join(top, "deploy", name), join(copy, name), { recursive: true });
    const path = join(tree, file), text = readFileSync(path, "utf8");
    let said;
    if (text.replace(from, "") === text) said = [`the place for this mistake is gone: ${file} has no "${from}"`];
    else {
      writeFileSync(path, text.replace(from, () => to));
      try {
        const documents = render(join(tree, "overlays", overlay));
        if (how === "types") groups[what] = documents;
        else said = Object.values(checked(tree, overlay, bundle, documents)).flat();
      } catch (error) {
        said = [error.message];
      }
    }
    rmSync(copy, { recursive: true, force: true });
    if (said) results.push([said.some((text) => says.test(text)), what, said]);
  }
  const wrong = typed(groups, join(folder, "seeded"));
  for (const [what, , , , , says, how] of mistakes)
    if (how === "types" && groups[what]) results.push([wrong[what].some((text) => says.test(text)), what, wrong[what]]);
  return results;
}
