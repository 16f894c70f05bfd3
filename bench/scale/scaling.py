#!/usr/bin/env python3
"""Simulate assay's pods under load, find the autoscaler's settings, reckon what it costs, and write docs/scaling.md.

    bench/scale/scaling.py all         search, simulate, reckon, write everything; some minutes
    bench/scale/scaling.py document    docs/scaling.md and its chart again, from what is there

Reads capacity.json (script/bench --json) and assumptions.json; writes results.json (whatever was simulated and reckoned),
settings.json (what deploy/kubernetes is held to), docs/scaling.md and docs/scaling.svg. The same inputs give the same bytes.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

LOADS = (1, 10, 100, 1000)
SHAPES = ("step", "salary", "marketing", "zone")
# What is judged is a month, as the service levels are: usual days, and how often each of these comes.
EVENTS_A_MONTH = {"step": 1, "salary": 2, "marketing": 4, "zone": 0.1}


def read(name, folder=HERE):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return json.load(f)


def build(folder):
    """The simulator, from its sources and what it needs of src/base."""
    program = os.path.join(folder, "simulate")
    sources = [os.path.join(HERE, f"{name}.c") for name in ("simulate", "pods", "autoscaler")]
    sources += [os.path.join(ROOT, "src", "base", f"{name}.c") for name in ("number", "random")]
    # No contraction of a * b + c into one rounding: the same bytes on every machine.
    flags = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-ffp-contract=off", "-ffunction-sections", "-Wl,--gc-sections"]
    includes = ["-I", os.path.join(ROOT, "src"), "-I", HERE]
    subprocess.run([os.environ.get("CC", "gcc"), *flags, *includes, *sources, "-lm", "-o", program], check=True)
    return program


class Model:
    """What the inputs say of a pod and of traffic."""

    def __init__(self, capacity, assumptions):
        self.capacity, self.assumptions = capacity, assumptions
        cloud, traffic = assumptions["cloud"], assumptions["traffic"]
        self.slower = cloud["slower"]
        month = 30.4 * 86400
        self.mean = traffic["customers"] * traffic["transactions_a_customer_and_month"] * traffic["scores_a_transaction"] / month
        self.peak = self.mean * traffic["peak_to_mean"]
        # A usual day rises and falls by straight lines between these two, so its mean is half way.
        self.low = max(0.0, 2 / traffic["peak_to_mean"] - 1)

    def work(self, kept):
        """Processor seconds of a request on a vCPU: what all cost, and the mean of what its transactions cost."""
        lines, facts = self.capacity["lines"], self.capacity["facts"]
        # Upwards to half a millisecond: nothing finer is known of another machine, and the settings do not change with
        # every measurement.
        total = math.ceil(lines["kept" if kept else "explained"]["cpu_us"] * self.slower / 500) / 2000
        more = self.capacity["settings"]["transactions"] * facts["transaction_us"] * self.slower / 1e6
        more = min(round(more, 5), total / 2)
        return {"work_fixed": round(total - more, 5), "work_more": more}

    def words(self, load, shape, settings, kept=False, short=False, **more):
        """The simulator's words for one run."""
        form, cloud = self.assumptions["traffic_shapes"][shape], self.assumptions["cloud"]
        words = {
            "seed": 1,
            "peak": round(self.peak * load, 3),
            "low": round(self.low, 4),
            "traffic": form["number"],
            "factor": form["factor"],
            "seconds": form["seconds"],
            "fails_at": form.get("fails_at", 0),
            "threads": settings["threads"],
            "in_flight": settings["in_flight_limit"],
            "least": settings["least"],
            "most": settings["most"],
            "spare": settings["spare"],
            "cpu_target": settings["cpu_target"],
            "in_flight_target": settings["in_flight_target"],
            "down_window": settings["down_window"],
            "down_percent": settings["down_percent"],
            "up_percent": settings["up_percent"],
            "up_pods": settings["up_pods"],
            "node_least": cloud["node_seconds"][0],
            "node_most": cloud["node_seconds"][1],
            "warm": cloud["warm_seconds"],
            "start": cloud["ready_seconds"],
            "cpu_delay": cloud["metrics_delay_seconds"],
            "cpu_window": cloud["metrics_window_seconds"],
            "gauge_delay": cloud["gauge_delay_seconds"],
            "slow": self.assumptions["service_level"]["seconds"],
            "pods": self.pods_at(load, settings, kept) if shape != "day" else 0,
            **self.work(kept),
        }
        if kept:
            words["chain_seconds"] = round(1 / self.assumptions["chain"]["decisions_a_second_16_askers"], 6)
            words["store_seconds"] = 0.002
        if short and shape != "day":
            words["seconds"], words["start_at"] = 480, 60
            words["fails_at"] = 300 if words["fails_at"] else 0
        words.update(more)
        return [f"{name}={value:g}" if not isinstance(value, int) else f"{name}={value}" for name, value in words.items()]

    def pods_at(self, load, settings, kept, share=1.0):
        """What the autoscaler holds at a share of the peak of a usual day."""
        work = sum(self.work(kept).values())
        wanted = math.ceil(self.peak * load * share * work / settings["cpu_target"] - 1e-9)
        return max(settings["least"], min(settings["most"], wanted))

    def pods_of_a_day(self, load, settings, kept):
        """The mean over a usual day."""
        shares = [self.low + (1 - self.low) * (i + 0.5) / 200 for i in range(200)]
        return sum(self.pods_at(load, settings, kept, s) for s in shares) / len(shares)


