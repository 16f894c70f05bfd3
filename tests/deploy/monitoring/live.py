"""The whole chain, alive: the service under load, Prometheus with the real rules, Alertmanager with the real routes, and whoever
is called. Real files go through `shorter` and `to_hooks`, which change times and receivers and nothing else."""

import contextlib
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

from harness.bank import FILES, Run
from harness.process import free_port

# Windows and waits of the real rules are minutes and days; here they are seconds, in the same order.
RANGES = {"5m": "8s", "15m": "10s", "30m": "10s", "1h": "12s", "2h": "14s", "6h": "14s", "1d": "16s", "3d": "16s", "7d": "18s"}
WAITS = {"1m": "1s", "2m": "1s"}  # every other: 4s


def shorter(text):
    text = re.sub(r"\[(\w+)\]", lambda m: f"[{RANGES[m[1]]}]", text)
    text = re.sub(r"\boffset \w+", "offset 4s", text)
    text = re.sub(r"\n( +)for: (\w+)", lambda m: f"\n{m[1]}for: {WAITS.get(m[2], '4s')}", text)
    return re.sub(r"\n( +)interval: \w+", r"\n\1interval: 1s", text)


def to_hooks(config, address, templates):
    """Routes and inhibitions stay; every receiver becomes a web hook with its name as the path."""
    config = json.loads(json.dumps(config))
    names = [r["name"] for r in config["receivers"]]
    config["receivers"] = [
        {"name": n, "webhook_configs": [{"url": f"http://{address}/{n}", "send_resolved": True}]} for n in names
    ]
    config["templates"] = [templates]

    def hurry(route):
        route.update(group_wait="0s" if route.get("group_wait") == "0s" else "1s", group_interval="1s")
        for child in route.get("routes", []):
            hurry(child)

    hurry(config["route"])
    return config


