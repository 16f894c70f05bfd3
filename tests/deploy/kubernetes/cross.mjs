// Do the objects of an overlay fit together? Names, labels, ports, paths, sums; each function returns what is wrong.
import { called, containersOf, podOf } from "./documents.mjs";

const MI = { Ki: 2 ** -10, Mi: 1, Gi: 1024 };
export function mebibytes(text) {
  const found = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi)$/.exec(text ?? "");
  return found ? Number(found[1]) * MI[found[2]] : NaN;
}
export const cores = (text) => (/m$/.test(text ?? "") ? parseInt(text, 10) / 1000 : Number(text ?? NaN));
const named = (documents, kind, name) => documents.find((d) => d.kind === kind && d.metadata.name === name);
const ofKind = (documents, kind) => documents.filter((d) => d.kind === kind);
const workloads = (documents) => documents.filter(podOf);
const fits = (selector, labels) => Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);
const selected = (documents, selector) =>
  workloads(documents).filter((d) => fits(selector, podOf(d).metadata.labels));
const portsOf = (document) => containersOf(podOf(document)).flatMap((c) => c.ports ?? []);
const variables = { Job: ["BATCH", "AS_OF", "NAME"] }; // what render puts in

// A whole overlay has the namespace; a canary phase or a job stands on what a whole one brought.
export const isWhole = (documents) => documents.some((d) => d.kind === "Namespace");

