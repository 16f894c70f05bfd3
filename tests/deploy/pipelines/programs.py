"""The programs of deploy/pipelines, run against the real service, a real Prometheus and real models, good and planted bad.

What cannot be reached from here is stood in for by programs that write down what they were asked: gcloud, cosign, and
Google's metadata and APIs.
"""

import contextlib
import csv
import http.server
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from harness import ASSAY, PIPELINES, SERVE, claim, expect, failures, must, run
from releases import going_back, shadowed

FILES = ("labelled_users", "labelled_transactions", "unlabelled_users", "unlabelled_transactions")


# ---- banks and models ----


def bank(folder, customers, seed, *more):
    must(ASSAY, "synth", "--customers", customers, "--seed", seed, *more, "--out", folder, "--quiet")
    return folder


def changed(source, to, change):
    """A copy of a bank with every labelled customer's rows changed: change(rows)."""
    os.makedirs(to)
    for name in FILES:
        shutil.copy(os.path.join(source, name + ".csv"), to)
    for cohort in ("labelled", "unlabelled"):
        path = os.path.join(to, f"{cohort}_users.csv")
        with open(path, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        change(rows, cohort)
        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return to


def shuffled(rows, cohort):
    if cohort == "labelled":
        states = [row["user_current_state"] for row in rows]
        random.Random(1).shuffle(states)
        for row, state in zip(rows, states):
            row["user_current_state"] = state


def three(rows, cohort):
    """Three suspended customers alone are left."""
    if cohort == "labelled":
        kept = sorted({row["user_id"] for row in rows if row["user_current_state"] == "SUSPENDED"})[:3]
        rows[:] = [row for row in rows if row["user_current_state"] != "SUSPENDED" or row["user_id"] in kept]


def unfair(rows, cohort):
    """Most women are suspended, and what they say of why they came gives them away."""
    for row in rows:
        chance = random.Random(row["user_id"])
        woman = row["gender"] == "F"
        row["reason_to_use_app"] = "CRYPTO" if woman ^ (chance.random() < 0.05) else "DAILY_PAYMENTS"
        if cohort == "labelled" and woman and chance.random() < 0.5:
            row["user_current_state"] = "SUSPENDED"


def learn(data, out):
    """The exit code of assay run, as quick as it goes."""
    files = [f"{option}={os.path.join(data, name)}.csv" for option, name in zip(("--customers", "--transactions", "--score-customers", "--score-transactions"), FILES)]
    quick = ["--trials", "1", "--repeats", "1", "--folds", "3", "--shuffles", "2", "--stability", "0", "--ablation", "none"]
    return subprocess.run([ASSAY, "run", *files, *quick, "--quiet", "--out", out], capture_output=True).returncode


def judge(bundle, data, out):
    must(ASSAY, "evaluate", "--bundle", bundle, "--customers", f"{data}/labelled_users.csv", "--transactions",
         f"{data}/labelled_transactions.csv", "--quarantine", out + ".csv", "--out", out, "--quiet")  # fmt: skip
    return out


def limits_with(path, part, **values):
    with open(os.path.join(PIPELINES, "limits.json"), encoding="utf-8") as f:
        all_ = json.load(f)
    all_[part].update(values)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(all_, f)
    return path


def models(w):
    """The gates, on good models and bad ones."""
    newer, few = os.path.join(w, "newer"), limits_with(f"{w}/few.json", "model", shuffles_least=2)
    judged = judge(f"{w}/good/bundle", newer, f"{w}/judged")

    def gate(text, code, words, run_folder, evaluation, *more, limits=few, ended=0):
        return expect(text, code, words, "gate-model", "--assay", ASSAY, "--exit-code", ended, "--run", run_folder,
                      "--evaluation", evaluation, "--limits", limits, *more)  # fmt: skip

    labelled = ["--customers", f"{newer}/labelled_users.csv", "--transactions", f"{newer}/labelled_transactions.csv"]
    report = f"{w}/gate.md"
    gate("gate-model: a good model beside a champion", 0, "gate-model: passed", f"{w}/good", judged,
         "--champion", f"{w}/good/bundle", *labelled, "--report", report)  # fmt: skip
    with open(report, encoding="utf-8") as f:
        text = f.read()
    claim("passed" in text and "AUC" in text and "golden rows" in text, "gate-model: the report says what people approve on", text)
    gate("gate-model: labels shuffled twice are too few under the limits of limits.json", 1, "labels were shuffled 2 times, at least 20",
         f"{w}/good", judged, "--first", limits=os.path.join(PIPELINES, "limits.json"))  # fmt: skip
    gate("gate-model: an evaluation of another bundle", 1, "REFUSED the evaluation is of the run's bundle", f"{w}/shuffled", judged, "--first")
    gate("gate-model: no champion is named", 2, "--first where nothing answers", f"{w}/good", judged)

    wrong = judge(f"{w}/shuffled/bundle", newer, f"{w}/judged-shuffled")
    gate("gate-model: a model of shuffled labels", 1, "REFUSED AUC", f"{w}/shuffled", wrong, "--first")
    gate("gate-model: the champion is better than a model of shuffled labels", 1, "REFUSED log loss", f"{w}/shuffled", wrong,
         "--champion", f"{w}/good/bundle", *labelled)  # fmt: skip
    other = bank(f"{w}/other", 700, 33, "--suspended", "0.75", "--clean")
    off = judge(f"{w}/good/bundle", other, f"{w}/judged-other")
    gate("gate-model: probabilities that are not those of newer customers", 1, "REFUSED calibration on newer labels", f"{w}/good", off, "--first")
    unjust = judge(f"{w}/unfair/bundle", newer, f"{w}/judged-unfair")
    gate("gate-model: women are High and wrongly so", 1, "comparisons of groups are apart beyond chance. ", f"{w}/unfair", unjust, "--first")

    shutil.copytree(f"{w}/good", f"{w}/touched")
    with open(f"{w}/touched/bundle/model.json", "r+b") as f:
        f.seek(-3, 2)
        f.write(b" ")
    gate("gate-model: one byte of the model was changed", 1, "REFUSED assay verify", f"{w}/touched", judged, "--first")

    shutil.copytree(f"{w}/good/bundle", f"{w}/mild")
    with open(f"{w}/mild/policy.yaml", encoding="utf-8") as f:
        book = f.read()
    with open(f"{w}/mild/policy.yaml", "w", encoding="utf-8") as f:
        f.write(milder(book))
    gate("gate-model: a policy that moves too many customers", 1, "REFUSED the policy moves", f"{w}/good", judged,
         "--champion", f"{w}/mild", *labelled)  # fmt: skip

    ended = learn(changed(f"{w}/base", f"{w}/few", three), f"{w}/few-out")
    claim(ended == 3, f"assay run refuses by itself where labels are too few (exit {ended})")
    gate("gate-model: a run that refused itself", 1, "REFUSED assay run ended with 3", f"{w}/few-out", f"{w}/nothing", "--first", ended=ended)


def milder(book):
    """The policy book with other costs, so that thresholds lie higher."""
    return book.replace("  review: 0.40", "  review: 0.75").replace("  monitor: 0.15", "  monitor: 0.60")


# ---- services ----


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def process(command, url, what):
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(list(map(str, command)), stdout=said, stderr=said)
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    with urllib.request.urlopen(url, timeout=5):
                        break
                except OSError:
                    if child.poll() is not None or time.monotonic() > until:
                        said.seek(0)
                        sys.exit(f"FAILED {what} does not come up: {said.read().decode()[-500:]}")
                    time.sleep(0.1)
            yield child
        finally:
            child.terminate()
            child.wait(40)


@contextlib.contextmanager
def service(bundle, *more):
    port = free_port()
    command = [SERVE, "serve", "--bundle", bundle, "--base-path", "/ai", "--listen", f"127.0.0.1:{port}", "--quiet", *more]
    with process(command, f"http://127.0.0.1:{port}/readyz", "the service"):
        yield f"http://127.0.0.1:{port}/ai"


@contextlib.contextmanager
def prometheus(w, name, stable, canary):
    port, folder = free_port(), os.path.join(w, name)
    os.makedirs(folder)
    jobs = [{"targets": [url.split("/")[2]], "labels": {"track": track}} for url, track in ((stable, "stable"), (canary, "canary"))]
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "assay-serve", "metrics_path": "/ai/metrics", "static_configs": jobs}],
    }
    with open(f"{folder}/prometheus.yml", "w", encoding="utf-8") as f:
        json.dump(settings, f)  # JSON is YAML
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with process([*command, f"--web.listen-address=127.0.0.1:{port}"], f"http://127.0.0.1:{port}/-/ready", "Prometheus"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def half_slow(url):
    """The metrics of the service at url, but that every second answer took longer than 0.3 s."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = urllib.request.urlopen(url + "/metrics", timeout=5).read().decode()
            slower = re.sub(r'(_duration_seconds_bucket\{[^}]*le="0\.[0-3][^}]*\}) (\d+)', lambda m: f"{m[1]} {int(m[2]) // 2}", page)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(slower.encode())

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ai"
        server.shutdown()


def asks(url, bodies, seconds):
    """One caller, one request after the other, whatever the answer."""
    until, i = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        request = urllib.request.Request(url + "/v1/score", bodies[i % len(bodies)], {"Content-Type": "application/json"})
        with contextlib.suppress(OSError):
            urllib.request.urlopen(request, timeout=10).read()
        i += 1


def services(w):
    golden = f"{w}/golden.ndjson"
    with open(golden, "w", encoding="utf-8") as f:
        f.write(run("golden", f"{w}/good", "--customers", 80)[1])
    with service(f"{w}/good/bundle") as stable, service(f"{w}/shuffled/bundle") as other:
        bundle = json.load(urllib.request.urlopen(stable + "/v1/model"))["bundle"]
        expect("smoke: the service answers as the run wrote", 0, "smoke: passed", "smoke", "--url", stable, "--golden", golden, "--bundle", bundle)
        expect("smoke: another bundle answers", 1, "REFUSED bundle", "smoke", "--url", other, "--golden", golden)
        with open(golden, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        rows[0]["expected"]["probability"] += 1e-12
        with open(f"{w}/off.ndjson", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(row) + "\n" for row in rows)
        expect("smoke: a golden score that differs in the last digits", 1, "REFUSED golden score", "smoke", "--url", stable, "--golden", f"{w}/off.ndjson")
        expect("smoke: nobody is there", 1, "REFUSED ready: 0", "smoke", "--url", f"http://127.0.0.1:{free_port()}/ai", "--golden", golden)

        easy = limits_with(f"{w}/easy.json", "load", requests_per_second_least=5, p99_milliseconds_most=8000)
        hard = limits_with(f"{w}/hard.json", "load", requests_per_second_least=10000000)
        expect("load: carried", 0, "load: passed", "load", "--url", stable, "--golden", golden, "--seconds", 2, "--limits", easy)
        expect("load: not as much as asked", 1, "REFUSED", "load", "--url", stable, "--golden", golden, "--seconds", 1, "--limits", hard)
        expect("load: every answer is a 404", 1, "REFUSED 100.0000% of them failed", "load", "--url", stable + "/none", "--golden", golden,
               "--seconds", 1, "--limits", easy)  # fmt: skip

        expect("shadow-local: program and program, the same bundle", 0, "shadow-compare: passed", "shadow-local", "--stable", SERVE, "--candidate", ASSAY,
               "--stable-bundle", f"{w}/good/bundle", "--candidate-bundle", f"{w}/good/bundle", "--golden", golden, "--change", "code")  # fmt: skip
        sides = ["--stable", stable, "--candidate", other, "--golden", golden]
        expect("shadow-compare: another model is no change of code", 1, "REFUSED both sides answer with the same bundle", "shadow-compare", *sides, "--change", "code")
        wide = {"probability_difference_most": 1.0, "segment_moved_share_most": 1.0, "action_moved_share_most": 1.0}
        expect("shadow-compare: another model within its limits", 0, "passed", "shadow-compare", *sides, "--change", "model",
               "--limits", limits_with(f"{w}/wide.json", "shadow", model=wide))  # fmt: skip
        narrow = dict(wide, segment_moved_share_most=0.0)
        expect("shadow-compare: another model beyond its limits", 1, "get another segment, 0% may", "shadow-compare", *sides, "--change", "model",
               "--limits", limits_with(f"{w}/narrow.json", "shadow", model=narrow))  # fmt: skip
        expect("shadow-compare: one side is gone", 1, "requests failed on either side", "shadow-compare", "--stable", stable, "--candidate",
               f"http://127.0.0.1:{free_port()}", "--golden", golden, "--change", "code")  # fmt: skip
        canaries(w, golden, stable, other)


def canaries(w, golden, stable, other):
    with open(golden, encoding="utf-8") as f:
        bodies = [json.dumps(json.loads(line)["request"]).encode() for line in f]
    with open(f"{w}/serve.yaml", "w", encoding="utf-8") as f:
        f.write("limits:\n  memory: 1K\n")  # no request fits: each gets a 503
    broken = service(f"{w}/good/bundle", "--config", f"{w}/serve.yaml")
    with contextlib.ExitStack() as stack:
        sound, broken, idle = (stack.enter_context(s) for s in (service(f"{w}/good/bundle"), broken, service(f"{w}/good/bundle")))
        slow = stack.enter_context(half_slow(sound))
        watch = {
            name: stack.enter_context(prometheus(w, name, stable, canary))
            for name, canary in (("sound", sound), ("broken", broken), ("moved", other), ("idle", idle), ("slow", slow))
        }
        # Series are there before what is counted, as on a service that has run for a while.
        for url in (stable, sound, broken, other):
            asks(url, bodies, 0.1)
        time.sleep(2.5)
        callers = [threading.Thread(target=asks, args=(url, bodies, 9)) for url in (stable, sound, broken, other)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        time.sleep(2)
        # What is slow on a machine that does other work says nothing of the canary; slowness has a claim of its own below.
        loose = limits_with(f"{w}/loose.json", "canary", requests_least=50, slow_share_most=0.5)
        args = ["--window", "1m", "--limits", loose]
        expect("verify-canary: a sound canary goes on", 0, "verify-canary: passed", "verify-canary", "--prometheus", watch["sound"], "--change", "code", *args)
        expect("verify-canary: its memory is used up, every answer is a 503", 1, "REFUSED errors", "verify-canary", "--prometheus", watch["broken"], "--change", "code", *args)
        expect("verify-canary: scores moved though code alone has changed", 1, "REFUSED share of segment High", "verify-canary", "--prometheus", watch["moved"], "--change", "code",
               *args)  # fmt: skip
        expect("verify-canary: nobody asked the canary", 1, "REFUSED canary was asked 0 times", "verify-canary", "--prometheus", watch["idle"], "--change", "code", *args)
        strict = limits_with(f"{w}/strict.json", "canary", requests_least=50, slow_share_most=0.4, slow_ratio_most=0)
        expect("verify-canary: every second answer is slow", 1, "REFUSED answers slower", "verify-canary", "--prometheus", watch["slow"], "--change", "code",
               "--window", "1m", "--limits", strict)  # fmt: skip
        expect("verify-canary: Prometheus does not answer", 1, "REFUSED not known: Prometheus", "verify-canary", "--prometheus",
               f"http://127.0.0.1:{free_port()}", "--change", "code")  # fmt: skip
        in_deploy(w, golden, stable, watch)


# ---- stood in for ----


@contextlib.contextmanager
def google(golden, annotations, monitoring):
    """Metadata, Cloud Deploy, Cloud Storage, Secret Manager and Managed Prometheus; the last one is the real Prometheus."""

    class Google(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            token, path = self.headers.get("Authorization"), self.path
            if path.startswith("/computeMetadata/") and self.headers.get("Metadata-Flavor") == "Google":
                return self.reply({"access_token": "t0ken", "expires_in": 3600})
            if token != "Bearer t0ken":
                return self.reply({"error": "who is there?"}, 401)
            if "/releases/" in path:
                return self.reply({"name": path, "annotations": annotations})
            if path.startswith("/storage/v1/b/assay-staging-assay-runs/o/golden%2F2026-11.ndjson?alt=media"):
                with open(golden, "rb") as f:
                    return self.reply(f.read())
            if path.startswith("/v1/projects/assay-staging/secrets/assay-verify-token/"):
                return self.reply({"payload": {"data": "Y2FsbGVy"}})
            if "/location/global/prometheus/" in path:
                with urllib.request.urlopen(monitoring + path.split("/location/global/prometheus")[1]) as f:
                    return self.reply(f.read())
            return self.reply({"error": path}, 404)

        def reply(self, body, code=200):
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *ignored):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Google)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def in_deploy(w, golden, stable, watch):
    copied = os.path.join(w, "opt")
    shutil.copytree(PIPELINES, copied, ignore=shutil.ignore_patterns("__pycache__"))
    with open(f"{copied}/places.json", encoding="utf-8") as f:
        places = json.load(f)
    places["assay-staging"]["url"] = stable
    with open(f"{copied}/places.json", "w", encoding="utf-8") as f:
        json.dump(places, f)
    limits_with(f"{copied}/limits.json", "canary", requests_least=50, slow_share_most=0.5)
    names = dict(PROJECT="assay-staging", LOCATION="europe-west9", DELIVERY_PIPELINE="assay", RELEASE="r-1", TARGET="assay-staging")
    program = f"{copied}/in-deploy"

    def environment(host):
        apis = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}": f"http://{host}/" for api in ("CLOUDDEPLOY", "STORAGE", "SECRETMANAGER", "MONITORING")}
        return {**os.environ, **apis, "GCE_METADATA_HOST": host, **{f"CLOUD_DEPLOY_{k}": v for k, v in names.items()}}

    full = {"change": "code", "golden": "golden/2026-11.ndjson"}
    with google(golden, full, watch["sound"]) as host:
        expect("in-deploy: smoke with what the release says", 0, "smoke: passed", program, "smoke", env=environment(host))
        expect("in-deploy: what Cloud Deploy does not ask", 2, "in-deploy smoke", program, "dance", env=environment(host))
    with google(golden, full, watch["broken"]) as host:
        # It would wait half an hour for requests that were never good; there are enough here.
        expect("in-deploy: verify-canary refuses by Managed Prometheus", 1, "REFUSED errors", program, "verify-canary", env=environment(host))
    with google(golden, {}, watch["sound"]) as host:
        expect("in-deploy: a release that says nothing", 1, "has no annotation change", program, "smoke", env=environment(host))


def publishing(w):
    if not shutil.which("buildah") or not shutil.which("skopeo") or os.geteuid() != 0:
        print("SKIPPED publish (needs buildah, skopeo and root: script/bootstrap --deploy)")
        return
    with open(f"{w}/storage.conf", "w", encoding="utf-8") as f:
        f.write(f'[storage]\ndriver = "vfs"\ngraphroot = "{w}/store"\nrunroot = "{w}/storerun"\n')
    environment = {**os.environ, "CONTAINERS_STORAGE_CONF": f"{w}/storage.conf", "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    code, box = run(shutil.which("buildah"), "from", "scratch", env=environment)
    if code != 0:
        print(f"SKIPPED publish (buildah cannot make a container here: {box.strip()[-200:]})")
        return
    layout = f"oci:{w}/images/assay-serve-amd64"
    os.makedirs(f"{w}/images")
    code, said = run(shutil.which("buildah"), "commit", "--quiet", "--timestamp", "0", "--format", "oci", box.split()[-1], f"oci:{w}/plain", env=environment)
    claim(code == 0, "buildah makes an image to publish", said)
    must("skopeo", "copy", "--quiet", "--dest-compress", "--format", "oci", f"oci:{w}/plain", layout)  # as deploy/image/build leaves it
    shutil.copytree(f"{w}/images/assay-serve-amd64", f"{w}/images/assay-serve-arm64")
    said = expect("publish: an index of the architectures that are there", 0, "assay-serve@sha256:", "publish", "--folder", f"{w}/images", "--registry", f"oci:{w}/registry",
                  "assay-serve", env=environment)  # fmt: skip
    index = subprocess.run(["skopeo", "inspect", "--raw", f"oci:{w}/registry/assay-serve:pushed"], capture_output=True, text=True).stdout
    inner = subprocess.run(["skopeo", "inspect", "--format", "{{.Digest}}", f"oci:{w}/images/assay-serve-amd64"], capture_output=True, text=True).stdout.strip()
    claim(bool(inner) and inner in index, "publish: an image's digest stays what it was", said + index)
    expect("publish: what was never built", 1, "deploy/image/build makes them", "publish", "--folder", f"{w}/images", "--registry", f"oci:{w}/registry", "assay", env=environment)


def main():
    with tempfile.TemporaryDirectory() as w:
        clean = ["--suspended", "0.3", "--clean"]
        base = bank(f"{w}/base", 700, 31, *clean)
        bank(f"{w}/newer", 700, 32, *clean)
        banks = {"good": base, "shuffled": changed(base, f"{w}/bank-shuffled", shuffled), "unfair": changed(base, f"{w}/bank-unfair", unfair)}
        with_ = [threading.Thread(target=lambda n=name, d=data: claim(learn(d, f"{w}/{n}") == 0, f"assay run learns of the bank '{n}'")) for name, data in banks.items()]
        for thread in with_:
            thread.start()
        going_back(w)
        publishing(w)
        for thread in with_:
            thread.join()
        if not failures:
            gates = threading.Thread(target=models, args=(w,))
            gates.start()
            services(w)
            shadowed(w, f"{w}/golden.ndjson")
            gates.join()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
