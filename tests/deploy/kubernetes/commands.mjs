// The commands of Jobs and CronJobs, with the arguments that stand in the manifests, on files of this machine where a
// bucket is mounted: do they do what the manifests say of them?
//
//   commands.mjs FOLDER
//
// FOLDER has bank/ (assay synth), bundle/ and run/ (a run folder of the same bundle over bank's unlabelled customers).
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { podOf, render, top } from "./documents.mjs";

const folder = process.argv[2];
const programs = { "assay-serve": join(top, "build/release/assay-serve"), assay: join(top, "build/release/assay") };
const overlay = (name) => render(join(top, "deploy/kubernetes/overlays", name));
let failed = 0;
function claim(holds, words, why = "") {
  console.log(`${holds ? "ok" : "FAILED"} ${words}${holds || !why ? "" : `: ${why}`}`);
  if (!holds) failed++;
}
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// As kubelet would: $(NAME) of the environment, and paths of mounts to folders here.
function run(document, variables, mounts) {
  const container = podOf(document).spec.containers[0];
  const args = container.args.map((arg) => Object.entries(mounts).reduce(
    (text, [path, here]) => text.replaceAll(`=${path}`, `=${here}`),
    arg.replace(/\$\(([A-Z_]+)\)/g, (whole, name) => variables[name] ?? whole)));
  return spawnSync(programs[container.image], args, { encoding: "utf8", maxBuffer: 64 << 20 });
}

// Of a run folder's log: each decision, without its rank and its place in a chain.
const decisions = (run) => rows(join(run, "decisions.jsonl"))
  .map((line) => line.slice(line.indexOf('"decision_id":'), line.lastIndexOf(',"previous":'))).sort();
const rows = (path) => readFileSync(path, "utf8").trimEnd().split("\n");

function sharded() {
  const job = overlay("prod-score").find((d) => d.kind === "Job");
  const batches = join(folder, "batches"), shards = 3;
  for (let n = 0; n < shards; n++) mkdirSync(join(batches, "2026-11/in", String(n)), { recursive: true });
  for (const [from, to] of [["unlabelled_users.csv", "customers-0.csv"], ["unlabelled_transactions.csv", "transactions-0.csv"]]) {
    const [head, ...lines] = rows(join(folder, "bank", from));
    const column = head.split(",").indexOf("user_id");
    for (let n = 0; n < shards; n++)
      writeFileSync(join(batches, "2026-11/in", String(n), to), [head, ...lines.filter((line) =>
        createHash("sha256").update(line.split(",")[column]).digest()[0] % shards === n)].join("\n") + "\n");
  }
  const as_of = "2024-08-27 23:59:59 UTC", parts = [];
  for (let n = 0; n < shards; n++) {
    const done = run(job, { BATCH: "2026-11", AS_OF: as_of, SHARD: String(n) }, { "/batches": batches, "/bundle": join(folder, "bundle") });
    if (done.status !== 0) return claim(false, "the Indexed Job's command scores a shard", done.stderr);
    parts.push(...decisions(join(batches, "2026-11/out", String(n))));
  }
  const whole = join(folder, "whole");
  execFileSync(programs.assay, ["score", "--bundle", join(folder, "bundle"), "--customers", join(folder, "bank/unlabelled_users.csv"),
    "--transactions", join(folder, "bank/unlabelled_transactions.csv"), "--as-of", as_of, "--out", whole, "--quiet"], { stdio: "pipe" });
  const expected = decisions(whole);
  claim(expected.length > 100 && parts.sort().join() === expected.sort().join(),
    `${shards} shards of the Indexed Job decide as one run over all ${expected.length} customers does, to the byte of every decision`);
  const again = run(job, { BATCH: "nowhere", AS_OF: as_of, SHARD: "0" }, { "/batches": batches, "/bundle": join(folder, "bundle") });
  const exits = job.spec.podFailurePolicy.rules[0].onExitCodes.values;
  claim(again.status !== 0, `a shard without input fails (exit code ${again.status}${exits.includes(again.status) ? ", not tried again" : ""})`, again.stderr);
}