def start_bank(assay, folder):
    """[processes] that make a bank and two bundles: folder/one, folder/two."""
    subprocess.run([assay, "synth", "--customers", "400", "--seed", "5", "--out", f"{folder}/data", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    files = [part for option, name in FILES.items() for part in (option, f"{folder}/data/{name}")]
    little = "--trials 1 --repeats 1 --folds 3 --shuffles 2 --stability 0 --ablation none --quiet".split()
    return [
        subprocess.Popen([assay, "run", *files, *little, "--seed", seed, "--out", f"{folder}/{name}"], stdout=subprocess.DEVNULL)
        for name, seed in (("one", "1"), ("two", "2"))
    ]


class Hook:
    """Whoever is called: keeps what Alertmanager posts."""

    def __init__(self):
        self.heard, lock = [], threading.Lock()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    hook.heard += [(self.path[1:], a["labels"], a["status"], a["annotations"]) for a in said["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def got(self, name, status):
        return [h for h in list(self.heard) if h[1]["alertname"] == name and h[2] == status]


class Textfile:
    """What node_exporter's textfile collector does, with monitor.prom; and the samples of outside.yaml."""

    def __init__(self, path, outside):
        began = time.time()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/outside":
                    lines = []
                    for name, metric in outside.items():
                        for sample in metric.get("samples", [metric["sample"]] if "sample" in metric else []):
                            lines.append(name + sample.replace("{seconds}", f"{time.time() - began:.3f}"))
                    body = "\n".join(lines) + "\n"
                else:
                    with open(path, encoding="utf-8") as f:
                        body = f.read()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Chain:
    def __init__(self, files, folder, assay_serve, repository):
        self.files, self.folder, self.serve, self.repository = files, folder, assay_serve, repository
        self.processes = []
        self.stop_load = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop_load.set()
        for p in self.processes:
            if p.poll() is None:
                p.terminate()
        for p in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                p.wait(10)
            if p.poll() is None:
                p.kill()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def spawn(self, name, command):
        log = open(self.path(name + ".log"), "ab")
        p = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(p)
        return p

    # ---- its parts ----

    def monitor(self):
        """monitor.prom of a log of 200 days, with labels, verdicts and groups, in which something has drifted."""
        log = self.path("log")
        tool = os.path.join(self.repository, "tests", "tools", "prediction_log.py")
        subprocess.run(["python3", tool, self.path("one"), log, "--copies", "8", "--days", "200", "--shift", "outflow", "--worse"], check=True)
        given = [x for name in ("labels.csv", "feedback.ndjson", "groups.csv") for x in ("--" + name.split(".")[0], f"{log}/{name}")]
        subprocess.run(
            [self.serve, "monitor", "--bundle", self.path("one", "bundle"), "--predictions", f"{log}/predictions.ndjson", *given]
            + ["--window", "30d", "--floor", "0.8", "--out", self.path("monitor"), "--quiet"],
            check=True, stdout=subprocess.DEVNULL,
        )

    def start_service(self):
        config = {
            "bundle": self.path("one", "bundle"),
            "challenger": {"bundle": self.path("two", "bundle"), "weight": 0},
            "listen": f"127.0.0.1:{self.port}",
            "admin_listen": f"127.0.0.1:{self.admin}",
            "store": "sqlite:" + self.path("store.db"),
            "predictions": {"file": self.path("predictions.ndjson")},
            "log": {"level": "error"},
        }
        with open(self.path("serve.yaml"), "w", encoding="utf-8") as f:
            yaml.safe_dump(config, f)
        self.service = self.spawn("service", [self.serve, "serve", "--config", "serve.yaml"])
        self.wait(lambda: self.get(f"http://127.0.0.1:{self.port}/readyz"), 30, "the service is ready")

    def start(self):
        self.port, self.admin, self.prometheus, self.alertmanager = (free_port() for _ in range(4))
        self.start_service()
        self.hook = Hook()
        exporter = Textfile(self.path("monitor", "monitor.prom"), self.files.outside)
        base = self.files.base
        os.makedirs(self.path("rules"))
        for path in self.files.rule_files:
            with open(path, encoding="utf-8") as f, open(self.path("rules", os.path.basename(path)), "w", encoding="utf-8") as out:
                out.write(shorter(f.read()))
        with open(os.path.join(base, "prometheus", "prometheus.yml"), encoding="utf-8") as f:
            config = yaml.safe_load(f)
        targets = {"assay-serve": f"127.0.0.1:{self.admin}", "assay-monitor": exporter.address}
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{self.alertmanager}"]
        for job in config["scrape_configs"]:
            job["scrape_interval"] = "1s"
            job["static_configs"][0]["targets"] = [targets.pop(job["job_name"])]
        config["scrape_configs"].append({"job_name": "outside", "metrics_path": "/outside", "static_configs": [{"targets": [exporter.address]}]})
        with open(self.path("prometheus.yml"), "w", encoding="utf-8") as f:
            yaml.safe_dump(config, f)
        with open(self.path("alertmanager.yml"), "w", encoding="utf-8") as f:
            yaml.safe_dump(to_hooks(self.files.alertmanager, self.hook.address, os.path.join(base, "alertmanager", "templates", "*.tmpl")), f)
        self.spawn("alertmanager", ["prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=am", "--cluster.listen-address=",
                                    f"--web.listen-address=127.0.0.1:{self.alertmanager}", "--log.level=warn"])
        self.spawn("prometheus", ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", "--log.level=warn",
                                  f"--web.listen-address=127.0.0.1:{self.prometheus}"])
        self.wait(lambda: self.get(f"http://127.0.0.1:{self.prometheus}/-/ready"), 30, "Prometheus is ready")
        self.wait(lambda: self.get(f"http://127.0.0.1:{self.alertmanager}/-/ready"), 30, "Alertmanager is ready")
        threading.Thread(target=self.load, daemon=True).start()

    # ---- load ----

    def ask(self, path, body, kind="application/json"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()
        except OSError:
            return 0, b""  # killed, and not there again

    def load(self):
        """Scores, batches, verdicts, and what makes no sense, some thirty a second, until told to stop."""
        requests = [json.dumps(q).encode() for q, _ in Run(self.path("one")).requests()]
        at = 0
        while not self.stop_load.wait(0.03):
            at += 1
            status, body = self.ask("/v1/score", requests[at % len(requests)])
            if status == 200 and at % 2:
                d = json.loads(body)
                verdict = {"decision_id": d["decision_id"], "verdict": "agree"}
                if at % 5 == 0:
                    verdict.update(verdict="overrule", action="MONITOR" if d["action"] == "RETAIN" else "RETAIN")
                self.ask("/v1/feedback", json.dumps(verdict).encode())
            if at % 20 == 0:
                self.ask("/v1/score", b'{"customer_id": 7, "colour": "red"')
                self.ask("/v1/score:batch", b"\n".join(requests[:5]) + b'\n{"no json\n', "application/x-ndjson")

    # ---- what it says ----

    def get(self, url):
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return reply.read().decode()
        except OSError:
            return None

    def metrics(self):
        return self.get(f"http://127.0.0.1:{self.admin}/metrics")

    def query(self, expression):
        """The series; None where Prometheus refuses the expression."""
        said = self.get(f"http://127.0.0.1:{self.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        return None if said is None else json.loads(said)["data"]["result"]

    def rules(self):
        groups = json.loads(self.get(f"http://127.0.0.1:{self.prometheus}/api/v1/rules"))["data"]["groups"]
        return [r for g in groups for r in g["rules"]]

    @staticmethod
    def wait(condition, seconds, what):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            said = condition()
            if said:
                return said
            time.sleep(0.2)
        raise AssertionError(f"after {seconds} s still not: {what}")

    def missing(self, expressions, seconds=40):
        """[(where, expression)] that return no series within the time."""
        until = time.monotonic() + seconds
        left = list(expressions)
        while left and time.monotonic() < until:
            left = [(w, e) for w, e in left if not self.query(e)]
            if left:
                time.sleep(1)
        return left

    # ---- faults ----

    def break_bundle(self):
        path = self.path("one", "bundle", "model.json")
        with open(path, "rb") as f:
            whole = f.read()
        with open(path, "wb") as f:
            f.write(whole.replace(b"1", b"2", 1))
        self.service.send_signal(signal.SIGHUP)
        return lambda: open(path, "wb").write(whole)
