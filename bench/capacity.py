"""What one processor core carries: processor time of scores, reasons, rows of batches and jobs, and features.

    script/bench [--short] [--json FILE] [--build build/release]

The processor time of the server (user and system) for one unit, and so how many units a second a core carries that does
nothing else. Clocks say less on a machine that does other work; they stand beside, as the load generator saw them. The
model is XGBoost's, 100 trees of depth 4, and a request one customer with 30 transactions, unless a line says otherwise.
"""

import argparse
import contextlib
import datetime
import gzip
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "bench"), os.path.join(ROOT, "tests", "service")]

import service as load  # noqa: E402
from harness.bank import Bank, call, train_forest  # noqa: E402
from harness.claims import as_yaml  # noqa: E402
from harness.http import Session  # noqa: E402
from harness.process import Service  # noqa: E402

# Every request another customer, so that a store has something to keep.
LUA = """local part = %d
local counter = 0
local threads = 0
function setup(thread) thread:set("part", threads) threads = threads + 1 end
local f = io.open("%s", "rb")
local before, after = f:read("*a"):match("^(.*)CUSTOMER(.*)$")
f:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
    counter = counter + 1
    return wrk.format(nil, nil, nil, before .. "b-" .. part .. "-" .. counter .. after)
end
"""


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as work:
        measured = Bench(args, work)
        steps = [measured.in_process, measured.requests, measured.batches, measured.tables, measured.start]
        for step in steps if args.short else [*steps, measured.forests]:
            step()
        result = {"machine": machine(args), "settings": measured.settings, "lines": measured.lines, "facts": measured.facts}
    print_table(result)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
        print(f"written: {args.json}")
    return 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--short", action="store_true", help="one short round of each, for a gate")
    parser.add_argument("--seconds", type=int, help="of each round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json", help="where the result goes too")
    args = parser.parse_args()
    args.seconds = args.seconds or (1 if args.short else 5)
    args.rounds = args.rounds or (1 if args.short else 5)
    if not args.short and not shutil.which("valgrind"):
        sys.exit("no valgrind, which counts instructions: apt-get install valgrind, or --short")
    for program in ("assay", "assay-serve", "bench_answer"):
        if not os.access(os.path.join(args.build, program), os.X_OK):
            sys.exit(f"no {program} in {args.build}: script/build release makes it")
    args.connections, args.config, args.transactions = 16, None, 30
    return args


def machine(args):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*:\s*(.+)", f.read())
    version = call(os.path.join(args.build, "assay"), "version").split("\n")[0]
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model[1].strip() if model else platform.machine(),
        "processors": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "load_after": round(os.getloadavg()[0], 1),
        "program": version,
    }