async function monitored() {
  const logs = join(folder, "log"), runs = join(folder, "runs");
  mkdirSync(logs, { recursive: true });
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  writeFileSync(join(folder, "serve.yaml"), `bundle: ${join(folder, "bundle")}\nlisten: 127.0.0.1:${port}\npredictions: {file: ${logs}/predictions.ndjson}\n`);
  const service = spawn(programs["assay-serve"], ["serve", "--config", join(folder, "serve.yaml"), "--quiet"], { stdio: "ignore" });
  const ended = new Promise((resolve) => service.on("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  for (let n = 0; n < 100 && !(await fetch(`${url}/readyz`).catch(() => undefined))?.ok; n++) await sleep(100);
  const requests = JSON.parse(execFileSync("python3", ["-c", `
import json, sys
sys.path.insert(0, ${JSON.stringify(join(top, "tests/service"))})
from harness.bank import Run
print(json.dumps([request for request, _ in Run(sys.argv[1]).requests()]))`, join(folder, "run")], { encoding: "utf8", maxBuffer: 64 << 20 }));
  const reply = await fetch(`${url}/v1/score:batch`, { method: "POST", headers: { "Content-Type": "application/x-ndjson" },
    body: requests.map((r) => JSON.stringify(r)).join("\n") });
  await reply.text();
  service.kill("SIGTERM");
  await ended;
  const text = readFileSync(join(logs, "predictions.ndjson"), "utf8");
  const lines = text.trimEnd().split("\n");
  claim(lines.length === requests.length, `the service's prediction log has a line for each of ${requests.length} decisions`);
  // As Vector lays it down: objects of whole lines, packed, in folders by day.
  const half = Math.floor(lines.length / 2);
  const day = (back) => new Date(Date.now() - back * 86400e3).toISOString().slice(0, 10);
  [[`${day(1)}/pod-a-1`, lines.slice(0, half)], [`${day(0)}/pod-b-1`, lines.slice(half)], [`${day(9)}/pod-c-1`, ["older: no log"]]].forEach(([name, part]) => {
    mkdirSync(join(runs, "predictions", `date=${name.split("/")[0]}`), { recursive: true });
    writeFileSync(join(runs, "predictions", `date=${name}.ndjson.gz`), gzipSync(`${part.join("\n")}\n`));
  });
  const documents = overlay("prod");
  const cron = documents.find((d) => d.kind === "CronJob" && d.metadata.name === "assay-monitor");
  const links = podOf(cron).spec.initContainers.find((c) => c.name === "days").command, days = join(folder, "days");
  mkdirSync(days);
  const linked = spawnSync("sh", [...links.slice(2, -1), links.at(-1).replace('"/runs/', `"${runs}/`).replace('"/days/', `"${days}/`)], { encoding: "utf8" });
  claim(linked.status === 0 && existsSync(join(days, day(0), "pod-b-1.ndjson.gz")) && existsSync(join(days, day(1))) && !existsSync(join(days, day(9))),
    "assay-monitor looks at the logs of the last days, not at a year's", linked.stderr);
  const done = run(cron, {}, { "/runs": runs, "/days": days, "/bundle": join(folder, "bundle") });
  const out = join(runs, "monitor/drift");
  claim([0, 3].includes(done.status) && existsSync(join(out, "monitor.prom")) &&
    JSON.stringify(JSON.parse(readFileSync(join(out, "monitor.json"), "utf8"))).includes(String(lines.length)),
    `assay-monitor's command reads those logs and says what it found (exit code ${done.status})`, done.stderr);
  const exits = cron.spec.jobTemplate.spec.podFailurePolicy.rules[0];
  claim(exits.action === "FailJob" && exits.onExitCodes.values.includes(3), "an alert that asks for action (exit code 3) fails the Job and is not tried again");

  const outcomes = join(runs, "outcomes");
  mkdirSync(outcomes, { recursive: true });
  mkdirSync(join(folder, "auth"), { recursive: true });
  rmSync(join(runs, "predictions", `date=${day(9)}`), { recursive: true });
  writeFileSync(join(outcomes, "labels.csv"), "decision_id,label,known_at\n");
  writeFileSync(join(outcomes, "feedback.ndjson"), "");
  writeFileSync(join(outcomes, "groups.csv"), "customer_id,group\n");
  writeFileSync(join(folder, "auth/log-hash-key"), "0123456789abcdef0123456789abcdef");
  const second = run(documents.find((d) => d.kind === "CronJob" && d.metadata.name === "assay-outcomes"), {},
    { "/runs": runs, "/bundle": join(folder, "bundle"), "/etc/assay/auth": join(folder, "auth") });
  claim([0, 3].includes(second.status) && existsSync(join(runs, "monitor/outcomes/monitor.prom")),
    `assay-outcomes' command reads what is exported, also where nobody has judged yet (exit code ${second.status})`, second.stderr);

  const exporter = ["prometheus-node-exporter", "node_exporter"].find((name) => spawnSync(name, ["--version"]).status === 0);
  if (!exporter) {
    console.log("SKIPPED the exporter shows monitor.prom: no prometheus-node-exporter here (script/bootstrap --deploy)");
    return;
  }
  const container = podOf(documents.find((d) => d.metadata.name === "assay-monitor-exporter" && d.kind === "Deployment")).spec.containers
    .find((c) => c.name === "drift");
  const args = container.args.map((arg) => arg.replace("=/runs", `=${runs}`).replace(/=:\d+$/, `=127.0.0.1:${port}`));
  const shown = spawn(exporter, args, { stdio: "ignore" });
  let metrics = "";
  for (let n = 0; n < 50 && !metrics; n++) {
    await sleep(100);
    metrics = await fetch(`${url}/metrics`).then((r) => r.text()).catch(() => "");
  }
  shown.kill();
  claim(/^assay_monitor_until_timestamp_seconds /m.test(metrics) && /^node_textfile_scrape_error 0$/m.test(metrics),
    "the exporter shows monitor.prom to Prometheus", metrics.slice(0, 300));
}

// The script that fetches Google's keys, with a curl and a gcloud that do as they are told.
function keys() {
  const script = overlay("prod").find((d) => d.kind === "ConfigMap" && d.metadata.name.startsWith("assay-google-keys")).data["keys.sh"];
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "curl"), '#!/bin/sh\n[ -z "$DOWN" ] || exit 22\ncat "$REPLY"\n', { mode: 0o755 });
  writeFileSync(join(bin, "gcloud"), '#!/bin/sh\ncase "$*" in\n*access*) cat "$SECRET" ;;\n*add*) for a; do case $a in --data-file=*) cp "${a#*=}" "$SECRET" ;; esac; done; echo added ;;\nesac\n', { mode: 0o755 });
  writeFileSync(join(folder, "keys.sh"), script);
  const reply = join(folder, "reply.json"), secret = join(folder, "secret.json");
  const once = (text, down = "") => {
    writeFileSync(reply, text);
    return spawnSync("bash", [join(folder, "keys.sh")], { encoding: "utf8",
      env: { PATH: `${bin}:${process.env.PATH}`, PROJECT: "assay-prod", REPLY: reply, SECRET: secret, DOWN: down } });
  };
  const a = '{"kid":"a","kty":"RSA"}', b = '{"kid":"b","kty":"RSA"}';
  const first = once(`{"keys":[${b},${a}]}`), same = once(`{"keys":[${a},${b}]}`), next = once(`{"keys":[${a}]}`);
  const empty = once('{"keys":[]}'), broken = once("<html>"), down = once("", "yes");
  claim(/added/.test(first.stdout) && /unchanged/.test(same.stdout) && /added/.test(next.stdout) &&
    JSON.parse(readFileSync(secret, "utf8")).keys.length === 1, "keys.sh adds a version when Google's keys change, and only then",
  [first, same, next].map((r) => r.stdout + r.stderr).join(" | "));
  claim([empty, broken, down].every((r) => r.status !== 0 && !/added/.test(r.stdout)),
    "keys.sh keeps the old keys when the reply is empty, broken or missing");
}

