// The Deployment of the overlay dev, run by podman as it stands: its init containers, its securityContext, its settings.
// Put in its place is only what a cluster brings: images by name, the files that drivers and kubelet mount, and ports.
//
//   play.mjs SERVE_IMAGE BUNDLE_IMAGE RUN_FOLDER
//
// RUN_FOLDER is a run of the same bundle: the pod must answer with its bytes.
import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { render, top } from "./documents.mjs";

const [serveImage, bundleImage, runFolder] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), "assay-play-"));
chmodSync(scratch, 0o755);
// In a container podman may not raise limits, so it is told modest ones.
const configuration = join(scratch, "containers.conf");
writeFileSync(configuration, '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n');
const podman = (...args) => spawnSync("podman", ["--runtime", "runc", ...args],
  { encoding: "utf8", env: { ...process.env, CONTAINERS_CONF: configuration } });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let failed = 0;
function claim(holds, words, why = "") {
  console.log(`${holds ? "ok" : "FAILED"} ${words}${holds || !why ? "" : `: ${why}`}`);
  if (!holds) failed++;
}

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// What Secret Manager holds: keys of an issuer, and a token that it signed.
function secrets() {
  const folder = join(scratch, "auth");
  mkdirSync(folder, { mode: 0o755 });
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256", use: "sig" };
  const jwks = JSON.stringify({ keys: [jwk] });
  writeFileSync(join(folder, "jwks.json"), jwks);
  writeFileSync(join(folder, "google.json"), jwks);
  writeFileSync(join(folder, "log-hash-key"), randomBytes(32));
  return { folder, key: createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" })) };
}

function token(key, issuer, audience) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: "ES256", kid: "one", typ: "JWT" })}.${part({
    iss: issuer, aud: audience, sub: "tests", iat: now, exp: now + 600,
    scope: "assay.score assay.model" })}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function localized(documents, name, auth, ports) {
  const deployment = documents.find((d) => d.kind === "Deployment" && d.metadata.name === "assay-serve");
  const settings = documents.find((d) => d.kind === "ConfigMap" && /^assay-serve-/.test(d.metadata.name));
  const pod = deployment.spec.template.spec;
  deployment.metadata.name = name;
  deployment.spec.replicas = 1;
  // Kept after they have ended, so that their logs can be read.
  const kept = { "io.podman.annotations.init.container.type": "always" };
  deployment.spec.template.metadata.annotations = kept;
  deployment.metadata.annotations = kept;
  for (const container of [...pod.initContainers, ...pod.containers]) {
    container.image = container.image === "assay-bundle" ? bundleImage : serveImage;
    container.imagePullPolicy = "Never";
    for (const port of container.ports ?? []) {
      port.hostPort = ports[port.name];
      port.hostIP = "127.0.0.1";
    }
    for (const kind of ["startupProbe", "readinessProbe", "livenessProbe"]) delete container[kind]; // asked below
  }
  // podman would begin an init container that failed again and again, and mounts a folder where a subPath is a file.
  pod.restartPolicy = "Never";
  const file = join(scratch, `${name}.yaml`);
  for (const volume of pod.volumes)
    if (volume.csi) {
      delete volume.csi;
      volume.hostPath = { path: auth, type: "Directory" };
    } else if (volume.configMap?.name === settings.metadata.name) {
      delete volume.configMap;
      volume.hostPath = { path: file, type: "File" };
    } else if (volume.emptyDir) { // which this podman gives to root, whatever fsGroup says
      const folder = join(scratch, `${name}-${volume.name}`);
      mkdirSync(folder, { recursive: true });
      chownSync(folder, 0, pod.securityContext.fsGroup);
      chmodSync(folder, 0o2770);
      delete volume.emptyDir;
      volume.hostPath = { path: folder, type: "Directory" };
    }
  for (const container of [...pod.initContainers, ...pod.containers])
    for (const mount of container.volumeMounts) delete mount.subPath;
  return { deployment, yaml: settings.data["serve.yaml"], file };
}

const dev = () => render(join(top, "deploy/kubernetes/overlays/dev"));

function written(one, name) {
  writeFileSync(one.file, one.yaml);
  const file = join(scratch, `${name}.json`);
  writeFileSync(file, JSON.stringify(one.deployment));
  return file;
}

async function answerOf(url, options = {}) {
  const reply = await fetch(url, { signal: AbortSignal.timeout(5000), ...options });
  return { status: reply.status, text: await reply.text() };
}

async function reached(url, within) {
  const end = Date.now() + within;
  while (Date.now() < end) {
    const reply = await answerOf(url).catch(() => undefined);
    if (reply?.status === 200) return reply;
    await sleep(100);
  }
  return undefined;
}

// A pod whose init containers fail is what a rollout of something wrong looks like.
async function refused(name, change, words, expected) {
  const one = localized(dev(), name, authFolder, { http: await freePort(), admin: await freePort() });
  change(one);
  const file = written(one, name);
  const played = podman("play", "kube", file);
  const logs = podman("logs", `${name}-pod-0-check`);
  const said = `${played.stdout}${played.stderr}${logs.stdout}${logs.stderr}`;
  const running = podman("ps", "--format", "{{.Names}}").stdout.includes(`${name}-pod-0-assay-serve`);
  claim(played.status !== 0 && !running && expected.test(said), words, said.slice(-600));
  podman("play", "kube", "--down", file);
}