class Bench:
    def __init__(self, args, work):
        self.args, self.work, self.lines, self.facts = args, work, {}, {}
        self.assay, self.serve = (os.path.join(args.build, p) for p in ("assay", "assay-serve"))
        self.bank = Bank.make(os.path.join(work, "bank"), self.assay, trees=100, depth=4)
        self.request = self.bank.forest.typical(args.transactions)
        self.bundle = self.bank.forest.bundle
        self.settings = {
            "mode": "short" if args.short else "long",
            "rounds": args.rounds,
            "seconds": args.seconds,
            "connections": args.connections,
            "transactions": len(self.request["transactions"]),
            "trees": 100,
            "depth": 4,
            "request_bytes": len(load.body(self.request, "explained")),
        }

    def line(self, name, what, unit, cpu, **more):
        """cpu: of the rounds, seconds for one unit."""
        cpu = [one for one in cpu if one > 0]
        self.lines[name] = {
            "what": what,
            "unit": unit,
            "cpu_us": significant(statistics.median(cpu) * 1e6),
            "cpu_us_least": significant(min(cpu) * 1e6),
            "cpu_us_most": significant(max(cpu) * 1e6),
            "per_core_second": significant(1 / statistics.median(cpu)),
            **more,
        }

    # ---- in process ----

    def answer(self, bundle, transactions, seconds):
        """What bench/answer.c says: {(without or with reasons): {...}}, on one thread, microseconds."""
        files = [os.path.join(self.bank.data, f"unlabelled_{name}.csv") for name in ("users", "transactions")]
        said = call(os.path.join(self.args.build, "bench_answer"), bundle, *files, str(transactions), str(-seconds))
        out = {"transactions": int(re.search(r"a request of (\d+) transactions", said)[1])}
        for what, name in (("score alone", "score"), ("with reasons", "explained")):
            row = re.search(rf"{what} +1 thread +p50 +([\d.]+) us +p99 +([\d.]+) us +CPU +([\d.]+) us(.*)", said)
            stages = dict((k, int(v)) for k, v in re.findall(r"(read|features|score|reasons|write) (\d+)", row[4]))
            out[name] = {"p50": float(row[1]), "p99": float(row[2]), "cpu": float(row[3]), "stages": stages}
        return out

    def in_process(self):
        rounds = [self.answer(self.bundle, self.args.transactions, self.args.seconds) for _ in range(self.args.rounds)]
        for name, what in (("score", "score"), ("explained", "score with reasons")):
            stages = {s: significant(statistics.median(r[name]["stages"][s] for r in rounds)) for s in rounds[0][name]["stages"]}
            cpu = [r[name]["cpu"] / 1e6 for r in rounds]
            self.line(f"{name}_in_process", f"{what}, in process", "answer", cpu, stages_us=stages)
        # What a request costs by its number of transactions: a line through two points.
        few, many = (self.answer(self.bundle, n, self.args.seconds) for n in (5, 60))
        between = many["transactions"] - few["transactions"]
        each = (many["explained"]["cpu"] - few["explained"]["cpu"]) / between
        self.facts["transaction_us"] = significant(each)
        self.facts["without_transactions_us"] = significant(few["explained"]["cpu"] - each * few["transactions"])

    # ---- through HTTP ----

    def server(self, running, store="none", **settings):
        folder = os.path.join(self.work, f"service{len(os.listdir(self.work))}")
        os.makedirs(folder)
        store = f"sqlite:{folder}/store.db" if store == "sqlite" else store
        command = [self.serve, "serve", "--bundle", self.bundle, "--store", store]
        if settings:
            config = os.path.join(folder, "serve.yaml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(as_yaml(settings))
            command += ["--config", config]
        service = Service(command, folder)
        running.callback(service.stop)
        return service

    def wrk(self, service, path, body, lua=None):
        script, file = os.path.join(self.work, "load.lua"), os.path.join(self.work, "body")
        with open(file, "wb") as f:
            f.write(body)
        with open(script, "w", encoding="utf-8") as f:
            f.write(lua % (0, file) if lua else load.LUA % file)
        options = ["-t", "1", "-c", str(self.args.connections), "-d", f"{self.args.seconds}s", "--latency", "-s", script]
        before = load.processor_seconds(service.process.pid)
        said = call("wrk", *options, f"http://127.0.0.1:{service.port}{path}")
        spent = load.processor_seconds(service.process.pid) - before
        assert "Non-2xx" not in said and "Socket errors" not in said, said
        at = {p: re.search(rf"{p}%\s+([\d.]+)(us|ms|s)", said) for p in (50, 99)}
        return {
            "cpu": spent / int(re.search(r"(\d+) requests in", said)[1]),
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
            **{f"p{p}_ms": float(m[1]) * load.UNITS[m[2]] * 1000 for p, m in at.items()},
        }

    def http(self, name, what, service, path, body, lua=None):
        self.wrk(service, path, body, lua)  # to warm it
        rounds = [self.wrk(service, path, body, lua) for _ in range(self.args.rounds)]
        middle = {k: significant(statistics.median(r[k] for r in rounds)) for k in ("rate", "p50_ms", "p99_ms")}
        self.line(name, what, "request", [r["cpu"] for r in rounds], **middle)

    def requests(self):
        bodies = {name: load.body(self.request, name) for name in ("score", "explained")}
        with contextlib.ExitStack() as running:
            service = self.server(running)
            self.http("score", "POST /v1/score without reasons", service, "/v1/score", bodies["score"])
            self.http("explained", "POST /v1/score with reasons", service, "/v1/score", bodies["explained"])
            session = Session("127.0.0.1", service.port)
            inputs = session.get("/v2/models/assay").json()["inputs"]
            # Numbers as long as features are; a text that is no category of the model would be refused or unknown.
            value = {"FP64": 12.34, "FP32": 12.34, "INT64": 37, "BOOL": True}
            self.facts["precomputed_values"] = "as numbers"
            tensors = [{"name": t["name"], "shape": [1], "datatype": t["datatype"], "data": [value.get(t["datatype"])]} for t in inputs]
            ready = json.dumps({"inputs": tensors}).encode()
            self.http("precomputed", "POST /v2/models/assay/infer: features ready made", service, "/v2/models/assay/infer", ready)
            one = session.post("/v1/score", bodies["explained"], headers=load.JSON)
            assert one.status == 200, one
            self.facts["answer_bytes"] = len(one.body)
            self.facts["answer_gzip_bytes"] = len(gzip.compress(one.body, 1))
            self.facts["resident_mb"] = significant(load.memory(service.process.pid) / 1e6)
            time.sleep(0.5)  # until the lines of the load are written
            before = os.path.getsize(service.stderr)
            session.post("/v1/score", bodies["explained"], headers=load.JSON)
            time.sleep(0.5)
            self.facts["log_bytes"] = os.path.getsize(service.stderr) - before
        with contextlib.ExitStack() as running:
            service = self.server(running, store="sqlite", threads=16)
            anybody = load.body(self.anonymous("CUSTOMER"), "explained")
            self.http("kept", "POST /v1/score with reasons, kept in SQLite's chain", service, "/v1/score", anybody, LUA)

    def anonymous(self, customer):
        """The request as if from another customer: what says whose the rows are is filled in by the service."""
        drop = lambda row: {k: v for k, v in row.items() if k != "user_id"}  # noqa: E731
        rows = [drop(row) for row in self.request["transactions"]]
        return {**self.request, "customer_id": customer, "customer": drop(self.request["customer"]), "transactions": rows}

    # ---- batches ----

    def batches(self):
        count = 500 if self.args.short else 4000
        lines = [load.body(self.anonymous(f"b-{i}"), "explained") for i in range(count)]
        with contextlib.ExitStack() as running:
            service = self.server(running)
            session = Session("127.0.0.1", service.port, timeout=300)
            taken = []
            for _ in range(self.args.rounds + 1):
                before = load.processor_seconds(service.process.pid)
                reply = session.post("/v1/score:batch", b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"})
                assert reply.status == 200 and reply.body.count(b"\n") == count and b'{"error"' not in reply.body, reply
                taken.append((load.processor_seconds(service.process.pid) - before) / count)
            self.line("batch", "a row of POST /v1/score:batch, with reasons", "row", taken[1:])
        with contextlib.ExitStack() as running:
            folder = os.path.join(self.work, "jobs")
            os.makedirs(folder)
            service = self.server(running, store="sqlite", jobs={"folder": folder})
            session = Session("127.0.0.1", service.port, timeout=300)
            taken = []
            for number in range(self.args.rounds):
                rows = [line.replace(b'"b-', b'"j%d-' % number) for line in lines]
                with open(os.path.join(folder, f"in{number}"), "wb") as f:
                    f.write(b"\n".join(rows))
                before = load.processor_seconds(service.process.pid)
                job = session.post("/v1/jobs", {"input": f"in{number}", "output": f"out{number}"}).json()["id"]
                while (state := session.get(f"/v1/jobs/{job}").json())["state"] in ("waiting", "running"):
                    time.sleep(0.1)
                assert state["state"] == "done" and state["rows"] == count and state["bad_rows"] == 0, state
                taken.append((load.processor_seconds(service.process.pid) - before) / count)
            self.line("job", "a row of /v1/jobs, with reasons, every decision kept in SQLite's chain", "row", taken)

    # ---- tables of a whole bank ----

    def tables(self):
        customers = 3000 if self.args.short else 20000
        data = os.path.join(self.work, "tables")
        call(self.assay, "synth", "--customers", str(customers), "--seed", "7", "--out", data, "--quiet")
        files = [os.path.join(data, f"unlabelled_{name}.csv") for name in ("users", "transactions")]
        sizes = []
        for name in files:
            with open(name, "rb") as f:
                sizes.append(f.read().count(b"\n") - 1)
        inputs = ["--customers", files[0], "--transactions", files[1], "--threads", "1", "--quiet"]
        inputs += ["--quarantine", os.path.join(self.work, "aside.csv")]
        commands = {
            "features": ("assay features, one thread", [self.assay, "features", *inputs, "--out", os.path.join(self.work, "f.csv")]),
            "table_score": ("assay score to CSV, one thread", [self.serve, "score", "--bundle", self.bundle, *inputs]),
        }
        with open(os.path.join(self.bundle, "bundle.json"), encoding="utf-8") as f:
            as_of = json.load(f)["as_of"]
        for name, (what, command) in commands.items():
            taken = []
            for _ in range(self.args.rounds):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                call(*command, "--as-of", as_of)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            self.line(f"{name}_customers", f"{what}: a customer", "customer", [t / sizes[0] for t in taken])
            self.line(f"{name}_rows", f"{what}: a transaction", "transaction", [t / sizes[1] for t in taken])
        self.facts["table_customers"], self.facts["table_transactions"] = sizes

    # ---- smaller and larger forests ----

    def forests(self):
        """How much of an answer is the forest: the same bundle with more and with fewer trees."""
        with open(os.path.join(self.bank.folder, "bundle", "bundle.json"), encoding="utf-8") as f:
            as_of = ["--as-of", json.load(f)["as_of"]]
        data = self.bank.data
        moved = [a for n in ("labelled", "unlabelled") for a in ("--transactions", os.path.join(data, f"{n}_transactions.csv"))]
        base = ["--bundle", os.path.join(self.bank.folder, "bundle"), *as_of, *moved, "--quiet"]
        labelled = ["--customers", os.path.join(data, "labelled_users.csv")]
        matrix = call(self.assay, "bundle", "matrix", *base, *labelled)
        self.facts["forests"] = []
        for trees in (25, 100, 400):
            model, bundle = (os.path.join(self.work, f"{kind}{trees}") for kind in ("model", "bundle"))
            train_forest(matrix, model + ".json", trees, 4)
            call(self.assay, "bundle", "import", *base, *labelled, "--model", model + ".json", "--out", bundle)
            row = {"trees": trees}
            row["instructions"] = self.instructions(bundle)
            self.facts["forests"].append(row)

    def instructions(self, bundle):
        """Of one answer, over all customers of the bank with and without reasons: the same on every day and every machine
        that has these programs, so that small differences can be seen."""
        files = [os.path.join(self.bank.data, f"unlabelled_{name}.csv") for name in ("users", "transactions")]
        counts = os.path.join(self.work, "counts")
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", "--toggle-collect=answer_score"]
        # Of the timed part, each of its six threads asks once in the shortest of times.
        said = call(*valgrind, os.path.join(self.args.build, "bench_answer"), bundle, *files, "30", "1e-9")
        answers = 2 * int(re.search(r"(\d+) customers asked", said)[1]) + 6
        with open(counts, encoding="utf-8") as f:
            return significant(int(re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M)[1]) / answers, 4)

    # ---- the start ----

    def start(self):
        times = []
        for _ in range(3 if self.args.short else 11):
            with contextlib.ExitStack() as running:
                began = time.monotonic()
                service = self.server(running)
                times.append(time.monotonic() - began)
                del service
        self.facts["start_ms"] = significant(statistics.median(times) * 1000)
        self.facts["bundle_mb"] = significant(sum(os.path.getsize(e.path) for e in os.scandir(self.bundle)) / 1e6)


def significant(value, digits=3):
    """Three digits: more would be noise."""
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) else rounded


def print_table(result):
    m, s = result["machine"], result["settings"]
    print(
        f"{m['date']}, {m['processor']}, {m['processors']} processors, {m['system']}; load after: {m['load_after']}; {m['program']}\n"
        f"{s['transactions']} transactions a request, {s['request_bytes']} bytes; {s['rounds']} rounds of {s['seconds']} s, the middle one"
    )
    print(f"{'':62} {'CPU us':>8} {'least..most':>14} {'a core/s':>9} {'seen/s':>8} {'p50 ms':>7} {'p99 ms':>7}")
    for line in result["lines"].values():
        spread = f"{line['cpu_us_least']}..{line['cpu_us_most']}"
        seen = " ".join(f"{line[k]:>{w}}" if k in line else " " * w for k, w in (("rate", 8), ("p50_ms", 7), ("p99_ms", 7)))
        print(f"{line['what']:62} {line['cpu_us']:>8} {spread:>14} {line['per_core_second']:>9} {seen}".rstrip())
    for name, value in result["facts"].items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as wrong:
        sys.exit(str(wrong))