// The scripts that fill BigQuery's tables, from their mounts as kubelet lays them out, with a bq and a gcloud that note what they are told
// and give what an export gave.
function tables() {
  const documents = overlay("prod"), bin = join(folder, "tables-bin"), told = join(folder, "tables-told");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "bq"), '#!/bin/sh\nprintf "bq %s\\n" "$*" >>"$TOLD"\ncase "$*" in *--format=csv*) echo feature,differ,customers; [ -z "$DIFFER" ] || echo "$DIFFER" ;; esac\n', { mode: 0o755 });
  writeFileSync(join(bin, "gcloud"), `#!/bin/sh
printf "gcloud %s\\n" "$*" >>"$TOLD"
case "$*" in
*" ls "*) echo '[{"generation":"1"}]' ;;
*"cat "*/labels-*) echo decision_id,customer_id,label,known_at ;;
*"cat "*/groups-*) echo customer_id,gender ;;
esac
`, { mode: 0o755 });
  const mounted = (name, leaveOut = "") => {
    const cron = documents.find((d) => d.kind === "CronJob" && d.metadata.name === `assay-tables-${name}`);
    const pod = podOf(cron).spec, volume = pod.volumes.find((v) => v.name === "scripts").configMap;
    const data = documents.find((d) => d.kind === "ConfigMap" && d.metadata.name === volume.name).data;
    const at = join(folder, `tables-${name}${leaveOut && "-without"}`);
    for (const { key, path } of volume.items.filter(({ path }) => path !== leaveOut)) {
      mkdirSync(join(at, path, ".."), { recursive: true });
      writeFileSync(join(at, path), data[key], { mode: volume.defaultMode });
    }
    return pod.containers[0].command[0].replace(pod.containers[0].volumeMounts.find((m) => m.name === "scripts").mountPath, at);
  };
  const once = (command, differ = "") => {
    writeFileSync(told, "");
    const done = spawnSync(command, [], { encoding: "utf8", env: { PATH: `${bin}:${process.env.PATH}`, PROJECT: "assay-prod", TOLD: told, DIFFER: differ } });
    return { ...done, told: readFileSync(told, "utf8") };
  };
  const daily = once(mounted("daily")), monthly = once(mounted("monthly")), differ = once(mounted("daily"), "age,3,40");
  claim(daily.status === 0 && /load .*assay\.predictions gs:\/\/assay-prod-assay-runs\/predictions\/date=/.test(daily.told) && /EXPORT DATA/.test(daily.told),
    "assay-tables-daily's command finds its files in its mount, loads the log and exports the events", daily.stderr);
  claim(monthly.status === 0 && /cp .*labels\.csv .*groups\.csv .*feedback\.ndjson gs:\/\/assay-prod-assay-runs\/outcomes\//.test(monthly.told),
    "assay-tables-monthly's command puts labels, groups and verdicts where assay-outcomes reads them", monthly.stderr);
  claim(differ.status === 1 && /compute these features differently/.test(differ.stderr), "assay-tables-daily fails where service and batch differ", differ.stderr);
  const without = [once(mounted("daily", "schemas/predictions.json")), once(mounted("monthly", "sql/groups.sql"))];
  claim(without.every((r) => r.status !== 0), "planted and caught: a script whose file is not mounted", without.map((r) => r.stdout).join(" | "));
  const minutes = (name) => { // since the month began
    const [minute, hour, day] = documents.find((d) => d.kind === "CronJob" && d.metadata.name === name).spec.schedule.split(" ");
    return ((Number(day) - 1) * 24 + Number(hour)) * 60 + Number(minute);
  };
  const limit = documents.find((d) => d.metadata.name === "assay-tables-monthly" && d.kind === "CronJob").spec.jobTemplate.spec.activeDeadlineSeconds / 60;
  claim(minutes("assay-tables-monthly") + limit <= minutes("assay-outcomes"), "assay-tables-monthly has ended, or been ended, when assay-outcomes begins");
}

sharded();
await monitored();
keys();
tables();
process.exit(failed === 0 ? 0 : 1);
