"""check.py - what deploy/monitoring promises: one line a claim. See check."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
repository = os.path.abspath(os.path.join(here, "..", "..", ".."))
sys.path.insert(0, os.path.join(repository, "tests", "service"))

from files import Files, selectors  # noqa: E402
from live import Chain, shorter, start_bank  # noqa: E402

OWNERS, SEVERITIES = {"platform", "risk", "compliance"}, {"page", "ticket", "info"}
failures = 0


def claim(what, faults):
    """faults: what speaks against it; nothing is good."""
    global failures
    faults = list(faults)
    failures += bool(faults)
    print(f"ok {what}" if not faults else f"FAILED {what}: " + "; ".join(str(f) for f in faults[:8]), flush=True)


def tool(*command, cwd=None):
    """[] when it ends with 0, else its last lines."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return [] if done.returncode == 0 else [" / ".join(line.strip() for line in lines[-6:]) or f"{command[0]} ended with {done.returncode}"]


# ---- files: each takes a root, so that a copy with a mistake can be judged too ----


def rules_parse(root):
    return tool("promtool", "check", "rules", *Files(root).rule_files)


def rules_tested(root):
    faults = []
    for path in sorted(glob.glob(os.path.join(root, "deploy/monitoring/prometheus/tests/*.yaml"))):
        faults += tool("promtool", "test", "rules", path)
    return faults


def every_alert_is_tested(root):
    """Once that it fires, once that it does not."""
    import yaml

    fires, quiet = set(), set()
    for path in glob.glob(os.path.join(root, "deploy/monitoring/prometheus/tests/*.yaml")):
        with open(path, encoding="utf-8") as f:
            for test in yaml.safe_load(f)["tests"]:
                for one in test["alert_rule_test"]:
                    (fires if one["exp_alerts"] else quiet).add(one["alertname"])
    return [f"{a['alert']} is not tested to {what}" for a in Files(root).alerts
            for what, names in (("fire", fires), ("stay quiet", quiet)) if a["alert"] not in names]  # fmt: skip


def labels_are_known(root):
    for a in Files(root).alerts:
        labels, notes = a.get("labels", {}), a.get("annotations", {})
        if labels.get("owner") not in OWNERS or labels.get("severity") not in SEVERITIES or set(labels) != {"owner", "severity"}:
            yield f"{a['alert']} has labels {labels}"
        if set(notes) != {"summary", "description", "runbook_url"}:
            yield f"{a['alert']} has annotations {sorted(notes)}"
        if not a["alert"].startswith("Assay"):
            yield f"{a['alert']} does not begin with Assay"


def runbooks_match(root):
    alerts = {a["alert"]: a for a in Files(root).alerts}
    pages = {os.path.basename(p)[:-3] for p in glob.glob(os.path.join(root, "docs/runbooks/Assay*.md"))}
    with open(os.path.join(root, "docs/runbooks/README.md"), encoding="utf-8") as f:
        index = set(re.findall(r"\]\((Assay\w+)\.md\)", f.read()))
    for name, a in alerts.items():
        if a.get("annotations", {}).get("runbook_url") != f"docs/runbooks/{name}.md":
            yield f"{name} points at another runbook"
    yield from (f"{n} has no runbook" for n in alerts.keys() - pages)
    yield from (f"runbook {n} has no alert" for n in pages - alerts.keys())
    yield from (f"{n} is not in the index, or not an alert" for n in index ^ alerts.keys())
    for name in pages & alerts.keys():
        with open(os.path.join(root, f"docs/runbooks/{name}.md"), encoding="utf-8") as f:
            text = f.read()
        severity, owner = alerts[name]["labels"].get("severity"), alerts[name]["labels"].get("owner")
        if f"Severity {severity}, owner {owner};" not in text:
            yield f"runbook {name} names another severity or owner"
        for part in ("What it means.", "First look.", "What to do.", "Who decides."):
            if f"**{part}**" not in text:
                yield f"runbook {name} lacks `{part}`"
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if not link.startswith("http") and not os.path.exists(os.path.join(root, "docs/runbooks", link)):
                yield f"runbook {name} points at {link}, which is not there"


