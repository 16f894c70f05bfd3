// serve.yaml against the program's own schema, against the program, and against the pod that it is mounted into.
import Ajv2020 from "ajv/dist/2020.js";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { called, containersOf, podOf } from "./documents.mjs";
import { mebibytes } from "./cross.mjs";

const bytes = (text, otherwise) => {
  const found = /^(\d+)([KMG]?)$/.exec(String(text ?? otherwise));
  return Number(found[1]) * { "": 2 ** -20, K: 2 ** -10, M: 1, G: 1024 }[found[2]]; // MiB
};
const seconds = (text, otherwise) => {
  const found = /^(\d+)(s|min|h|d)$/.exec(text ?? otherwise);
  return Number(found[1]) * { s: 1, min: 60, h: 3600, d: 86400 }[found[2]];
};

export function settingsOf(documents) {
  const config = documents.find((d) => d.kind === "ConfigMap" && /^assay-serve-[a-z0-9]{10}$/.test(d.metadata.name));
  return config && { name: config.metadata.name, text: config.data["serve.yaml"], value: parse(config.data["serve.yaml"]) };
}

const validators = new Map();
export function bySchema(settings, program) {
  if (!validators.has(program)) {
    const schema = JSON.parse(execFileSync(program, ["serve", "--json-schema"], { encoding: "utf8" }));
    validators.set(program, new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema));
  }
  const validate = validators.get(program);
  return validate(settings.value) ? [] : validate.errors.map((e) => `serve.yaml${e.instancePath}: ${e.message} ${JSON.stringify(e.params)}`);
}