const { folder: authFolder, key } = secrets();
const name = `assay-check-${process.pid}`;
const ports = { http: await freePort(), admin: await freePort() };
const real = localized(dev(), name, authFolder, ports);
const { deployment, yaml } = real;
const setting = (key) => new RegExp(`^ *${key}: *(\\S+)`, "m").exec(yaml)?.[1];
const file = written(real, name);
process.on("exit", () => {
  podman("play", "kube", "--down", file);
  rmSync(scratch, { recursive: true, force: true });
});
{
  const began = Date.now();
  const played = podman("play", "kube", file);
  claim(played.status === 0, "podman plays the Deployment of dev: bundle copied, settings checked, service started",
    played.stderr.slice(-800) + podman("logs", `${name}-pod-0-check`).stderr);
  if (played.status === 0) {
    const admin = `http://127.0.0.1:${ports.admin}`, http = `http://127.0.0.1:${ports.http}`;
    const ready = await reached(`${admin}/readyz`, 30000);
    claim(ready !== undefined, `the pod is ready (${Date.now() - began} ms after the first container was asked for)`,
      podman("logs", `${name}-pod-0-assay-serve`).stderr.slice(-600));
    if (ready === undefined) process.exit(1);
    for (const kind of ["startupProbe", "readinessProbe", "livenessProbe"]) {
      const original = dev().find((d) => d.kind === "Deployment").spec.template.spec.containers[0][kind].httpGet;
      const reply = await answerOf(`http://127.0.0.1:${ports[original.port]}${original.path}`).catch((e) => ({ text: e.message }));
      claim(reply.status === 200, `the ${kind} (${original.path} at ${original.port}) is answered`, reply.text);
    }
    const bearer = { Authorization: `Bearer ${token(key, setting("issuer"), setting("audience"))}` };
    const model = await answerOf(`${http}/ai/v1/model`, { headers: bearer }).catch((e) => ({ text: e.message }));
    claim(model.status === 200 && JSON.parse(model.text).name === "assay", "/ai/v1/model says which model answers", model.text);
    claim((await answerOf(`${http}/ai/v1/model`)).status === 401, "nobody is answered without a token");
    claim((await answerOf(`${http}/v1/model`, { headers: bearer })).status === 404, "nothing is answered outside /ai");
    const metrics = await answerOf(`${admin}/metrics`);
    claim(/^assay_requests_in_flight /m.test(metrics.text), "the metric that the autoscaler reads is at the admin port");
    const [request, bytes] = JSON.parse(execFileSync("python3", ["-c", `
import json, sys
sys.path.insert(0, ${JSON.stringify(join(top, "tests/service"))})
from harness.bank import Run
request, decision = Run(sys.argv[1]).requests()[0]
print(json.dumps([request, decision.decode()]))`, runFolder], { encoding: "utf8" }));
    const score = await answerOf(`${http}/ai/v1/score`, { method: "POST", body: JSON.stringify(request),
      headers: { ...bearer, "Content-Type": "application/json" } });
    claim(score.status === 200 && score.text.startsWith(`{${bytes},`),
      "/ai/v1/score answers with the bytes of a batch run with the same bundle", `${score.status} ${score.text.slice(0, 300)}`);

    const seen = JSON.parse(podman("inspect", `${name}-pod-0-assay-serve`).stdout)[0];
    const inside = readStatus(seen.State.Pid);
    claim(inside.Uid.split("\t")[0] === "65532" && /^0+$/.test(inside.CapEff) && inside.NoNewPrivs === "1",
      "it runs as 65532 without capabilities or new privileges", JSON.stringify(inside));
    claim(seen.HostConfig.ReadonlyRootfs === true, "its root is read-only");
    const stopping = Date.now();
    const stopped = podman("stop", "--time", "45", `${name}-pod-0-assay-serve`);
    const code = JSON.parse(podman("inspect", `${name}-pod-0-assay-serve`).stdout)[0].State.ExitCode;
    const grace = Number(/^ *grace: *(\d+)s/m.exec(yaml)?.[1]);
    const took = (Date.now() - stopping) / 1000;
    claim(stopped.status === 0 && code === 0 && took >= grace && took < deployment.spec.template.spec.terminationGracePeriodSeconds,
      `SIGTERM ends it with 0 after its grace of ${grace} s and within the pod's (${took.toFixed(1)} s)`, `code ${code}`);
  }
  podman("play", "kube", "--down", file);

  await refused(`${name}-a`, (one) => {
    one.yaml = one.yaml.replace("base_path:", "base_pth:");
  }, "a setting that does not exist ends the rollout before the service starts", /base_pth/);
  await refused(`${name}-b`, (one) => {
    const init = one.deployment.spec.template.spec.initContainers.find((c) => c.name === "bundle");
    init.command = ["/bin/busybox", "sh", "-ec",
      "cp -r /bundle/. /to/; sed -i 's/\"assay_bundle\": [0-9]*/\"assay_bundle\": 1/' /to/bundle.json; " +
      "cd /to; for f in $(cut -c 67- SHA256SUMS); do sha256sum $f; done > /to/sums; mv /to/sums /to/SHA256SUMS"];
  }, "a bundle older than the program ends the rollout, and the log says what to do", /bundle[\s\S]*remedy/);
}
process.exit(failed === 0 ? 0 : 1);

function readStatus(pid) {
  const text = execFileSync("cat", [`/proc/${pid}/status`], { encoding: "utf8" });
  return Object.fromEntries(text.trim().split("\n").map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at), line.slice(at + 1).trim()];
  }));
}