def commands_exist(root):
    """What a runbook tells people to run of assay's own is there, and so is every metric that it asks for."""
    allowed = {"promtool", "kubectl", "curl", "gcloud", "amtool", "assay", "assay-serve"}
    helps = subprocess.run([os.path.join(repository, "build/release/assay"), "--help"], capture_output=True, text=True).stdout
    known = set(re.findall(r"^  ([a-z]+) {2,}", helps, re.M))
    for path in glob.glob(os.path.join(root, "docs/runbooks/Assay*.md")):
        with open(path, encoding="utf-8") as f:
            blocks = re.findall(r"```\n(.*?)```", f.read(), re.S)
        for line in "".join(blocks).splitlines():
            words = line.split()
            if words[0] not in allowed:
                yield f"{os.path.basename(path)}: {words[0]}"
            elif words[0] in ("assay", "assay-serve") and words[1] not in known:
                yield f"{os.path.basename(path)}: {words[0]} {words[1]}"
    manifests = "".join(open(p, encoding="utf-8").read() for folder in ("kubernetes", "bigquery")
                        for p in glob.glob(os.path.join(repository, "deploy", folder, "**/*.yaml"), recursive=True))
    for path in glob.glob(os.path.join(root, "docs/runbooks/*.md")):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        yield from (f"{os.path.basename(path)}: there is no {place}" for place in re.findall(r"\b(deploy/[\w/.-]*\w)", text) if not os.path.exists(os.path.join(repository, place)))
        yield from (f"{os.path.basename(path)}: there is no CronJob {name}" for name in re.findall(r"cronjob/([\w-]+)", text)
                    if not re.search(rf"kind: CronJob\nmetadata:\n  name: {name}\n", manifests))


def runbook_expressions(root):
    out = []
    for path in glob.glob(os.path.join(root, "docs/runbooks/Assay*.md")):
        with open(path, encoding="utf-8") as f:
            out += [(os.path.basename(path), e) for e in re.findall(r"promtool query instant \"\$PROMETHEUS\" '(.*)'", f.read())]
    return out


def alertmanager_valid(root):
    return tool("amtool", "check-config", *sorted(glob.glob(os.path.join(root, "deploy/monitoring/alertmanager/*.yml"))))


def template_renders(root):
    data = '{{ template "assay.title" . }} {{ template "assay.text" . }}'
    return tool("amtool", "template", "render", "--template.glob=" + os.path.join(root, "deploy/monitoring/alertmanager/templates/*.tmpl"), "--template.text=" + data)


def routes_right(root):
    """Where an alert of each owner and severity that there is goes."""
    config = os.path.join(root, "deploy/monitoring/alertmanager/alertmanager.yml")
    for owner, severity, name in sorted({(a["labels"].get("owner"), a["labels"].get("severity"), a["alert"]) for a in Files(root).alerts}):
        want = "watchdog" if name == "AssayWatchdog" else "channel" if severity == "info" else f"{owner}-{severity}"
        done = subprocess.run(["amtool", "config", "routes", "test", "--config.file=" + config, f"alertname={name}", f"owner={owner}", f"severity={severity}"],
                              capture_output=True, text=True)  # fmt: skip
        if done.stdout.strip() != want:
            yield f"{name} goes to {done.stdout.strip() or done.stderr.strip()}, not {want}"