def run(program, words):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def run_all(program, jobs):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda words: run(program, words), jobs))


def summary(result):
    asked = max(1, result["requests"])
    return {
        "requests": result["requests"],
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "late_share": round(result["late"] / asked, 7),
        "shed_share": round((result["shed"] + result["lost"]) / asked, 7),
        "shed": result["shed"] + result["lost"],
        "late": result["late"],
        "pods_least": min(minute[2] for minute in result["minutes"]),
        "pods_most": result["pods_most"],
        "pods_mean": round(result["pods_mean"], 2),
    }


def month(model, load, settings, kept, events):
    """Of a month's requests, the shares that were shed and that were late; usual days add requests alone."""
    asked = model.mean * load * 30.4 * 86400
    shed = sum(EVENTS_A_MONTH[shape] * events[shape]["shed"] for shape in events)
    late = sum(EVENTS_A_MONTH[shape] * events[shape]["late"] for shape in events)
    pods = model.pods_of_a_day(load, settings, kept) + settings["spare"]
    return {"shed_share": shed / asked, "late_share": late / asked, "pods": pods}


def holds(model, judged):
    """Half of what the service levels leave, for the model is not the world."""
    level = model.assumptions["service_level"]
    return judged["shed_share"] <= (1 - level["not_shed"]) / 2 and judged["late_share"] <= (1 - level["in_time"]) / 2


# ---- the search ----

START = {
    "threads": 8,
    "in_flight_limit": 256,
    "least": 3,
    "most": 40,
    "spare": 0,
    "cpu_target": 0.6,
    "in_flight_target": 0,
    "down_window": 300,
    "down_percent": 10,
    "up_percent": 100,
    "up_pods": 4,
}
SPACE = {"least": (3, 4, 6, 8), "cpu_target": (0.5, 0.6, 0.7), "spare": (0, 2)}
FURTHER = {"in_flight_limit": (64, 128, 256, 512), "up_pods": (2, 4, 8)}
SEARCHED = ("step", "marketing", "zone")  # salaries are in the last


def search(model, program, load):
    """The cheapest settings that hold, at a load at which the autoscaler has something to do; and what each other gave."""
    tried = []

    def judge(candidates):
        words = [model.words(load, shape, c, short=True) for c in candidates for shape in SEARCHED]
        results = [summary(r) for r in run_all(program, words)]
        for i, c in enumerate(candidates):
            events = dict(zip(SEARCHED, results[i * len(SEARCHED) : (i + 1) * len(SEARCHED)]))
            events["salary"] = events["zone"]
            judged = month(model, load, c, False, events)
            row = {"settings": c, **{k: round(v, 8) for k, v in judged.items()}, "holds": holds(model, judged)}
            tried.append(row)

    grid = [{**START, "least": a, "cpu_target": b, "spare": c} for a in SPACE["least"] for b in SPACE["cpu_target"] for c in SPACE["spare"]]
    judge(grid)
    best = cheapest(tried)
    for name, values in FURTHER.items():
        judge([{**best["settings"], name: v} for v in values if v != best["settings"][name]])
        best = cheapest(tried)
    return best, tried


def cheapest(tried):
    """The least pods; of those that lose hardly more than the best of them, the lowest target, which acts first and costs
    nothing where the minimum decides; then the least lost, and then the first tried."""
    good = [row for row in tried if row["holds"]]
    if not good:
        raise SystemExit("no settings of the search hold the service levels: widen SPACE")
    lost = lambda row: row["shed_share"] + row["late_share"] / 10  # noqa: E731
    pods = min(round(row["pods"], 3) for row in good)
    good = [row for row in good if round(row["pods"], 3) == pods]
    bound = 1.25 * min(lost(row) for row in good) + 1e-9
    return min((row for row in good if lost(row) <= bound), key=lambda row: (row["settings"]["cpu_target"], lost(row)))