export function names(documents, project) {
  const wrong = [];
  for (const d of documents) {
    const rest = structuredClone(d);
    if (d.kind === "Job")
      for (const c of containersOf(podOf(rest)))
        c.env = (c.env ?? []).filter((e) => !(e.value === "MISSING" && variables.Job.includes(e.name)));
    if (JSON.stringify(rest).includes("MISSING")) wrong.push(`${called(d)}: MISSING stands where a name belongs`);
    for (const found of JSON.stringify(d).matchAll(/\bassay-(dev|staging|prod)\b/g))
      if (found[0] !== project) wrong.push(`${called(d)}: names ${found[0]} in an overlay of ${project}`);
    const clusterWide = ["Namespace", "PriorityClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
    if (!clusterWide.includes(d.kind) && d.metadata.namespace !== "assay") wrong.push(`${called(d)}: not in namespace assay`);
  }
  const seen = documents.map((d) => `${d.apiVersion} ${called(d)}`);
  for (const name of new Set(seen)) if (seen.filter((n) => n === name).length > 1) wrong.push(`${name} stands twice`);
  return wrong;
}

export function selectors(documents) {
  const wrong = [];
  for (const d of ofKind(documents, "Deployment"))
    if (!fits(d.spec.selector.matchLabels, d.spec.template.metadata.labels))
      wrong.push(`${called(d)}: its selector does not choose its own pods`);
  for (const d of ofKind(documents, "Service")) {
    const chosen = selected(documents, d.spec.selector);
    if (chosen.length !== 1) wrong.push(`${called(d)}: chooses the pods of ${chosen.length} workloads`);
  }
  for (const d of [...ofKind(documents, "PodDisruptionBudget"), ...ofKind(documents, "PodMonitoring")])
    if (selected(documents, d.spec.selector.matchLabels).length === 0) wrong.push(`${called(d)}: chooses no pods`);
  for (const d of ofKind(documents, "NetworkPolicy"))
    if (selected(documents, d.spec.podSelector.matchLabels).length === 0) wrong.push(`${called(d)}: chooses no pods`);
  if (isWhole(documents)) {
    const all = ofKind(documents, "NetworkPolicy").find((d) => Object.keys(d.spec.podSelector).length === 0);
    if (!all || all.spec.ingress || all.spec.egress || all.spec.policyTypes.join() !== "Ingress,Egress")
      wrong.push("no NetworkPolicy that denies everything to all pods");
    for (const d of workloads(documents))
      if (podOf(d).metadata.labels["app.kubernetes.io/part-of"] !== "assay")
        wrong.push(`${called(d)}: without part-of: assay no policy lets it reach Google`);
  }
  for (const d of workloads(documents))
    for (const c of podOf(d).spec.topologySpreadConstraints ?? [])
      if (!fits(c.labelSelector.matchLabels, podOf(d).metadata.labels)) wrong.push(`${called(d)}: is spread by others' labels`);
  return wrong;
}

export function ports(documents) {
  const wrong = [];
  const has = (document, port) => portsOf(document).some((p) => p.name === port || p.containerPort === port);
  for (const d of ofKind(documents, "Service"))
    for (const port of d.spec.ports)
      for (const w of selected(documents, d.spec.selector))
        if (!has(w, port.targetPort)) wrong.push(`${called(d)}: ${called(w)} has no port ${port.targetPort}`);
  for (const d of ofKind(documents, "PodMonitoring"))
    for (const endpoint of d.spec.endpoints)
      for (const w of selected(documents, d.spec.selector.matchLabels))
        if (!has(w, endpoint.port)) wrong.push(`${called(d)}: ${called(w)} has no port ${endpoint.port}`);
  for (const d of ofKind(documents, "NetworkPolicy"))
    for (const port of (d.spec.ingress ?? []).flatMap((rule) => rule.ports ?? []))
      for (const w of selected(documents, d.spec.podSelector.matchLabels))
        if (!has(w, port.port)) wrong.push(`${called(d)}: ${called(w)} has no port ${port.port}`);
  // What is scraped must be let in.
  for (const d of ofKind(documents, "PodMonitoring"))
    for (const endpoint of d.spec.endpoints)
      for (const w of selected(documents, d.spec.selector.matchLabels)) {
        const open = ofKind(documents, "NetworkPolicy").some((p) =>
          Object.keys(p.spec.podSelector).length > 0 && fits(p.spec.podSelector.matchLabels, podOf(w).metadata.labels) &&
          (p.spec.ingress ?? []).some((rule) => rule.ports?.some((port) => port.port === endpoint.port)));
        if (isWhole(documents) && !open) wrong.push(`${called(d)}: no NetworkPolicy opens ${endpoint.port} of ${called(w)}`);
      }
  for (const w of workloads(documents))
    for (const c of containersOf(podOf(w)))
      for (const kind of ["startupProbe", "readinessProbe", "livenessProbe"])
        if (c[kind] && !(c.ports ?? []).some((p) => p.name === c[kind].httpGet?.port))
          wrong.push(`${called(w)}: the ${kind} of ${c.name} asks a port that it has not`);
  for (const d of ofKind(documents, "Deployment").filter((d) => d.metadata.name.startsWith("assay-serve")))
    for (const kind of ["startupProbe", "readinessProbe", "livenessProbe"])
      if (d.spec.template.spec.containers[0][kind]?.httpGet?.port !== "admin")
        wrong.push(`${called(d)}: the ${kind} is missing or not on the admin port`);
  return wrong;
}

export function paths(documents, spec) {
  const wrong = [];
  const known = Object.keys(spec.paths);
  for (const w of ofKind(documents, "Deployment"))
    for (const c of containersOf(podOf(w)))
      for (const kind of ["startupProbe", "readinessProbe", "livenessProbe"])
        if (c[kind] && !known.includes(c[kind].httpGet.path))
          wrong.push(`${called(w)}: the contract has no ${c[kind].httpGet.path} (${kind})`);
  for (const d of ofKind(documents, "HealthCheckPolicy")) {
    const path = d.spec.default.config.httpHealthCheck.requestPath;
    if (!known.includes(path)) wrong.push(`${called(d)}: the contract has no ${path}`);
  }
  for (const d of ofKind(documents, "PodMonitoring").filter((d) => d.metadata.name === "assay-serve"))
    for (const e of d.spec.endpoints) if (!known.includes(e.path)) wrong.push(`${called(d)}: the contract has no ${e.path}`);
  return wrong;
}

export function routes(documents, base, host) {
  const wrong = [];
  const route = named(documents, "HTTPRoute", "assay-serve");
  if (route) {
    if (route.spec.hostnames.join() !== host) wrong.push(`HTTPRoute/assay-serve: for ${route.spec.hostnames}, not ${host}`);
    for (const rule of route.spec.rules) {
      for (const match of rule.matches)
        if (match.path.type !== "PathPrefix" || match.path.value !== base)
          wrong.push(`HTTPRoute/assay-serve: leads ${match.path.value} to a service that lives under ${base}`);
      const sum = rule.backendRefs.reduce((total, ref) => total + ref.weight, 0);
      if (sum !== 100) wrong.push(`HTTPRoute/assay-serve: weights are ${sum} together, not 100`);
      for (const ref of rule.backendRefs) {
        const service = named(documents, "Service", ref.name);
        if (!service && (isWhole(documents) || ref.name.endsWith("-canary")))
          wrong.push(`HTTPRoute/assay-serve: there is no Service ${ref.name}`);
        if (service && !service.spec.ports.some((p) => p.port === ref.port))
          wrong.push(`HTTPRoute/assay-serve: Service/${ref.name} has no port ${ref.port}`);
        const canary = named(documents, "Deployment", ref.name);
        if (canary && canary.spec.replicas !== undefined && ref.weight > 0 !== canary.spec.replicas > 0)
          wrong.push(`HTTPRoute/assay-serve: weight ${ref.weight} to ${canary.spec.replicas} pods of ${ref.name}`);
      }
    }
  }
  const gateway = named(documents, "Gateway", "assay");
  if (gateway) {
    for (const r of ofKind(documents, "HTTPRoute"))
      for (const parent of r.spec.parentRefs)
        if (parent.name !== "assay" || !gateway.spec.listeners.some((l) => l.name === parent.sectionName))
          wrong.push(`${called(r)}: hangs on ${parent.name}/${parent.sectionName}, which is not there`);
    for (const ref of route?.spec.rules.flatMap((rule) => rule.backendRefs) ?? [])
      for (const kind of ["GCPBackendPolicy", "HealthCheckPolicy"])
        if (ofKind(documents, kind).filter((p) => p.spec.targetRef.kind === "Service" && p.spec.targetRef.name === ref.name).length !== 1)
          wrong.push(`Service/${ref.name} has not one ${kind}`);
    for (const p of ofKind(documents, "GCPBackendPolicy"))
      if (!p.spec.default.securityPolicy || !p.spec.default.timeoutSec) wrong.push(`${called(p)}: no Cloud Armor policy or no timeout`);
  }
  return wrong;
}

export function scaling(documents, telemetry, threads) {
  const wrong = [];
  for (const d of ofKind(documents, "HorizontalPodAutoscaler")) {
    const target = named(documents, d.spec.scaleTargetRef.kind, d.spec.scaleTargetRef.name);
    if (!target) wrong.push(`${called(d)}: scales ${d.spec.scaleTargetRef.name}, which is not there`);
    else if (target.spec.replicas !== undefined) wrong.push(`${called(target)}: says replicas, so each rollout undoes the autoscaler`);
    if (d.spec.minReplicas > d.spec.maxReplicas) wrong.push(`${called(d)}: at least ${d.spec.minReplicas} and at most ${d.spec.maxReplicas}`);
    if (!d.spec.behavior?.scaleDown?.stabilizationWindowSeconds) wrong.push(`${called(d)}: nothing holds it from going down at once`);
    const cpu = d.spec.metrics.find((m) => m.type === "Resource" && m.resource.name === "cpu");
    if (!cpu) wrong.push(`${called(d)}: does not look at CPU`);
    for (const m of d.spec.metrics.filter((m) => m.type === "Pods")) {
      const found = /^prometheus\.googleapis\.com\|([a-z_]+)\|(gauge|counter|histogram)$/.exec(m.pods.metric.name);
      if (!found || !new RegExp(`\`${found[1]}\``).test(telemetry))
        wrong.push(`${called(d)}: docs/telemetry.md knows no metric for ${m.pods.metric.name}`);
      else if (found[1] === "assay_requests_in_flight" && !(Number(m.pods.target.averageValue) < threads))
        wrong.push(`${called(d)}: ${m.pods.target.averageValue} in flight on ${threads} threads comes too late`);
    }
  }
  return wrong;
}

// What the simulation found (bench/scale) is what prod says.
export function simulated(documents, found, settings) {
  const scaler = named(documents, "HorizontalPodAutoscaler", "assay-serve");
  if (!scaler) return [];
  const policy = (way, type) => scaler.spec.behavior[way].policies.find((p) => p.type === type) ?? {};
  const says = {
    minReplicas: scaler.spec.minReplicas,
    maxReplicas: scaler.spec.maxReplicas,
    averageUtilization: scaler.spec.metrics.find((m) => m.type === "Resource").resource.target.averageUtilization,
    threads: settings.threads,
    "limits.in_flight": settings.limits.in_flight,
    ...Object.fromEntries(["scaleUp", "scaleDown"].map((way) => [way, {
      stabilizationWindowSeconds: scaler.spec.behavior[way].stabilizationWindowSeconds,
      percent: policy(way, "Percent").value, pods: policy(way, "Pods").value, periodSeconds: policy(way, "Percent").periodSeconds }])),
  };
  return Object.keys(says).filter((key) => JSON.stringify(says[key]) !== JSON.stringify(found[key]))
    .map((key) => `${called(scaler)}: ${key} is ${JSON.stringify(says[key])}, and bench/scale/settings.json has ${JSON.stringify(found[key])}`);
}

// What a pod reserves: its containers and the sidecars that stay, or the greatest of the others before them.
export function reserved(pod) {
  const sum = (containers, of) => containers.reduce((total, c) => total + of(c), 0);
  const cpu = (c) => cores(c.resources.requests.cpu), memory = (c) => mebibytes(c.resources.requests.memory);
  const stay = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === "Always")];
  const before = (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy !== "Always");
  const most = (of) => Math.max(sum(stay, of), ...before.map(of));
  const bucket = pod.metadata.annotations?.["gke-gcsfuse/volumes"] === "true"; // GKE's sidecar: 250m, 256Mi
  return { cpu: most(cpu) + (bucket ? 0.25 : 0), memory: most(memory) + (bucket ? 256 : 0) };
}

