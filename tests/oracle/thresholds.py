"""Recompute thresholds.csv, the certificates and stability.csv's counts by other means.

    python tests/oracle/thresholds.py --run FOLDER

From validation.csv (labels, slices, out-of-fold probabilities), decisions.csv (the customers scored)
and policy costs in metrics.json, with scipy's beta and binomial distributions: precision and recall
with their Clopper-Pearson intervals, expected cost and net benefit with theirs, the thresholds that
capacity needs, and the certificate: which sets are tested, where it ends, what is certified instead.
Figures must agree within 1e-9 of their value, counts exactly.
"""
import argparse
import json
import math
import sys

import numpy as np
import pandas as pd
from scipy.stats import beta, binom

NORMAL = 1.959963984540054
FIRST_SET = 14  # a smaller set is no ground for a rule
LEVELS = [0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95]


class Check:
    """Counts what was compared and says what differs."""

    def __init__(self):
        self.compared, self.problems = 0, []

    def same(self, what, stated, mine):
        self.compared += 1
        stated = math.nan if stated is None else float(stated)
        mine = float(mine)
        if math.isnan(stated) and math.isnan(mine):
            return
        if not math.isclose(stated, mine, rel_tol=1e-9, abs_tol=1e-9):
            self.problems.append(f"{what}: stated {stated!r}, the oracle has {mine!r}")


def clopper_pearson(k, n, side=0.025):
    if n == 0:
        return math.nan, math.nan, math.nan
    low = beta.ppf(side, k, n - k + 1) if k > 0 else 0.0
    high = beta.ppf(1 - side, k + 1, n - k) if k < n else 1.0
    return k / n, low, high


def mean_interval(values):
    """Normal, of a mean over customers."""
    if len(values) < 2:
        return math.nan, math.nan, math.nan
    half = NORMAL * np.std(values, ddof=1) / math.sqrt(len(values))
    return values.mean(), values.mean() - half, values.mean() + half


def net_benefit(label, chosen, threshold):
    if not 0 <= threshold < 1:
        return math.nan, math.nan, math.nan
    odds = threshold / (1 - threshold)
    return mean_interval(np.where(chosen, np.where(label == 1, 1.0, -odds), 0.0))


def highest(scores, k):
    """The lowest threshold that at most k of them reach: whoever ties at the cut stays out."""
    chosen = [t for t in np.unique(scores) if (scores >= t).sum() <= k]
    return min(chosen) if chosen else math.inf


def check_row(check, name, row, label, p, scored, costs):
    threshold = math.inf if math.isnan(row.threshold) else row.threshold
    chosen = p >= threshold
    check.same(name + " customers", row.customers, len(p))
    check.same(name + " positives", row.positives, label.sum())
    check.same(name + " selected", row.selected, chosen.sum())
    check.same(name + " hits", row.hits, label[chosen].sum())
    ends = ("", "_low", "_high")
    for end, mine in zip(ends, clopper_pearson(label[chosen].sum(), chosen.sum())):
        check.same(f"{name} precision{end}", row["precision" + end], mine)
    for end, mine in zip(ends, clopper_pearson(label[chosen].sum(), label.sum())):
        check.same(f"{name} recall{end}", row["recall" + end], mine)
    if scored is not None:
        check.same(name + " reviews", row.reviews, (scored >= threshold).sum())
    cost = np.where(chosen, costs["review"]["good"], label * costs["nothing"]["risky"])
    for end, mine in zip(ends, mean_interval(cost)):
        check.same(f"{name} expected_cost{end}", row["expected_cost" + end], mine)
    for end, mine in zip(ends, net_benefit(label, chosen, threshold)):
        check.same(f"{name} net_benefit{end}", row["net_benefit" + end], mine)
    everybody = net_benefit(label, np.ones(len(p), dtype=bool), threshold)[0]
    check.same(name + " net_benefit_all", row.net_benefit_all, everybody)


def check_prevalence(check, name, mark, label):
    """Precision restated at other shares of risky customers, with bounds that hold together."""
    positives, negatives = int(label.sum()), int((1 - label).sum())
    hits, wrong = mark["hits"], mark["selected"] - mark["hits"]
    recall = clopper_pearson(hits, positives, 0.0125)
    mistaken = clopper_pearson(wrong, negatives, 0.0125)
    for one in mark["precision_at_prevalence"]:
        share = one["prevalence"]
        for end, of, other in (("value", 0, 0), ("low", 1, 2), ("high", 2, 1)):
            right, rest = recall[of] * share, mistaken[other] * (1 - share)
            defined = mark["selected"] > 0 and positives and negatives and right + rest > 0
            check.same(f"{name} precision at {share} {end}", one["precision"][end],
                       right / (right + rest) if defined else math.nan)