// The program looks at it itself: the same settings, with files of this machine where the pod has its own.
export function byProgram(settings, program, bundle) {
  const folder = mkdtempSync(join(tmpdir(), "assay-settings-"));
  try {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    mkdirSync(join(folder, "etc/assay/auth"), { recursive: true });
    mkdirSync(join(folder, "var/lib/assay"), { recursive: true });
    const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", alg: "ES256" }] });
    for (const name of ["jwks.json", "google.json"]) writeFileSync(join(folder, "etc/assay/auth", name), jwks);
    writeFileSync(join(folder, "etc/assay/auth/log-hash-key"), randomBytes(32));
    const text = settings.text.replace(/^bundle: .*/m, `bundle: ${bundle}`)
      .replaceAll("/etc/assay/auth", `${folder}/etc/assay/auth`).replaceAll("/var/lib/assay", `${folder}/var/lib/assay`);
    writeFileSync(join(folder, "serve.yaml"), text);
    const done = spawnSync(program, ["serve", "--config", join(folder, "serve.yaml"), "--check"], { encoding: "utf8" });
    return done.status === 0 ? [] : [`serve --check: ${done.stderr.trim()}`];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const secretFiles = (documents, name) => {
  const found = documents.find((d) => d.kind === "SecretProviderClass" && d.metadata.name === name);
  return found ? parse(found.spec.parameters.secrets) : [];
};

function logShipped(s, vector, buffer) {
  const wrong = [], source = vector.sources?.predictions, sink = vector.sinks?.bucket;
  if (!source?.include?.includes(s.predictions.file)) wrong.push(`Vector does not read ${s.predictions.file}`);
  if (!source?.include?.includes(`${s.predictions.file}.*`)) wrong.push("Vector does not read what was rotated");
  if (!(source?.max_line_bytes >= 2 ** 20)) wrong.push("Vector drops lines that assay monitor takes");
  if (sink?.encoding?.codec !== "text") wrong.push("Vector would write other bytes than the service wrote");
  if (!(sink?.buffer?.max_size / 2 ** 20 < buffer)) wrong.push(`Vector's buffer does not fit into ${buffer} MiB`);
  return wrong;
}

// The service posts events to Vector on this pod's own address, and forgets one when Pub/Sub has it.
function eventsPublished(s, vector, store) {
  const wrong = [], sink = vector.sinks?.decisions, source = vector.sources?.events;
  const url = s.sink?.url ?? "none", wants = `http://${source?.address}${source?.path}`;
  if (url !== wants || source?.type !== "http_server") wrong.push(`sink.url is ${url}, and Vector takes events at ${wants}`);
  if (!/^127\.0\.0\.1:/.test(source?.address ?? "")) wrong.push(`Vector takes events at ${source?.address}, which is not of this pod alone`);
  if (source?.framing?.method !== "bytes" || source?.decoding?.codec !== "bytes" || sink?.encoding?.codec !== "text")
    wrong.push("Vector would publish another body than the service posted");
  if (sink?.type !== "gcp_pubsub" || !sink.inputs?.includes("events") || sink.topic !== TOPIC) wrong.push(`Vector publishes no events to ${TOPIC}`);
  if (sink?.acknowledgements?.enabled !== true || sink.buffer?.type !== "memory")
    wrong.push("Vector says that it has an event before Pub/Sub has it, and then the store forgets it");
  const request = sink?.request ?? {}, tries = 1 + (request.retry_attempts ?? Infinity);
  if (!(tries * (request.timeout_secs ?? 60) + tries - 1 < seconds(s.sink?.timeout, "10s"))) wrong.push("Vector goes on trying when the service has given up waiting");
  if (sink?.batch?.max_events !== 1) wrong.push("Vector waits for more events while the service waits for it");
  if (store === "none") wrong.push("events without a store wait in memory, and are lost with it");
  return wrong;
}
export const TOPIC = "assay-decisions";

export function inPod(documents, { host, project }) {
  const settings = settingsOf(documents);
  const wrong = [], s = settings?.value, limits = s?.limits ?? {};
  for (const d of documents.filter((d) => d.kind === "Deployment" && d.metadata.name.startsWith("assay-serve"))) {
    const say = (text) => wrong.push(`${called(d)}: ${text}`);
    if (!settings) {
      say("there is no ConfigMap assay-serve with a hash in its name");
      continue;
    }
    const pod = d.spec.template.spec, container = pod.containers[0];
    const port = (name) => container.ports.find((p) => p.name === name)?.containerPort;
    if (Number(s.listen?.split(":").pop()) !== port("http")) say(`listens at ${s.listen}, and its port http is ${port("http")}`);
    if (Number(s.admin_listen?.split(":").pop()) !== port("admin")) say(`admin_listen is ${s.admin_listen}, and its port admin is ${port("admin")}`);
    const wants = `https://${host}${s.base_path}/v1/pubsub`;
    if (s.pubsub && s.pubsub.audience !== wants) say(`pubsub.audience is ${s.pubsub.audience}, not ${wants}`);
    if (s.log?.project !== project) say(`log.project is ${s.log?.project}, not ${project}`);
    if (!s.auth || s.auth.kind === "none" || s.insecure) say("answers anybody");

    // Every file it names is mounted into the container.
    const files = (c) => (c.volumeMounts ?? []).flatMap((m) => {
      const v = pod.volumes.find((volume) => volume.name === m.name) ?? {};
      if (v.configMap) return [m.mountPath];
      if (v.csi?.volumeAttributes?.secretProviderClass)
        return secretFiles(documents, v.csi.volumeAttributes.secretProviderClass).map((f) => `${m.mountPath}/${f.path}`);
      const maker = (pod.initContainers ?? []).find((i) => i.name === m.name && (i.volumeMounts ?? []).some((x) => x.name === m.name));
      const from = maker?.volumeMounts.map((x) => pod.volumes.find((volume) => volume.name === x.name)?.csi?.volumeAttributes?.secretProviderClass).find(Boolean);
      return from ? secretFiles(documents, from).map((f) => `${m.mountPath}/${f.path}`) : [];
    });
    const store = String(s.store ?? "none");
    const needed = [s.auth?.jwks, s.auth?.keys, s.pubsub?.jwks, s.log?.hash_key, s.sink?.secret].filter(Boolean);
    const forStore = store.startsWith("postgresql://")
      ? [/sslrootcert=([^&]+)/.exec(store)?.[1] ?? "sslrootcert (of the store's address)",
         (container.env ?? []).find((e) => e.name === "PGPASSFILE")?.value ?? "PGPASSFILE (of the environment)"] : [];
    for (const file of [...needed, ...forStore, "/etc/assay/serve.yaml"])
      if (!files(container).includes(file)) say(`${file} is in no mount of it`);
    for (const file of [...needed, "/etc/assay/serve.yaml"])
      if (!files(pod.initContainers.find((c) => c.name === "check")).includes(file)) say(`${file} is in no mount of its check`);
    const folder = (path) => container.volumeMounts.find((m) => path === m.mountPath || path.startsWith(`${m.mountPath}/`));
    if (!folder(s.bundle) || folder(s.bundle).readOnly !== true) say(`bundle ${s.bundle} is not mounted, read-only`);
    for (const path of [s.spool, s.predictions?.file, store.startsWith("sqlite:") ? store.slice(7) : undefined].filter(Boolean))
      if (!folder(path) || folder(path).readOnly) say(`${path} cannot be written`);
    if (store.startsWith("postgresql://") && !/sslmode=verify-(ca|full)/.test(store)) say("does not look at the store's certificate");

    // Memory and disk: what the settings allow must fit into what the pod has.
    const memory = mebibytes(container.resources.limits.memory);
    const held = 64 + bytes(limits.memory, "128M") + (limits.connections ?? 4096) * bytes(limits.header, "16K") + (s.threads ?? 8) * 8;
    if (!(held <= memory)) say(`may hold ${Math.ceil(held)} MiB (64 at rest with a large bundle, limits.memory, connections, threads) of ${memory}`);
    const disk = mebibytes(pod.volumes.find((v) => v.name === "work")?.emptyDir?.sizeLimit);
    const log = s.predictions ? bytes(s.predictions.bytes, "256M") * ((s.predictions.keep ?? 5) + 1) : 0;
    if (!(log + 3 * bytes(limits.spool, "1G") <= disk)) say(`prediction log and three batches may take ${log + 3 * bytes(limits.spool, "1G")} MiB of ${disk}`);
    if (!(s.threads > 0)) say("threads follow the node's processors, not the pod's; say how many");

    // Time.
    const stop = seconds(limits.grace, "1s") + seconds(limits.drain, "25s") + 3;
    if (!(pod.terminationGracePeriodSeconds >= stop)) say(`is killed after ${pod.terminationGracePeriodSeconds} s, and may take ${stop} s to stop`);
    for (const p of documents.filter((x) => x.kind === "GCPBackendPolicy")) {
      if (!(p.spec.default.timeoutSec > seconds(limits.request, "30s"))) wrong.push(`${called(p)}: gives up before the service does`);
      if (!(p.spec.default.connectionDraining?.drainingTimeoutSec >= stop - 3)) wrong.push(`${called(p)}: drains for less than the service does`);
    }
    const check = documents.find((x) => x.kind === "HealthCheckPolicy");
    if (check && !(check.spec.default.checkIntervalSec * (check.spec.default.unhealthyThreshold + 1) <= seconds(limits.grace, "1s")))
      wrong.push(`${called(check)}: takes longer to see that a pod ends than its grace of ${limits.grace}`);

    const shipper = pod.initContainers.find((c) => c.name === "shipper");
    if (Boolean(s.predictions) !== Boolean(shipper)) say("a prediction log without what takes it to the bucket, or the reverse");
    if (Boolean(s.sink) !== Boolean(shipper)) say("a sink for decisions without what publishes them, or the reverse");
    if (shipper) {
      if (shipper.restartPolicy !== "Always") say("shipper would be waited for before the service begins");
      const name = pod.volumes.find((v) => v.name === "shipper-settings").configMap.name;
      const vector = parse(documents.find((x) => x.kind === "ConfigMap" && x.metadata.name === name)?.data["vector.yaml"] ?? "{}");
      for (const [, variable] of JSON.stringify(vector).matchAll(/\$\{([A-Z_]+)/g))
        if (!shipper.env.some((e) => e.name === variable)) say(`Vector knows no ${variable}`);
      const buffer = mebibytes(pod.volumes.find((v) => v.name === "shipper-buffer")?.emptyDir?.sizeLimit);
      for (const text of [...logShipped(s, vector, buffer), ...eventsPublished(s, vector, store)]) say(text);
    }
  }
  return wrong;
}

// Are the options that containers give to our programs options of theirs?
const help = new Map();
export function options(documents, programs) {
  const wrong = [];
  for (const d of documents.filter(podOf))
    for (const c of containersOf(podOf(d)))
      if (programs[c.image]) {
        const key = `${c.image} ${c.args[0]}`;
        if (!help.has(key)) {
          const asked = spawnSync(programs[c.image], [c.args[0], "--help"], { encoding: "utf8" });
          help.set(key, asked.status === 0 ? new Set(asked.stdout.match(/^ +--[a-z-]+/gm).map((o) => o.trim())) : undefined);
        }
        const known = help.get(key);
        if (!known) wrong.push(`${called(d)}: ${c.image} has no command ${c.args[0]}`);
        for (const arg of known ? c.args.slice(1) : [])
          if (arg.startsWith("--") && !known.has(arg.split("=")[0])) wrong.push(`${called(d)}: ${key} has no option ${arg.split("=")[0]}`);
      }
  return wrong;
}
