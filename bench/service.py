"""Requests a second of the service, beside the same model in Python and the HTTP library alone.

    .venv/bin/python bench/service.py [--build build/release] [--seconds 10] [--rounds 3]

One customer with about 30 transactions a request, from wrk over 64 connections on the loopback, on the machine's processors
that all of them share with wrk. In every round each takes its turn, so that what else the machine does falls on all alike:

  fixed        libmicrohttpd answering every request with one body as long as an answer (fixed_body.c)
  score        POST /v1/score with "reasons": false: features, model, calibration, policy
  explained    the same with exact contributions and reasons
  peer score   FastAPI and uvicorn, two workers, XGBoost on the same model file, features ready made (peer_service.py)
  peer shap    the same with shap's TreeExplainer
  peer xgb     the same with XGBoost's own contributions
  whole score  the peer that computes what its model reads from the request's transactions, as the service does
  whole shap   the same with shap's TreeExplainer

Also from start to ready, and resident memory. `--quick` is for a gate: fixed, score and explained alone, short; with
`--least-score X` and `--least-explained X` it fails where the ratio to the fixed body, by processor time of the server, is
below. On a machine that others use as well, that time says more than requests a second.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "service"))

from harness.bank import Bank, Run, call  # noqa: E402
from harness.http import Session  # noqa: E402
from harness.process import free_port  # noqa: E402


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as work, contextlib.ExitStack() as running:
        run, model = prepare(args, work)
        request = run.typical(args.transactions)
        bodies = {name: body(request, name) for name in ("score", "explained")}
        service = start_service(args, running, work, run.bundle)
        answer = Session("127.0.0.1", service.port).post("/v1/score", bodies["explained"], headers=JSON)
        assert answer.status == 200, answer
        targets = {
            "fixed": (start_fixed(args, running, work, answer.body), "/", bodies["explained"]),
            "score": (service, "/v1/score", bodies["score"]),
            "explained": (service, "/v1/score", bodies["explained"]),
        }
        if not args.quick:
            peer = start_peer(running, work, model, bodies["explained"], json.loads(answer.body)["margin"])
            for name, path in PEERS.items():
                targets[name] = (peer, path, bodies["explained"])
        print(
            f"{len(request['transactions'])} transactions, {len(bodies['explained'])} bytes a request, "
            f"{len(answer.body)} bytes an answer; {os.cpu_count()} processors, shared with wrk; "
            f"load of the machine before: {os.getloadavg()[0]:.1f}"
        )
        took = measure(args, work, targets)
        table(took)
        if not args.quick:
            cold(args, run.bundle, work)
            print(f"resident after the load: {memory(service.pid) / 1e6:.1f} MB")
        return judge(args, took)


JSON = {"Content-Type": "application/json"}
PEERS = {
    "peer score": "/score",
    "peer shap": "/explained",
    "peer xgb": "/contributed",
    "whole score": "/whole/score",
    "whole shap": "/whole/explained",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--seconds", type=int, default=10, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--transactions", type=int, default=30)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--run", help="a run folder instead of the made-up bank")
    parser.add_argument("--model", help="with --run: its forest as XGBoost's JSON")
    parser.add_argument("--config", help="serve.yaml")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--least-score", type=float, default=0)
    parser.add_argument("--least-explained", type=float, default=0)
    args = parser.parse_args()
    if args.quick:
        args.seconds, args.rounds = min(args.seconds, 2), 3
    return args


def prepare(args, work):
    if args.run:
        return Run(args.run), args.model
    bank = Bank.make(os.path.join(work, "bank"), os.path.join(args.build, "assay"), trees=args.trees, depth=args.depth)
    return bank.forest, bank.model


def body(request, name):
    """Compact, and without what is not known: as a service would send it."""
    rows = request["transactions"]
    known = [{k: v for k, v in row.items() if v is not None or k == "completed_at"} for row in rows]
    small = {**request, "transactions": known, "options": {"reasons": name == "explained"}}
    return json.dumps(small, separators=(",", ":")).encode()


# ---- who answers ----


@contextlib.contextmanager
def process(command, **more):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, **{"stderr": subprocess.DEVNULL, **more})
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)


def wait_for(port, path, seconds=60):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if Session("127.0.0.1", port, timeout=5).get(path).status == 200:
                return
        except OSError:
            time.sleep(0.01)
    raise SystemExit(f"nobody answers at port {port}")


def serve_command(args, bundle, port):
    command = [os.path.join(args.build, "assay-serve"), "serve", "--bundle", bundle, "--store", "none"]
    config = ["--config", args.config] if args.config else []
    return [*command, "--listen", f"127.0.0.1:{port}", *config]


def start_service(args, running, work, bundle):
    port = free_port()
    log = running.enter_context(open(os.path.join(work, "service.log"), "wb"))
    child = running.enter_context(process(serve_command(args, bundle, port), stderr=log))
    child.port = port
    wait_for(port, "/readyz")
    return child


def start_fixed(args, running, work, answer):
    program, file, port = os.path.join(work, "fixed_body"), os.path.join(work, "answer"), free_port()
    call(os.environ.get("CC", "gcc"), "-O2", os.path.join(ROOT, "bench", "fixed_body.c"), "-lmicrohttpd", "-o", program)
    with open(file, "wb") as f:
        f.write(answer)
    child = running.enter_context(process([program, str(port), str(os.cpu_count()), file]))
    child.port = port
    wait_for(port, "/")
    return child


def start_peer(running, work, model, sent, margin):
    import xgboost

    with open(model, encoding="utf-8") as f:
        width = int(json.load(f)["learner"]["learner_model_param"]["num_feature"])
    row = os.path.join(work, "row.json")
    with open(row, "w", encoding="utf-8") as f:
        json.dump([i % 3 * 0.5 for i in range(width)], f)
    assert len(xgboost.Booster(model_file=model).feature_names) == width
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "peer_service:app", "--workers", "2", "--port", str(port)]
    quiet = ["--no-access-log", "--log-level", "warning"]
    environment = {**os.environ, "MODEL": model, "ROW": row, "OMP_NUM_THREADS": "1"}
    child = running.enter_context(process([*command, *quiet], cwd=os.path.join(ROOT, "bench"), env=environment))
    child.port = port
    wait_for(port, "/readyz")
    answers = {name: Session("127.0.0.1", port).post(path, sent, headers=JSON) for name, path in PEERS.items()}
    assert all(answer.status == 200 for answer in answers.values()), answers
    whole = json.loads(answers["whole shap"].body)
    assert abs(whole["bias"] + sum(whole["contributions"].values()) - margin) < 1e-4, (whole, margin)  # the same work
    return child


# ---- how fast ----

LUA = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local f = io.open("%s", "rb")
wrk.body = f:read("*a")
f:close()
"""
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def wrk(args, work, target):
    server, path, sent = target
    script, file = os.path.join(work, "post.lua"), os.path.join(work, "request")
    with open(file, "wb") as f:
        f.write(sent)
    with open(script, "w", encoding="utf-8") as f:
        f.write(LUA % file)
    load = ["-t", "2", "-c", str(args.connections), "-d", f"{args.seconds}s", "--latency", "-s", script]
    before = processor_seconds(server.pid)
    said = call("wrk", *load, f"http://127.0.0.1:{server.port}{path}")
    spent = processor_seconds(server.pid) - before
    assert "Non-2xx" not in said, said
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    at = {p: re.search(rf"{p}%\s+([\d.]+)(us|ms|s)", said) for p in (50, 99)}
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return {
        "rate": rate,
        "cpu": spent / int(re.search(r"(\d+) requests in", said)[1]),
        **{f"p{p}": float(m[1]) * UNITS[m[2]] for p, m in at.items()},
        "lost": sum(int(n) for n in lost.groups()) if lost else 0,
    }