def least(errors, precision, confidence, most):
    """By trying every size: the first whose p-value with so many errors is small enough."""
    if precision >= 1 or confidence >= 1:
        return None
    sizes = np.arange(errors + 1, most + 1)
    enough = binom.sf(sizes - errors - 1, sizes, precision) <= 1 - confidence
    return int(sizes[enough.argmax()]) if enough.any() else None


def certify(label, p, precision, confidence):
    """Learn-then-Test along fixed sizes, as docs/thresholds.md states it."""
    order = np.argsort(-p, kind="stable")
    p, right = p[order], np.cumsum(label[order])
    result = {"tested": 0, "selected": 0, "errors": 0, "ended": None, "first": None}
    last = 0
    for errors in range(len(p)):
        size = least(errors, precision, confidence, len(p))
        if size is None:
            break
        if size < FIRST_SET:
            continue
        size = int((p >= p[size - 1]).sum())  # equal probabilities stay together
        if size <= last:
            continue
        last = size
        hits = int(right[size - 1])
        one = {"selected": size, "errors": size - hits, "threshold": p[size - 1],
               "low": beta.ppf(1 - confidence, hits, size - hits + 1) if hits else 0.0,
               "p_value": binom.sf(hits - 1, size, precision)}
        result["first"] = result["first"] or one
        result["tested"] += 1
        if one["p_value"] > 1 - confidence:
            result["ended"] = one
            break
        result.update(one)
    return result


def check_certificate(check, name, stated, label, p):
    mine = certify(label, p, stated["precision"], stated["confidence"])
    check.same(name + " sets_tested", stated["sets_tested"], mine["tested"])
    check.same(name + " certified", stated["certified"], mine["selected"] > 0)
    check.same(name + " customers", stated["customers"], len(p))
    for errors, size in enumerate(stated["least_without_and_with_errors"]):
        own = least(errors, stated["precision"], stated["confidence"], 5000)
        check.same(f"{name} least with {errors} errors", size, math.nan if own is None else own)
    if mine["selected"]:
        for key, own in (("threshold", "threshold"), ("selected", "selected"),
                         ("errors", "errors"), ("precision_low", "low")):
            check.same(f"{name} {key}", stated.get(key), mine[own])
    for key, own in (("ended_at", mine["ended"]), ("strictest", mine["first"])):
        check.same(f"{name} has {key}", key in stated, own is not None)
        for field, value in stated.get(key, {}).items() if own else ():
            check.same(f"{name} {key} {field}", value,
                       own["low" if field == "precision_low" else field])
    return mine["selected"] > 0


