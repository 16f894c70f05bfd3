#!/usr/bin/env python3
"""assay monitor's figures, computed again with scipy from the log, the labels and the bundle.

    monitor.py ASSAY RUN OUT

A log is made up from the run (tests/tools/prediction_log.py); counts by bin come from the bundle's
cuts alone, tests from scipy.stats, slopes from scipy.optimize, intervals from scipy's beta.
"""
import csv
import datetime
import json
import math
import os
import subprocess
import sys

import numpy as np
from scipy import optimize, stats

ASSAY, RUN, OUT = sys.argv[1:4]
failures = []


def check(name, seen, expected, tolerance=1e-9):
    if seen is None or expected is None or (isinstance(expected, float) and math.isnan(expected)):
        same = seen is None and (expected is None or math.isnan(expected))
    else:
        same = abs(seen - expected) <= tolerance * max(1, abs(expected))
    if not same:
        failures.append(f"{name}: {seen}, not {expected}")


def bin_of(item, value):
    if "values" in item:
        bins = len(item["values"]) + 2
        if value is None:
            return bins - 1
        return item["values"].index(value) if value in item["values"] else bins - 2
    if value is None:
        return len(item["cuts"]) + 1
    return int(np.searchsorted(item["cuts"], float(value), side="left"))


def psi(was, now):
    n, m = sum(was), sum(now)
    total = 0.0
    for a, b in zip(was, now):
        if a + b > 0:
            e, s = (a or 0.5) / n, (b or 0.5) / m
            total += (s - e) * math.log(s / e)
    return total


def test(item, was, now):
    """p of the values that are there, as docs/monitor.md says."""
    was, now = np.array(was[:-1]), np.array(now[:-1])
    n, m = was.sum(), now.sum()
    used = np.flatnonzero(was + now)
    if n == 0 or m == 0 or len(used) < 2:
        return "none", None
    if len(used) == 2:
        return "fisher", stats.fisher_exact([[now[used[1]], now[used[0]]],
                                             [was[used[1]], was[used[0]]]])[1]
    if "values" in item:
        share = (was + now) / (n + m)
        few = (share * min(n, m) < 5) & (share > 0)
        cells = [[w, k] for w, k, f, s in zip(was, now, few, share) if s > 0 and not f]
        if few.any():
            cells.append([was[few].sum(), now[few].sum()])
        if len(cells) < 2:
            return "chi_squared", None
        return "chi_squared", stats.chi2_contingency(np.array(cells).T, correction=False)[1]
    d = np.abs(np.cumsum(was) / n - np.cumsum(now) / m).max()
    if d == 0:
        return "kolmogorov", 1.0
    # Samples whose values are the bins have this very D; ties make scipy's exact p the same bound.
    one, other = np.repeat(np.arange(len(was)), was), np.repeat(np.arange(len(now)), now)
    exact = stats.ks_2samp(one, other, method="exact")
    check("distance", d, exact.statistic, 1e-12)
    if n * m <= 4e6:
        return "kolmogorov", exact.pvalue
    root = math.sqrt(n * m / (n + m))
    return "kolmogorov", stats.kstwobign.sf((root + 0.12 + 0.11 / root) * d)


def slope_of(p, y):
    x = np.log(p / (1 - p))

    def loss(b):
        z = b[0] + b[1] * x
        return np.sum(np.logaddexp(0, z) - y * z)

    return optimize.minimize(loss, [0, 1], method="BFGS", options={"gtol": 1e-10}).x


def interval(k, n):
    low = 0 if k == 0 else stats.beta.ppf(0.025, k, n - k + 1)
    high = 1 if k == n else stats.beta.ppf(0.975, k + 1, n - k)
    return low, high


def parse(time):
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))