export function quotas(documents, jobs) {
  const quota = named(documents, "ResourceQuota", "assay");
  if (!quota) return [];
  let cpu = 0, memory = 0, pods = 0;
  const add = (pod, times) => {
    const one = reserved(pod);
    cpu += times * one.cpu, memory += times * one.memory, pods += times;
  };
  for (const d of documents) {
    const scaler = ofKind(documents, "HorizontalPodAutoscaler").find((h) => h.spec.scaleTargetRef.name === d.metadata.name);
    if (d.kind === "Deployment")
      add(podOf(d), Math.ceil(1.25 * (scaler ? scaler.spec.maxReplicas : Math.max(d.spec.replicas ?? 1, d.metadata.name.endsWith("-canary") ? 3 : 0))));
    if (d.kind === "CronJob") add(podOf(d), 1);
  }
  for (const job of jobs) add(podOf(job), job.spec.parallelism);
  const hard = quota.spec.hard, wrong = [];
  if (!(cpu <= cores(hard["requests.cpu"]))) wrong.push(`ResourceQuota/assay: ${cpu.toFixed(1)} CPU are needed at the most, ${hard["requests.cpu"]} allowed; raise requests.cpu or lower maxReplicas`);
  if (!(memory <= mebibytes(hard["requests.memory"]))) wrong.push(`ResourceQuota/assay: ${(memory / 1024).toFixed(0)} GiB are needed at the most, ${hard["requests.memory"]} allowed; raise requests.memory or lower maxReplicas`);
  if (!(pods <= Number(hard.pods))) wrong.push(`ResourceQuota/assay: ${pods} pods are needed at the most, ${hard.pods} allowed; raise pods or lower maxReplicas`);
  return wrong;
}

