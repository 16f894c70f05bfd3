"""Claims about bench/scale and what depends on it; the last ones plant an error each and want it caught."""

import copy
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
SCALE = os.path.join(ROOT, "bench", "scale")
sys.path.insert(0, SCALE)

import cost  # noqa: E402
import document  # noqa: E402
import scaling  # noqa: E402


class World:
    """All that the claims look at, so that an error can be planted into a copy."""

    def __init__(self, program):
        self.program = program
        self.capacity, self.assumptions = scaling.read("capacity.json"), scaling.read("assumptions.json")
        self.results, self.settings = scaling.read("results.json"), scaling.read("settings.json")
        self.page, self.chart = text("docs", "scaling.md"), text("docs", "scaling.svg")
        self.template = text("bench", "scale", "document.md")
        self.overlay = overlay("prod")

    def model(self):
        return scaling.Model(self.capacity, self.assumptions)


def text(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as f:
        return f.read()


def simulate(w, *words):
    return subprocess.run([w.program, *words], capture_output=True, text=True, check=True).stdout


# ---- the simulator ----


def same_bytes(w):
    """the simulation gives the same bytes for the same seed, and others for another"""
    words = w.model().words(10, "zone", w.results["settings"]["10"], kept=True)
    one, two = simulate(w, *words), simulate(w, *words)
    if one != two:
        yield "two runs with one seed differ"
    if simulate(w, *words, "seed=2") == one:
        yield "another seed gives the same bytes"


# One pod, without an end to its queue, at 70 % of its processors: mean milliseconds by theory.
QUEUES = {
    "M/M/1": (dict(peak=700, work_more=0.001, threads=1), 1 / 0.3),
    "M/M/2 (Erlang)": (dict(peak=1400, work_more=0.001, threads=2, cores=2), 1 / (1 - 0.7**2)),
    "M/D/1 (Pollaczek and Khinchine)": (dict(peak=700, work_fixed=0.001, work_more=0, threads=1), 1 + 0.7 / (2 * 0.3)),
    "M/D/1 with processor sharing": (dict(peak=700, work_fixed=0.001, work_more=0, threads=4000), 1 / 0.3),
    "M/M/1 with processor sharing": (dict(peak=700, work_more=0.001, threads=4000), 1 / 0.3),
    "three M/M/1 by random choice": (dict(peak=2100, work_more=0.001, threads=1, least=3, most=3, random_turn=1), 1 / 0.3),
}


def closed_forms(w):
    """queues wait as long as the closed forms of M/M/1, M/M/2, M/D/1 and processor sharing say (within 3 %)"""
    for name, (settings, wanted) in QUEUES.items():
        base = {"traffic": 0, "seconds": 1000, "work_fixed": 0, "least": 1, "most": 1, "in_flight": 4000, "every": 2000}
        got = json.loads(simulate(w, *(f"{k}={v}" for k, v in {**base, **settings}.items())))
        if abs(got["mean_ms"] / wanted - 1) > 0.03:
            yield f"{name}: {got['mean_ms']:.3f} ms in the mean, and theory says {wanted:.3f}"
        if name == "M/M/1" and abs(got["p99_ms"] / (math.log(100) / 0.3) - 1) > 0.05:
            yield f"M/M/1: 99 of 100 within {got['p99_ms']} ms, and theory says {math.log(100) / 0.3:.2f}"


def loss_form(w):
    """a full house turns away what Erlang's loss formula says (M/M/c/c, within 5 %)"""
    settings = dict(traffic=0, seconds=400, peak=4000, work_fixed=0, work_more=0.001, cores=4, threads=4, in_flight=4, least=1, most=1)
    got = json.loads(simulate(w, *(f"{k}={v}" for k, v in settings.items())))
    wanted = (4**4 / math.factorial(4)) / sum(4**k / math.factorial(k) for k in range(5))
    if abs(got["shed"] / got["requests"] / wanted - 1) > 0.05:
        yield f"{got['shed'] / got['requests']:.4f} of them, and the formula says {wanted:.4f}"


# target, current, what a missing pod counts as, values; what the controller's code gives.
PROPOSALS = [
    (0.75, 50, 1, ["0.9"] * 50, 60),  # the example of Kubernetes' own page
    (0.6, 4, 1, ["0.65"] * 4, 4),  # within the tolerance
    (0.6, 4, 1, ["0.67"] * 4, 5),
    (0.6, 4, 1, ["0.3"] * 4, 2),
    (0.6, 4, 1, ["0.9"] * 2 + ["unready"] * 2, 4),  # they start, and will take their share
    (0.6, 3, 1, ["1.5"] * 2 + ["unready"], 5),
    (0.6, 3, 1 / 0.6, ["0.3"] * 2 + ["missing"], 3),  # who is not known is not taken away
    (0.6, 3, 1, ["1.2"] * 2 + ["missing"], 4),
    (0.6, 10, 1, ["0.73"] * 9 + ["missing"], 10),  # with it as one that does nothing, within the tolerance
    (0.6, 3, 1, ["unready"] * 3, -1),
]


def proposals(w):
    """the autoscaler proposes what Kubernetes' controller does, for ready, missing and unready pods"""
    for target, current, missing_as, values, wanted in PROPOSALS:
        got = int(simulate(w, "propose", str(target), str(current), str(missing_as), "0.1", *values))
        if got != wanted:
            yield f"{values} at {target} of {current}: {got}, not {wanted}"


# ---- what was simulated, found and reckoned ----


def runs_again(w):
    """what results.json says of 1× and 10× comes out again, to the last digit"""
    rows = [r for r in w.results["runs"] if r["load"] <= 10 and (r["traffic"] != "day" or r["load"] == 1)]
    rows += [r for r in w.results["store"] if r["load"] <= 10]
    for row, got in zip(rows, scaling.run_all(w.program, [r["words"] for r in rows])):
        for name, value in scaling.summary(got).items():
            if row[name] != value:
                yield f"{row['load']}× {row['traffic']}: {name} is {value}, and results.json says {row[name]}"


def words_follow(w):
    """every run in results.json was made with what capacity.json, assumptions.json and the settings say"""
    model, settings = w.model(), w.results["settings"]
    for r in w.results["runs"]:
        wanted = model.words(r["load"], r["traffic"], settings[str(r["load"])], kept=scaling.kept_at(r["load"]), short=r["load"] >= 100)
        if wanted != r["words"]:
            yield f"{r['load']}× {r['traffic']}: {sorted(set(wanted) ^ set(r['words']))}; bench/scale/scaling.py all"


def settings_follow(w):
    """the settings are the cheapest that hold, and settings.json has those of 10×"""
    rows = w.results["search"]["rows"]
    best = scaling.cheapest([{**r, "settings": r["settings"]} for r in rows])
    chosen = w.results["search"]["best"]
    if any(chosen["settings"][k] != v for k, v in best["settings"].items()):
        yield f"the search says {best['settings']}"
    for r in rows:
        if scaling.holds(w.model(), r) != r["holds"]:
            yield f"{r['settings']} is said to hold, or not, and it is otherwise"
    for load, settings in w.results["settings"].items():
        if scaling.settings_of(w.model(), chosen, int(load), scaling.kept_at(int(load))) != settings:
            yield f"the settings of {load}× do not follow from the search"
    if w.settings != scaling.for_kubernetes(w.model(), w.results["settings"]["10"]):
        yield "settings.json is not what results.json leads to"


def levels_hold(w):
    """with its settings each load is within the service levels over a month"""
    runs = {(r["load"], r["traffic"]): r for r in w.results["runs"]}
    for load in scaling.LOADS:
        events = {shape: runs[load, shape] for shape in scaling.SHAPES}
        judged = scaling.month(w.model(), load, w.results["settings"][str(load)], scaling.kept_at(load), events)
        if not scaling.holds(w.model(), judged):
            yield f"{load}×: {judged}"


def costs_follow(w):
    """the bill is what prices and loads say, and each price says where it comes from"""
    if cost.reckon(w.model(), w.results["settings"]) != w.results["cost"]:
        yield "reckoned again it is another one; bench/scale/scaling.py all"
    for name, one in w.assumptions["prices"].items():
        if isinstance(one, dict) and not re.search(r"https://|from memory; uncertain", one.get("source", "")):
            yield f"{name} has no source"


# ---- the page ----


def page_follows(w):
    """docs/scaling.md and its chart are what the results give, byte for byte"""
    if document.page(w.model(), w.results, w.template) != w.page:
        yield "docs/scaling.md is another one; bench/scale/scaling.py document"
    if document.chart(w.results["chart"]["minutes"]) != w.chart:
        yield "docs/scaling.svg is another one; bench/scale/scaling.py document"


def nothing_by_hand(w):
    """no figure of the page is typed by hand"""
    yield from document.typed_by_hand(w.template)


def metrics_exist(w):
    """every metric that the page names is one of the service"""
    known = "".join(text("src", "telemetry", name) for name in sorted(os.listdir(os.path.join(ROOT, "src", "telemetry"))))
    for name in sorted(set(re.findall(r"\b(?:assay|process)_[a-z_]+", w.page))):
        if f'"{name}' not in known:
            yield f"{name} is no metric"


# ---- Kubernetes ----


def overlay(name):
    """The objects of an overlay; None where there is none or no kubectl."""
    folder = os.path.join(ROOT, "deploy", "kubernetes", "overlays", name)
    if not os.path.isdir(folder) or shutil.which("kubectl") is None:
        return None
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [d for d in yaml.safe_load_all(done.stdout) if d]


def overlay_agrees(w):
    """the overlay of prod says what settings.json says"""
    spec = next(d for d in w.overlay if d["kind"] == "HorizontalPodAutoscaler")["spec"]
    cpu = next(m["resource"]["target"]["averageUtilization"] for m in spec["metrics"] if m["type"] == "Resource")
    texts = [v for d in w.overlay if d["kind"] == "ConfigMap" for v in d.get("data", {}).values() if "in_flight" in v]
    serve = yaml.safe_load(texts[0]) if texts else {}
    s = w.settings
    pairs = [
        ("minReplicas", spec["minReplicas"], s["minReplicas"]),
        ("averageUtilization", cpu, s["averageUtilization"]),
        ("threads", serve.get("threads"), s["threads"]),
        ("limits.in_flight", serve.get("limits", {}).get("in_flight"), s["limits.in_flight"]),
    ]
    for direction in ("scaleUp", "scaleDown"):
        rules, wanted = spec["behavior"][direction], s[direction]
        pairs.append((f"{direction}.stabilizationWindowSeconds", rules["stabilizationWindowSeconds"], wanted["stabilizationWindowSeconds"]))
        got = {p["type"]: (p["value"], p["periodSeconds"]) for p in rules["policies"]}
        period = wanted["periodSeconds"]
        pairs.append((f"{direction}.policies", got, {"Percent": (wanted["percent"], period), "Pods": (wanted["pods"], period)}))
    for name, got, wanted in pairs:
        if got != wanted:
            yield f"{name} is {got}, and settings.json says {wanted}"
    if spec["maxReplicas"] < s["maxReplicas"]:
        yield f"maxReplicas is {spec['maxReplicas']}, less than the {s['maxReplicas']} that a burst asks for"


# ---- errors that must be caught ----


def planted(w, folder):
    """(what, the claim that must fail, the world with the error)"""

    def world(**changes):
        other = copy.copy(w)
        for name, value in changes.items():
            setattr(other, name, value)
        return other

    def changed(value, change):
        value = copy.deepcopy(value)
        change(value)
        return value

    def source(name, old, new):
        """The simulator with an error in one of its files."""
        there = os.path.join(folder, f"plant{len(os.listdir(folder))}")
        shutil.copytree(SCALE, os.path.join(there, "bench", "scale"), ignore=shutil.ignore_patterns("__pycache__"))
        os.symlink(os.path.join(ROOT, "src"), os.path.join(there, "src"))
        path = os.path.join(there, "bench", "scale", name)
        with open(path, encoding="utf-8") as f:
            before = f.read()
        assert before.count(old) == 1, f"{name} has no single '{old}'"
        with open(path, "w", encoding="utf-8") as f:
            f.write(before.replace(old, new))
        program = [sys.executable, "-c", "import scaling, sys; print(scaling.build(sys.argv[1]))", there]
        return subprocess.run(program, cwd=os.path.dirname(path), capture_output=True, text=True, check=True).stdout.strip()

    yield "threads that share a processor at full pace each", closed_forms, world(program=source("pods.c", "return n <= cores ? 1 : cores / n;", "return n <= 2 * cores ? 1 : 2 * cores / n;"))
    yield "a limit of requests that lets one more in", loss_form, world(program=source("pods.c", "fleet_in_flight(p) >= f->in_flight_limit", "fleet_in_flight(p) > f->in_flight_limit"))
    yield "an autoscaler that forgets pods without a figure", proposals, world(program=source("autoscaler.c", "counted += missing;", "counted += 0;"))
    yield "a seed that is not used", same_bytes, world(program=source("simulate.c", "r->s = normal;", "r->s = normal; count = count > 2 && strcmp(args[count - 1], \"seed=2\") == 0 ? count - 1 : count;"))
    yield "a shed request that nobody saw", runs_again, world(results=changed(w.results, lambda r: r["runs"][0].update(shed=1)))
    yield "a slower core that was not simulated", words_follow, world(capacity=changed(w.capacity, lambda c: c["lines"]["kept"].update(cpu_us=5000)))
    yield "a setting that the search did not find", settings_follow, world(settings={**w.settings, "minReplicas": 2})
    yield "more turned away than the levels allow", levels_hold, world(results=changed(w.results, lambda r: next(x for x in r["runs"] if (x["load"], x["traffic"]) == (100, "marketing")).update(shed=10**6)))
    yield "a price that went up", costs_follow, world(assumptions=changed(w.assumptions, lambda a: a["prices"]["vcpu_hour"].update(value=0.09)))
    yield "a price from nowhere", costs_follow, world(assumptions=changed(w.assumptions, lambda a: a["prices"]["log_gib"].update(source="")))
    yield "a figure of the page that somebody mended", page_follows, world(page=w.page.replace(document.figures(w.model(), w.results)["core"], "9,999"))
    yield "a figure typed by hand", nothing_by_hand, world(template=w.template + "\nIt answers within 12 ms.\n")
    yield "a metric that there is not", metrics_exist, world(page=w.page + "\n`assay_requests_lost_total`\n")
    if w.overlay is not None:
        scaler = lambda objects: next(d for d in objects if d["kind"] == "HorizontalPodAutoscaler")["spec"]  # noqa: E731
        yield "an overlay with another minimum", overlay_agrees, world(overlay=changed(w.overlay, lambda o: scaler(o).update(minReplicas=1)))
        yield "an overlay that shrinks at once", overlay_agrees, world(overlay=changed(w.overlay, lambda o: scaler(o)["behavior"]["scaleDown"].update(stabilizationWindowSeconds=0)))


CLAIMS = [same_bytes, closed_forms, loss_form, proposals, runs_again, words_follow, settings_follow, levels_hold, costs_follow]
CLAIMS += [page_follows, nothing_by_hand, metrics_exist]


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="assay-scale-") as folder:
        w = World(scaling.build(folder))
        claims = [*CLAIMS, overlay_agrees] if w.overlay is not None else CLAIMS
        for claim in claims:
            faults = list(claim(w))
            failed += bool(faults)
            print(f"{'FAILED' if faults else 'ok'} scale: {claim.__doc__}")
            for fault in faults[:5]:
                print(f"    {fault}")
        if w.overlay is None:
            print("SKIPPED scale: overlays are not compared with settings.json (no deploy/kubernetes/overlays/prod, or no kubectl)")
        caught = total = 0
        for what, claim, other in planted(w, folder):
            total += 1
            if list(claim(other)):
                caught += 1
            else:
                failed += 1
                print(f"FAILED scale: not caught: {what}")
        print(f"{'ok' if caught == total else 'FAILED'} scale: {caught} of {total} planted errors are caught")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