def main():
    log = os.path.join(OUT, "log")
    subprocess.run([sys.executable, "tests/tools/prediction_log.py", RUN, log, "--copies", "8",
                    "--days", "200", "--shift", "outflow"], check=True)
    subprocess.run([ASSAY, "monitor", "--bundle", f"{RUN}/bundle", "--quiet", "--window", "7d",
                    "--predictions", f"{log}/predictions.ndjson", "--labels", f"{log}/labels.csv",
                    "--feedback", f"{log}/feedback.ndjson", "--groups", f"{log}/groups.csv",
                    "--out", f"{OUT}/monitor"], check=True, stdout=subprocess.DEVNULL)
    seen = json.load(open(f"{OUT}/monitor/monitor.json"))
    items = json.load(open(f"{RUN}/bundle/bundle.json"))["distributions"]["list"]
    items = [i for i in items if i["of"] != "stratum"]
    lines = [json.loads(line) for line in open(f"{log}/predictions.ndjson")]
    until = max(parse(line["time"]) for line in lines)
    window = datetime.timedelta(days=7)
    now = [line for line in lines if parse(line["time"]) > until - window]
    before = [line for line in lines if until - 2 * window < parse(line["time"]) <= until - window]
    check("customers", seen["now"]["customers"], len(now))
    check("customers before", seen["before"]["customers"], len(before))
    check("mean probability", seen["now"]["mean_probability"],
          float(np.mean([line["probability"] for line in now])))

    def value(line, item):
        if item["of"] == "score":
            return line["probability"]
        return line["segment"] if item["of"] == "segment" else line["features"][item["name"]]

    p, missing_p = [], []
    features = [d for d in seen["drift"] if d["kind"] == "feature"]
    for item, d in zip(items, seen["drift"]):
        count = [[0] * len(item["counts"]) for _ in range(2)]
        for k, part in enumerate((now, before)):
            for line in part:
                count[k][bin_of(item, value(line, item))] += 1
        name = item["name"]
        check(f"{name} psi", d["psi"], psi(item["counts"], count[0]))
        check(f"{name} psi before", d["psi_before"], psi(count[1], count[0]))
        which, one = test(item, item["counts"], count[0])
        if which != d["test"]:
            failures.append(f"{name}: test {d['test']}, not {which}")
        check(f"{name} p", d["p"], one, 1e-6)
        lost = stats.fisher_exact([[count[0][-1], sum(count[0][:-1])],
                                   [item["counts"][-1], sum(item["counts"][:-1])]])[1]
        check(f"{name} missing p", d["missing_p"], lost, 1e-6)
        if item["of"] == "feature":
            p.append(math.nan if one is None else one)
            missing_p.append(lost)
    for values, key in ((p, "q"), (missing_p, "missing_q")):
        known = [i for i, one in enumerate(values) if not math.isnan(one)]
        for i, q in zip(known, stats.false_discovery_control([values[i] for i in known])):
            check(f"{features[i]['name']} {key}", features[i][key], q, 1e-6)
    if not any(d["verdict"] == "act" and d["name"] == "outflow" for d in features):
        failures.append("the feature that was shifted is not found")

    label = {row["decision_id"]: row for row in csv.DictReader(open(f"{log}/labels.csv"))}
    mature = [line for line in lines if parse(line["time"]) <= until - datetime.timedelta(days=90)]
    for cohort in seen["cohorts"]:
        part = [line for line in mature if cohort["cohort"] in ("all", line["time"][:7])]
        check("decisions", cohort["decisions"], len(part))
        part = [line for line in part if line["decision_id"] in label]
        y = np.array([int(label[line["decision_id"]]["label"]) for line in part])
        score = np.array([line["probability"] for line in part])
        check("labelled", cohort["labelled"], len(part))
        check("positives", cohort["positives"], int(y.sum()))
        proposed = np.array([line["action"] == "PROPOSE_OFFBOARDING" for line in part])
        n, k = int(proposed.sum()), int((proposed & (y == 1)).sum())
        check("right", cohort["right"], k)
        if n > 0:
            low, high = interval(k, n)
            check("precision low", cohort["precision"]["low"], low, 1e-9)
            check("precision high", cohort["precision"]["high"], high, 1e-9)
            check("one-sided", cohort["precision_not_below"],
                  0 if k == 0 else stats.beta.ppf(0.05, k, n - k + 1), 1e-9)
        if min(y.sum(), len(y) - y.sum()) >= 10:
            intercept, slope = slope_of(score, y)
            check("slope", cohort["slope"]["value"], slope, 1e-4)
            check("intercept", cohort["intercept"]["value"], intercept, 1e-4)
        check("brier", cohort["brier"], float(np.mean((score - y) ** 2)))

    channel = {row["customer_id"]: row["channel"] for row in csv.DictReader(
        open(f"{log}/groups.csv"))}
    for group in seen["groups"]:
        part = [line for line in now if channel[line["customer"]] == group["group"]]
        check("group", group["customers"], len(part))
        check("group acted", group["acted"],
              sum(line["action"] not in ("RETAIN", "MONITOR") for line in part))
    print(f"{len(seen['drift'])} items, {len(seen['cohorts'])} cohorts, "
          f"{len(seen['groups'])} groups, {len(failures)} failures")
    for failure in failures[:20]:
        print(failure)
    sys.exit(1 if failures else 0)


main()