export function restricted(documents) {
  const wrong = [];
  for (const w of workloads(documents)) {
    const pod = podOf(w).spec, say = (text) => wrong.push(`${called(w)}: ${text}`);
    const s = pod.securityContext ?? {};
    if (!s.runAsNonRoot || s.runAsUser !== 65532 || s.runAsGroup !== 65532 || s.seccompProfile?.type !== "RuntimeDefault")
      say("the pod's securityContext is not that of 65532 with the runtime's seccomp profile");
    if (pod.automountServiceAccountToken !== false) say("carries a token of Kubernetes that it does not need");
    if (pod.hostNetwork || pod.hostPID || pod.hostIPC) say("shares something of its node");
    if (!pod.priorityClassName) say("has no priority class");
    for (const v of pod.volumes ?? [])
      if (!v.configMap && !v.csi && !v.emptyDir && !v.projected) say(`volume ${v.name} is of a kind that is not allowed`);
    for (const c of containersOf(podOf(w))) {
      const own = c.securityContext ?? {};
      if (own.allowPrivilegeEscalation !== false || own.readOnlyRootFilesystem !== true || own.privileged ||
          own.capabilities?.drop?.join() !== "ALL" || own.capabilities?.add)
        say(`${c.name} is not confined (no escalation, read-only root, all capabilities dropped)`);
      const r = c.resources ?? {};
      if (!r.requests?.cpu || !r.requests?.memory || r.requests.memory !== r.limits?.memory)
        say(`${c.name} says no CPU, or another memory to ask for than to be held to`);
    }
  }
  if (isWhole(documents) && documents.find((d) => d.kind === "Namespace").metadata.labels["pod-security.kubernetes.io/enforce"] !== "restricted")
    wrong.push("Namespace/assay does not enforce restricted pods");
  return wrong;
}

export const IMAGES = ["assay-serve", "assay-bundle", "assay", "vector", "node-exporter", "cloud-sdk"];
export function images(documents) {
  return workloads(documents).flatMap((w) => containersOf(podOf(w)).map((c) => [w, c]))
    .filter(([, c]) => !IMAGES.includes(c.image) && !/^[^@\s]+@sha256:[0-9a-f]{64}$/.test(c.image))
    .map(([w, c]) => `${called(w)}: image ${c.image} is neither one of ${IMAGES.join(", ")} nor named by digest`);
}