def inhibited_exist(root):
    files = Files(root)
    names = {a["alert"] for a in files.alerts}
    for rule in files.alertmanager["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            label, value = re.fullmatch(r'(\w+) =~? "?([^"]*)"?', matcher).groups()
            if label == "alertname":
                yield from (f"no alert is called {part}" for part in value.split("|") if not any(re.fullmatch(part, n) for n in names))


def monitor_codes_heard(root):
    """Every alert of `assay monitor` raises one here, and none is asked for that it has not."""
    with open(os.path.join(repository, "src/monitor/alerts.c"), encoding="utf-8") as f:
        source = f.read()
    codes = set(re.findall(r'"((?:drift_|fairness_)\w+|[a-z]+(?:_[a-z]+)+|precision|calibration|overturned|repeated)"', source))
    asked = set()
    for a in Files(root).alerts:
        for name, matchers in selectors(a["expr"]):
            if name == "assay_monitor_alert":
                asked |= set(re.search(r'alert=~?"([^"]*)"', matchers)[1].split("|"))
    yield from (f"{c} raises no alert" for c in sorted(codes - asked))
    yield from (f"{c} is no alert of assay monitor" for c in sorted(asked - codes))


def prices_agree(root):
    """What a pod's hour costs stands in bench/scale/assumptions.json; the rules say the same, and of the same region."""
    with open(os.path.join(root, "bench/scale/assumptions.json"), encoding="utf-8") as f:
        prices = json.load(f)["prices"]
    rules = {r["record"]: r["expr"] for r in Files(root).rules if "record" in r}
    for record, name in (("assay:cost_per_cpu_hour:dollars", "vcpu_hour"), ("assay:cost_per_gibibyte_hour:dollars", "gib_hour")):
        said = re.fullmatch(r"vector\(([0-9.]+) \* ([0-9.]+)\)", rules.get(record, "").strip())
        want = (prices[name]["value"], prices["region_factor"])
        if not said or (float(said[1]), float(said[2])) != want:
            yield f"{record} is {rules.get(record)}, and bench/scale/assumptions.json has {want[0]} * {want[1]}"
    with open(os.path.join(root, "deploy/monitoring/prometheus/rules/cluster.yaml"), encoding="utf-8") as f:
        if f"* {prices['hours_a_month']} > 500" not in f.read():
            yield f"AssayCostHigh takes another month than one of {prices['hours_a_month']} hours"


def dashboards_typed(root):
    return tool("node", os.path.join(here, "dashboards.mjs"), os.path.join(root, "deploy/monitoring/grafana/dashboards"))


def prometheus_config_valid(root):
    return tool("promtool", "check", "config", os.path.join(root, "deploy/monitoring/prometheus/prometheus.yml"))


def metrics_exist(root, shown):
    """shown: names that the programs show. Each metric that a file asks for is one of them, recorded, or from outside."""
    files = Files(root)
    known = shown | set(files.recorded) | set(files.outside) | {"ALERTS"}
    for where, expression in files.expressions() + runbook_expressions(root):
        for name, _ in selectors(expression):
            if name not in known:
                yield f"{where} asks for {name}"


STATIC = [
    ("promtool finds no fault in the rules", rules_parse),
    ("promtool finds no fault in prometheus.yml", prometheus_config_valid),
    ("alerts fire and stay quiet as their tests say", rules_tested),
    ("every alert is tested to fire and to stay quiet", every_alert_is_tested),
    ("every alert has owner, severity, summary, description and runbook", labels_are_known),
    ("every alert has a runbook with all parts, and every runbook an alert", runbooks_match),
    ("commands of runbooks exist", commands_exist),
    ("amtool finds no fault in Alertmanager's files", alertmanager_valid),
    ("messages can be made from their template", template_renders),
    ("every alert goes to its owner, as loudly as its severity", routes_right),
    ("alerts that silence or are silenced exist", inhibited_exist),
    ("every alert of assay monitor raises one here", monitor_codes_heard),
    ("dashboards are what Grafana's types say", dashboards_typed),
    ("rules and capacity plan know the same prices", prices_agree),
]


# ---- planted mistakes ----

MON = "deploy/monitoring/"
PLANTS = [
    ("a dashboard asks for a metric that nobody has", MON + "grafana/dashboards/service.json", "assay_store_up", "assay_store_alive", metrics_exist),
    ("a rule asks for a metric that nobody has", MON + "prometheus/rules/service.yaml", "assay_events_waiting", "assay_events_pending", metrics_exist),
    ("a dashboard's field is misspelt", MON + "grafana/dashboards/model.json", '"gridPos"', '"gridPosition"', dashboards_typed),
    ("a panel has an option that there is not", MON + "grafana/dashboards/model.json", '"displayMode": "basic"', '"displayMode": "loud"', dashboards_typed),
    ("an expression is broken", MON + "prometheus/rules/model.yaml", "> 180 * 86400", "> 180 * ) 86400", rules_parse),
    ("a threshold is in milliseconds", MON + "prometheus/rules/service.yaml", '"/v1/score"} > 0.3', '"/v1/score"} > 300', rules_tested),
    ("a threshold is in percent", MON + "prometheus/rules/promises.yaml", "ratio_rate1h > 14.4 * 0.001", "ratio_rate1h > 14.4 * 0.1", rules_tested),
    ("a window is left out", MON + "prometheus/rules/promises.yaml", " and job:assay_scores_slow:ratio_rate5m > 14.4 * 0.01", "", rules_tested),
    ("a comparison is the wrong way round", MON + "prometheus/rules/people.yaml", "ratio_7d > 0.2", "ratio_7d < 0.2", rules_tested),
    ("an alert has no owner", MON + "prometheus/rules/data.yaml", "{severity: ticket, owner: risk}", "{severity: ticket}", labels_are_known),
    ("an alert has a severity of its own", MON + "prometheus/rules/data.yaml", "{severity: ticket, owner: risk}", "{severity: critical, owner: risk}", labels_are_known),
    ("a runbook is missing", "docs/runbooks/AssayStoreDown.md", None, None, runbooks_match),
    ("a runbook is of an alert that is gone", MON + "prometheus/rules/service.yaml", "alert: AssayStoreDown", "alert: AssayStoreLost", runbooks_match),
    ("a route asks for a label that no alert has", MON + "alertmanager/alertmanager.yml", "[owner = risk, severity = page]", "[team = risk, severity = page]", routes_right),
    ("a route asks for a severity that there is not", MON + "alertmanager/alertmanager.yml", "[owner = platform, severity = page]", "[owner = platform, severity = critical]", routes_right),
    ("a receiver is not there", MON + "alertmanager/alertmanager.yml", "receiver: risk-page", "receiver: risk-pager", alertmanager_valid),
    ("an inhibition names an alert that is gone", MON + "alertmanager/alertmanager.yml", "AssayInstanceDown|", "AssayInstanceLost|", inhibited_exist),
    ("an alert of assay monitor is forgotten", MON + "prometheus/rules/people.yaml", "fairness_action|fairness_false", "fairness_action", monitor_codes_heard),
    ("an alert loses its test", MON + "prometheus/tests/cluster.yaml", "alertname: AssayCpuHigh", "alertname: AssayCpuThrottled", every_alert_is_tested),
    ("a price is changed in one place", MON + "prometheus/rules/cluster.yaml", "0.0445", "0.0455", prices_agree),
    ("a runbook starts a CronJob that there is not", "docs/runbooks/AssayOutcomesStale.md", "cronjob/assay-outcomes", "cronjob/assay-outcome", commands_exist),
    ("a runbook calls a program of deploy/ that there is not", "docs/runbooks/README.md", "deploy/pipelines/rollback", "deploy/pipelines/roll-back", commands_exist),
    ("a runbook calls a command that there is not", "docs/runbooks/AssayReloadFailed.md", "assay-serve verify", "assay-serve inspect", commands_exist),
]  # fmt: skip


def plant(shown):
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        for what, path, old, new, judge in PLANTS:
            root = os.path.join(folder, "root")
            for part in ("deploy/monitoring", "docs", "bench/scale"):
                shutil.copytree(os.path.join(repository, part), os.path.join(root, part))
            target = os.path.join(root, path)
            if old is None:
                os.remove(target)
            else:
                with open(target, encoding="utf-8") as f:
                    text = f.read()
                if old not in text:
                    claim(f"a planted mistake is caught: {what}", [f"nothing to plant in {path}"])
                    shutil.rmtree(root)
                    continue
                with open(target, "w", encoding="utf-8") as f:
                    f.write(text.replace(old, new, 1))
            if judge is rules_tested:  # the one file that tests it
                name = os.path.basename(path)
                found = tool("promtool", "test", "rules", os.path.join(root, MON, "prometheus/tests", name))
            else:
                found = list(judge(root, shown) if judge is metrics_exist else judge(root))
            claim(f"a planted mistake is caught: {what}", [] if found else ["it was not"])
            shutil.rmtree(root)


# ---- the chain, alive ----


def names_in(text):
    return set(re.findall(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{| )", text, re.M))


def described(text):
    """Families that are told of though they have no sample yet."""
    out = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)", text, re.M):
        out |= {name + s for s in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return out


def panels(files):
    return [(w, e.replace("$__rate_interval", "8s")) for w, e in files.panel_expressions()]


def live(files, folder, bank):
    for run in bank:
        if run.wait(300) != 0:
            claim("a made-up bank is learnt from", [f"assay run ended with {run.returncode}"])
            return set()
    began = time.monotonic()
    with Chain(files, folder, os.path.join(repository, "build/release/assay-serve"), repository) as chain:
        chain.monitor()
        chain.start()
        with open(chain.path("monitor", "monitor.prom"), encoding="utf-8") as f:
            monitor = f.read()
        ready = time.monotonic()
        chain.wait(lambda: chain.query('count(up == 1) == 3'), 60, "all targets are scraped")
        claim("the service, its monitor and the samples are scraped", [])
        recorded = chain.missing([(r, r) for r in files.recorded])
        claim(f"every recording rule of {len(files.recorded)} returns a series", recorded)
        asked = [(w, shorter(e)) for w, e in panels(files)]
        claim(f"every expression of {len(files.dashboards)} dashboards ({len(asked)}) returns a series", chain.missing(asked))
        planted = [("a wrong label value", 'sum(rate(assay_decisions_total{role="champoin"}[8s]))'), ("a wrong route", 'assay_requests_total{route="/v1/scores"}'),
                   ("a broken expression", "sum(rate(assay_decisions_total[8s])")]  # fmt: skip
        claim("planted mistakes are caught: a wrong label value, a wrong route, a broken expression", set(planted) - set(chain.missing(planted, 2)))
        faults = [f"{r['name']}: {r.get('lastError')}" for r in chain.rules() if r["health"] != "ok"]
        claim("Prometheus evaluates every rule without a complaint", faults)
        refused = [(w, e) for w, e in runbook_expressions(repository) if chain.query(e) is None]
        claim("Prometheus understands what runbooks ask", refused)
        # What alerts select is there; codes of assay monitor and 5xx come only with trouble.
        selected = [(a["alert"], n + m) for a in files.alerts for n, m in selectors(a["expr"]) if n != "assay_monitor_alert"]
        claim(f"all that alerts select is there ({len(set(selected))})", chain.missing(set(selected), 20))
        shown = names_in(chain.metrics()) | described(chain.metrics()) | names_in(monitor)
        claim("every metric that rules, dashboards and runbooks name exists", metrics_exist(repository, shown))
        chain.wait(lambda: chain.hook.got("AssayWatchdog", "firing"), 30, "the watchdog is heard")
        claim("the watchdog is heard", [])

        broken = time.monotonic()
        mend = chain.break_bundle()
        chain.wait(lambda: chain.hook.got("AssayReloadFailed", "firing"), 60, "AssayReloadFailed is delivered")
        claim(f"a broken bundle is refused, and the ticket arrives (after {time.monotonic() - broken:.0f} s)", [])
        mend()
        chain.wait(lambda: chain.hook.got("AssayReloadFailed", "resolved"), 60, "AssayReloadFailed is over")
        claim("the ticket is closed when it is mended", [])

        killed = time.monotonic()
        chain.service.kill()
        chain.service.wait()
        chain.wait(lambda: chain.hook.got("AssayAbsent", "firing"), 60, "AssayAbsent is delivered")
        claim(f"the service is killed, and the page arrives (after {time.monotonic() - killed:.0f} s)", [])
        chain.wait(lambda: [r for r in chain.rules() if r["name"] == "AssayInstanceDown" and r["state"] == "firing"], 60, "AssayInstanceDown fires")
        time.sleep(3)
        claim("what follows from it is silenced", [h for h in chain.hook.got("AssayInstanceDown", "firing")])
        chain.start_service()
        chain.wait(lambda: chain.hook.got("AssayAbsent", "resolved"), 60, "AssayAbsent is over")
        claim("the page is over when it is back", [])

        wrong, texts = set(), set()
        for receiver, labels, _, notes in chain.hook.heard:
            name = labels["alertname"]
            want = "watchdog" if name == "AssayWatchdog" else "channel" if labels["severity"] == "info" else f"{labels['owner']}-{labels['severity']}"
            if receiver != want:
                wrong.add(f"{name} came to {receiver}")
            if "error" in notes["description"] or "no value" in notes["description"]:
                texts.add(f"{name}: {notes['description']}")
        heard = sorted({h[1]["alertname"] for h in chain.hook.heard})
        claim(f"all that arrived came to its owner ({', '.join(heard)})", wrong)
        claim("what arrived reads well", texts)
        print(f"   live chain: {ready - began:.0f} s to start, {time.monotonic() - ready:.0f} s alive")
        return shown


def main():
    missing = [t for t in ("promtool", "prometheus", "prometheus-alertmanager", "amtool", "node") if not shutil.which(t)]
    if missing:
        print(f"FAILED the tools are here: {', '.join(missing)} missing; run script/bootstrap --deploy")
        return 1
    with tempfile.TemporaryDirectory(prefix="monitoring-") as folder:
        bank = start_bank(os.path.join(repository, "build/release/assay"), folder)
        for what, judge in STATIC:
            claim(what, judge(repository))
        try:
            shown = live(Files(repository), folder, bank)
        except AssertionError as e:
            shown = set()
            claim("the chain is alive", [e])
            for log in glob.glob(os.path.join(folder, "*.log")):
                with open(log, encoding="utf-8", errors="replace") as f:
                    print(f"   {os.path.basename(log)}: " + " | ".join(f.read().splitlines()[-5:]))
        finally:
            for run in bank:
                if run.poll() is None:
                    run.kill()
    if shown:
        plant(shown)
    return 1 if failures else 0


sys.exit(main())