def processor_seconds(pid):
    """User and system, of a process and its children."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        children = f.read().split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(processor_seconds(child) for child in children)


def measure(args, work, targets):
    took = {name: [] for name in targets}
    for _ in range(args.rounds):
        for name, target in targets.items():
            took[name].append(wrk(args, work, target))
    return took


def middle(took, name, key):
    return statistics.median(one[key] for one in took[name])


def ratio(took, ours, other, key):
    """How many times better, in the same rounds: the middle of them."""
    pairs = zip(took[ours], took[other])
    return statistics.median(a[key] / b[key] if key == "rate" else b[key] / a[key] for a, b in pairs)


def table(took):
    print(f"{'':12} {'requests/s':>11} {'least..most':>15} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8} {'of fixed':>9} {'by CPU':>7} {'lost':>5}")
    for name, rounds in took.items():
        rates = [one["rate"] for one in rounds]
        print(
            f"{name:12} {statistics.median(rates):11.0f} {f'{min(rates):.0f}..{max(rates):.0f}':>15} "
            f"{middle(took, name, 'p50') * 1e3:8.2f} {middle(took, name, 'p99') * 1e3:8.2f} {middle(took, name, 'cpu') * 1e6:8.0f} "
            f"{ratio(took, name, 'fixed', 'rate'):9.3f} {ratio(took, name, 'fixed', 'cpu'):7.3f} {sum(one['lost'] for one in rounds):5}"
        )
    for ours, peers in (("score", ["peer score", "whole score"]), ("explained", ["peer shap", "peer xgb", "whole shap"])):
        for peer in peers:
            if peer in took:
                rate, cpu = (ratio(took, ours, peer, key) for key in ("rate", "cpu"))
                print(f"{ours} / {peer}: {rate:.1f} times the requests a second, {cpu:.1f} times by processor time")


def cold(args, bundle, work):
    """From exec to the first 200 of /readyz."""
    times, resident = [], []
    for _ in range(11):
        port = free_port()
        began = time.monotonic()
        with process(serve_command(args, bundle, port)) as child:
            while True:
                try:
                    if Session("127.0.0.1", port, timeout=5).get("/readyz").status == 200:
                        break
                except OSError:
                    time.sleep(0.0005)
            times.append(time.monotonic() - began)
            resident.append(memory(child.pid))
    size = sum(os.path.getsize(os.path.join(bundle, f)) for f in os.listdir(bundle))
    print(
        f"start to ready: {statistics.median(times) * 1e3:.1f} ms ({min(times) * 1e3:.1f}..{max(times) * 1e3:.1f}) "
        f"with a bundle of {size / 1e6:.2f} MB; resident at rest {statistics.median(resident) / 1e6:.1f} MB"
    )


def memory(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def judge(args, took):
    for name, least in (("score", args.least_score), ("explained", args.least_explained)):
        reached = ratio(took, name, "fixed", "cpu")
        if reached < least:
            print(f"{name} reaches {reached:.3f} of the fixed body by processor time, less than {least}")
            return 1
    said = ", ".join(f"{name} {ratio(took, name, 'fixed', 'cpu'):.3f}" for name in ("score", "explained"))
    print(f"speed: of the HTTP library alone, by processor time: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