export function mounts(documents) {
  const wrong = [];
  for (const w of workloads(documents)) {
    const pod = podOf(w).spec, volumes = pod.volumes ?? [], used = new Set();
    for (const c of containersOf(podOf(w)))
      for (const m of c.volumeMounts ?? []) {
        used.add(m.name);
        if (!volumes.some((v) => v.name === m.name)) wrong.push(`${called(w)}: ${c.name} mounts ${m.name}, which is no volume`);
      }
    for (const v of volumes) {
      if (!used.has(v.name)) wrong.push(`${called(w)}: nobody mounts ${v.name}`);
      if (v.configMap && !named(documents, "ConfigMap", v.configMap.name)) wrong.push(`${called(w)}: there is no ConfigMap ${v.configMap.name}`);
      for (const { key } of v.configMap?.items ?? [])
        if (named(documents, "ConfigMap", v.configMap.name)?.data[key] === undefined) wrong.push(`${called(w)}: ConfigMap ${v.configMap.name} has no ${key}`);
      const secrets = v.csi?.volumeAttributes?.secretProviderClass;
      if (secrets && !named(documents, "SecretProviderClass", secrets)) wrong.push(`${called(w)}: there is no SecretProviderClass ${secrets}`);
      if (v.csi?.driver === "gcsfuse.csi.storage.gke.io" && podOf(w).metadata.annotations?.["gke-gcsfuse/volumes"] !== "true")
        wrong.push(`${called(w)}: a bucket without the annotation gke-gcsfuse/volumes is not mounted`);
    }
    const ephemeral = volumes.filter((v) => v.emptyDir && v.emptyDir.medium !== "Memory")
      .reduce((total, v) => total + mebibytes(v.emptyDir.sizeLimit), 0);
    const allowed = containersOf(podOf(w)).filter((c) => c.resources.limits["ephemeral-storage"])
      .map((c) => mebibytes(c.resources.limits["ephemeral-storage"]));
    if (!(ephemeral <= Math.max(...allowed))) wrong.push(`${called(w)}: its emptyDirs may hold ${ephemeral} MiB, more than the ${Math.max(...allowed)} MiB it may use`);
  }
  return wrong;
}

export function accounts(documents, project) {
  const wrong = [];
  if (isWhole(documents))
    for (const w of workloads(documents)) {
      const pod = podOf(w).spec;
      if (!named(documents, "ServiceAccount", pod.serviceAccountName)) wrong.push(`${called(w)}: there is no ServiceAccount ${pod.serviceAccountName}`);
      if (!named(documents, "PriorityClass", pod.priorityClassName)) wrong.push(`${called(w)}: there is no PriorityClass ${pod.priorityClassName}`);
    }
  for (const d of ofKind(documents, "ServiceAccount")) {
    const is = d.metadata.annotations?.["iam.gke.io/gcp-service-account"];
    const want = `${d.metadata.name}@${project}.iam.gserviceaccount.com`;
    if (is !== want) wrong.push(`${called(d)}: acts as ${is}, not as ${want}`);
  }
  return wrong;
}

export function jobs(documents) {
  const wrong = [];
  for (const d of documents.filter((d) => d.kind === "Job" || d.kind === "CronJob")) {
    const spec = d.kind === "Job" ? d.spec : d.spec.jobTemplate.spec;
    const pod = spec.template.spec;
    if (pod.restartPolicy !== "Never" || !spec.activeDeadlineSeconds) wrong.push(`${called(d)}: may run for ever`);
    if (d.kind === "CronJob" && d.spec.concurrencyPolicy !== "Forbid") wrong.push(`${called(d)}: may run beside itself`);
    for (const rule of spec.podFailurePolicy?.rules ?? [])
      if (rule.onExitCodes && !pod.containers.some((c) => c.name === rule.onExitCodes.containerName))
        wrong.push(`${called(d)}: looks at the exit code of ${rule.onExitCodes.containerName}, which it has not`);
    for (const c of containersOf(spec.template))
      for (const arg of [...(c.command ?? []), ...(c.args ?? [])])
        for (const [, name] of arg.matchAll(/\$\(([A-Z_]+)\)/g))
          if (!(c.env ?? []).some((e) => e.name === name)) wrong.push(`${called(d)}: ${c.name} knows no $(${name})`);
  }
  const score = documents.find((d) => d.kind === "Job" && d.metadata.name.startsWith("assay-score"));
  if (score && (score.spec.completionMode !== "Indexed" || !score.spec.backoffLimitPerIndex)) wrong.push(`${called(score)}: is not indexed`);
  return wrong;
}