def check_stability(check, folder, stated):
    sheet = pd.read_csv(folder + "/stability.csv", dtype={"customer_id": str})
    check.same("stability customers", stated["customers"], len(sheet))
    check.same("stability listed", stated["listed"], sheet.on_list.sum())
    mine = sheet[sheet.on_list]
    others = sheet[~sheet.on_list]
    for kind in ("seeds", "folds"):
        one, runs = stated[kind], stated[kind]["runs"]
        share = mine[kind + "_on_list"] / runs
        check.same(kind + " in all", one["on_list_in_all"], (share == 1).sum())
        check.same(kind + " in 8 of 10", one["on_list_in_8_of_10"],
                   ((share >= 0.8 - 1e-12) & (share < 1)).sum())
        check.same(kind + " in half", one["on_list_in_half"],
                   ((share >= 0.5) & (share < 0.8 - 1e-12)).sum())
        check.same(kind + " in fewer", one["on_list_in_fewer"], (share < 0.5).sum())
        check.same(kind + " newcomers", one["not_listed_but_in_half"],
                   (others[kind + "_on_list"] / runs >= 0.5).sum())
        check.same(kind + " listed", sum(one["listed"]), sheet[kind + "_on_list"].sum())
        places = [sheet[f"{kind}_{s}"] for s in ("low", "medium", "high")]
        check.same(kind + " segments", (sum(places) == runs).sum(), len(sheet))
        own = sum(np.where(sheet.segment == s.capitalize(), sheet[f"{kind}_{s}"], 0)
                  for s in ("low", "medium", "high"))
        check.same(kind + " same segment", one["same_segment_in_all"], (own == runs).sum())
        check.same(kind + " jaccard_mean", one["jaccard_mean"], np.mean(one["jaccard"]))
        check.same(kind + " jaccard_low", one["jaccard_low"], min(one["jaccard"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()
    with open(args.run + "/metrics.json", encoding="utf-8") as file:
        metrics = json.load(file)
    stated, validation = metrics["thresholds"], metrics["validation"]
    sheet = pd.read_csv(args.run + "/validation.csv", dtype={"customer_id": str})
    table = pd.read_csv(args.run + "/thresholds.csv", dtype={"mark": str}, keep_default_na=True)
    scored = pd.read_csv(args.run + "/decisions.csv").probability.to_numpy()
    runs = [sheet[f"p_{validation['chosen']}_{r + 1}"].to_numpy()
            for r in range(validation["repeats"])]
    p_all = sum(runs) / len(runs)  # added up in the order of repeats, as the program does
    check = Check()
    review, nothing = stated["costs"]["review"]["good"], stated["costs"]["nothing"]["risky"]
    check.same("the High threshold from the costs", stated["high"], review / nothing)
    check.same("the Medium threshold from the costs", stated["medium"],
               stated["costs"]["monitor"]["good"] / nothing)
    wrong = stated["costs"]["exit"]["good"]
    check.same("the off-boarding threshold from the costs", stated["offboarding"],
               wrong / (wrong + nothing))
    for one in stated["strata"]:
        inside = sheet[one["stratum"]].to_numpy() == 1
        label, p = sheet.label.to_numpy()[inside], p_all[inside]
        rows = table[table.stratum == one["stratum"]]
        grid = rows[rows.mark.isna()]
        check.same("grid", len(grid), 99)
        check.same("grid steps", np.abs(grid.threshold - np.arange(1, 100) / 100).max(), 0)
        for _, row in rows.iterrows():
            name = f"{one['stratum']} {row.mark} {row.threshold}"
            check_row(check, name, row, label, p, scored, stated["costs"])
        by_mark = rows[rows.mark.notna()].set_index("mark").threshold.fillna(math.inf)
        for mark in ("medium", "high", "offboarding"):
            check.same(f"{one['stratum']} {mark}", by_mark[mark], stated[mark])
        for mark in one["marks"]:
            check_prevalence(check, f"{one['stratum']} {mark['mark']}", mark, label)
        if "capacity" in stated:
            reviews = stated["capacity"]["reviews"]
            for mark, scores, most in (("capacity", scored, reviews),
                                       ("capacity_worked", scored, int(0.8 * reviews)),
                                       ("top", p, reviews)):
                mine = highest(scores, most)
                check.same(f"{one['stratum']} {mark} is infinite", math.isinf(by_mark[mark]),
                           math.isinf(mine))
                if not math.isinf(mine):
                    check.same(f"{one['stratum']} {mark}", by_mark[mark], mine)
        segment = np.where(p >= stated["high"], review,
                           np.where(p >= stated["medium"], stated["costs"]["monitor"]["good"],
                                    label * nothing))
        for end, mine in zip(("value", "low", "high"), mean_interval(segment)):
            check.same(f"{one['stratum']} cost of segments {end}",
                       one["expected_cost_of_segments"][end], mine)
        watched = (p >= stated["medium"]) & (p < stated["high"])
        for end, mine in zip(("value", "low", "high"),
                             mean_interval(segment + watched * label * nothing)):
            check.same(f"{one['stratum']} cost of segments, watching blind {end}",
                       one["expected_cost_of_segments_watching_blind"][end], mine)
        check_certificate(check, one["stratum"], one["certificate"], label, p)
        asked = one["certificate"]
        certified = sum(certify(label, run[inside], asked["precision"],
                                asked["confidence"])["selected"] > 0 for run in runs)
        check.same(one["stratum"] + " repeats_certified", asked["repeats_certified"], certified)
        check.same("levels", len(one["other_levels"]), len(LEVELS))
        passed = [check_certificate(check, f"{one['stratum']} {level}", other, label, p)
                  for level, other in zip(LEVELS, one["other_levels"])]
        reached = passed.index(False) if False in passed else len(passed)
        check.same(one["stratum"] + " levels_reached", one["levels_reached"], reached)
    if "stability" in metrics:
        check_stability(check, args.run, metrics["stability"])

    for problem in check.problems:
        print("problem: " + problem)
    print(f"thresholds: {len(stated['strata'])} strata, {len(table)} rows, {check.compared} figures "
          f"compared, {len(check.problems)} mismatches")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