def settings_of(model, best, load, kept):
    """The settings for a load: the shape that was found, with as many pods at least and at most as it needs."""
    settings = {**best["settings"]}
    found_at = 100
    peak = model.pods_at(load, {**settings, "least": 1, "most": 10**6}, kept)
    # Three: one in each zone. Above that, what was found at its load, in proportion.
    settings["least"] = max(3, math.ceil(best["settings"]["least"] * load / found_at))
    settings["spare"] = math.ceil(best["settings"]["spare"] * load / found_at) if load >= found_at else 0
    factor = max(f["factor"] for f in model.assumptions["traffic_shapes"].values())
    settings["most"] = max(settings["least"] * 2, math.ceil(peak * factor / 4) * 4)
    return settings


# ---- all of it ----


def everything():
    import cost
    import document

    model = Model(read("capacity.json"), read("assumptions.json"))
    with tempfile.TemporaryDirectory(prefix="assay-scale-") as folder:
        program = build(folder)
        best, tried = search(model, program, 100)
        results = simulate_all(model, program, best)
    results["search"] = {
        "load": 100,
        "tried": len(tried),
        "hold": sum(row["holds"] for row in tried),
        "best": best,
        "rows": [{"settings": {k: row["settings"][k] for k in (*SPACE, *FURTHER)}, **{k: row[k] for k in ("shed_share", "late_share", "pods", "holds")}} for row in tried],
    }
    results["cost"] = cost.reckon(model, results["settings"])
    write("results.json", results)
    write("settings.json", for_kubernetes(model, results["settings"]["10"]))
    document.write(model, results)
    print(f"tried {len(tried)}, {results['search']['hold']} hold; best: {best['settings']}")


def kept_at(load):
    """Whether decisions are kept in the store's chain, which cannot take more than some hundreds a second."""
    return load <= 10


def simulate_all(model, program, best):
    settings = {str(load): settings_of(model, best, load, kept_at(load)) for load in LOADS}
    jobs, names = [], []
    for load in LOADS:
        for shape in (*SHAPES, "day"):
            if shape == "day" and load > 10:
                continue  # the autoscaler of more pods sees the same curve; 100 million requests say no more
            names.append((load, shape))
            jobs.append(model.words(load, shape, settings[str(load)], kept=kept_at(load), short=load >= 100))
    runs = [{"load": load, "traffic": shape, "words": w, **summary(r)} for (load, shape), w, r in zip(names, jobs, run_all(program, jobs))]
    words = model.words(100, "marketing", settings["100"], short=True, every=15)
    chart = run(program, words)["minutes"]
    return {"settings": settings, "runs": runs, "chart": {"words": words, "minutes": chart}, "store": store_runs(model, program, settings)}


def store_runs(model, program, settings):
    """What the chain of decisions does to a service whose processors have nothing to do."""
    rows, jobs = [], []
    for what, load, shape, kept, target in (
        ("kept, autoscaler by CPU", 10, "marketing", True, 0),
        ("kept, autoscaler by CPU and requests in flight", 10, "marketing", True, 6),
        ("not kept", 10, "marketing", False, 0),
        ("kept, autoscaler by CPU", 100, "step", True, 0),
        ("kept, autoscaler by CPU and requests in flight", 100, "step", True, 6),
        ("not kept", 100, "step", False, 0),
    ):
        words = model.words(load, shape, {**settings[str(load)], "in_flight_target": target}, kept=kept, short=True)
        rows.append({"what": what, "load": load, "traffic": shape, "words": words})
        jobs.append(words)
    return [{**row, **summary(r)} for row, r in zip(rows, run_all(program, jobs))]


def for_kubernetes(model, s):
    """settings.json: what the overlay of prod must say, in Kubernetes' own names."""
    return {
        "load": "10 times the assumed traffic",
        "overlay": "prod",
        "minReplicas": s["least"],
        "maxReplicas": s["most"],
        "averageUtilization": round(s["cpu_target"] * 100),
        "threads": s["threads"],
        "limits.in_flight": s["in_flight_limit"],
        "spare_pods": s["spare"],
        "scaleUp": {"stabilizationWindowSeconds": 0, "percent": s["up_percent"], "pods": s["up_pods"], "periodSeconds": 15},
        "scaleDown": {"stabilizationWindowSeconds": s["down_window"], "percent": s["down_percent"], "pods": 1, "periodSeconds": 60},
    }


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def main():
    if sys.argv[1:] == ["all"]:
        everything()
    elif sys.argv[1:] == ["document"]:
        import document

        document.write(Model(read("capacity.json"), read("assumptions.json")), read("results.json"))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
