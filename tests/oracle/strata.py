"""Recompute cells, weights, reweighted figures and the quoted slice of a run with scikit-learn.

    python tests/oracle/strata.py --run FOLDER

Cells come from features.csv, labels and probabilities from validation.csv; what metrics.json and
strata.csv say must agree within 1e-9. Bootstrap intervals come from other draws (of customers
within their cell), so their ends may differ by a fifth of their width.
"""
import argparse
import json
import math
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn import metrics as reference

DRAWS = 300
ENDS_APART = 0.2
CLASS_MIN = 10


def calibration_error(y, p, w):
    """Ten bins of equal weight in order of p; a customer across a border is shared out."""
    order = np.argsort(p, kind="stable")
    edges = np.concatenate([[0], np.cumsum(w[order])])
    total, error = edges[-1], 0.0
    for b in range(10):
        low, high = b * total / 10, (b + 1) * total / 10
        share = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
        error += abs(np.sum(share * (p[order] - y[order])))
    return error / total


METRICS = {
    "auc": lambda y, p, w, t: reference.roc_auc_score(y, p, sample_weight=w),
    "pr_auc": lambda y, p, w, t: reference.average_precision_score(y, p, sample_weight=w),
    "brier": lambda y, p, w, t: reference.brier_score_loss(y, p, sample_weight=w),
    "log_loss": lambda y, p, w, t: reference.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15),
                                                      sample_weight=w),
    "ece": lambda y, p, w, t: calibration_error(y, p, w),
    "accuracy": lambda y, p, w, t: reference.accuracy_score(y, p >= t, sample_weight=w),
    "precision": lambda y, p, w, t: reference.precision_score(y, p >= t, sample_weight=w,
                                                              zero_division=np.nan),
    "recall": lambda y, p, w, t: reference.recall_score(y, p >= t, sample_weight=w),
    "f1": lambda y, p, w, t: reference.f1_score(y, p >= t, sample_weight=w)}


class Check:
    def __init__(self):
        self.compared, self.problems = 0, []

    def same(self, what, stated, mine):
        self.compared += 1
        stated = math.nan if stated is None else stated
        if math.isnan(stated) and math.isnan(mine):
            return
        if not math.isclose(stated, mine, rel_tol=1e-9, abs_tol=1e-9):
            self.problems.append(f"{what}: the run has {stated!r}, the oracle {mine!r}")

    def true(self, what, holds):
        self.compared += 1
        if not holds:
            self.problems.append(what)


def cell_of(features):
    first = features.tenure_days
    return np.where(features.events == 0, 0, np.where(first < 7, 1, np.where(first < 28, 2, 3)))


def quoted(slices, scored):
    """The rule of docs/strata.md: from the book's slices (name, customers, positives, scored)."""
    def enough(s):
        return s["positives"] >= CLASS_MIN and s["customers"] - s["positives"] >= CLASS_MIN
    book = [s for s in slices if s["name"] not in ("NOTX", "REWEIGHTED")]
    best = book[0]
    for one in book[1:]:
        if scored and 2 * one["scored"] >= scored and enough(one) and \
                one["customers"] < best["customers"]:
            best = one
    weighted = [s for s in slices if s["name"] == "REWEIGHTED"]
    if best is book[0] and scored and weighted and enough(weighted[0]):
        best = weighted[0]
    return best["name"]


def check_interval(check, stated, y, p, w, cell):
    random = np.random.default_rng(11)
    members = [np.flatnonzero(cell == c) for c in np.unique(cell)]
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([random.choice(m, len(m)) for m in members])
        if 0 < y[rows].sum() < len(rows):
            drawn.append(np.mean([METRICS["auc"](y[rows], one[rows], w[rows], 0) for one in p]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    for end, own in (("low", low), ("high", high)):
        check.true(f"reweighted auc: {end} is {stated[end]}, the oracle's draws give {own:.4f}",
                   abs(stated[end] - own) <= ENDS_APART * (high - low))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with open(args.run + "/metrics.json", encoding="utf-8") as file:
        stated = json.load(file)
    sheet = pd.read_csv(args.run + "/validation.csv", dtype={"customer_id": str})
    features = pd.read_csv(args.run + "/features.csv", dtype={"customer_id": str})
    features["cell"] = cell_of(features)
    scored = features[features.cohort != "labelled"]
    labelled = features.set_index("customer_id").loc[sheet.customer_id]
    y, cell = sheet.label.to_numpy(), labelled.cell.to_numpy()
    check = Check()

    reweighted = stated["reweighted"]
    counts = scored.cell.value_counts()
    covered = sum(n for c, n in counts.items() if (cell == c).any())
    check.same("scored", reweighted["scored"], len(scored))
    check.same("uncovered", reweighted["scored_uncovered"], len(scored) - covered)
    weight = np.zeros(len(y))
    for c, one in enumerate(reweighted["cells"]):
        inside = cell == c
        mine = counts.get(c, 0) / covered / inside.mean() if inside.any() and covered else 0.0
        check.same(one["name"] + " labelled", one["labelled"], int(inside.sum()))
        check.same(one["name"] + " positives", one["positives"], int(y[inside].sum()))
        check.same(one["name"] + " scored", one["scored"], int(counts.get(c, 0)))
        check.same(one["name"] + " weight", one["weight"], mine)
        weight[inside] = mine
    if covered:
        check.same("Kish", reweighted["effective_customers"],
                   weight.sum() ** 2 / (weight ** 2).sum())
        own = weight[y == 1]
        check.same("Kish, positives", reweighted["effective_positives"],
                   own.sum() ** 2 / (own ** 2).sum())
    kept = weight > 0
    for candidate in reweighted["candidates"]:
        figures = candidate["strata"][0]
        runs = [sheet[f"p_{candidate['name']}_{r + 1}"].to_numpy()[kept]
                for r in range(figures["repeats"])]
        for metric, function in METRICS.items():
            values = [function(y[kept], p, weight[kept], figures["threshold"]) for p in runs]
            values = [v for v in values if not math.isnan(v)]
            check.same(f"{candidate['name']} reweighted {metric}",
                       figures["metrics"][metric]["value"],
                       float(np.mean(values)) if values else math.nan)
        if candidate["name"] == stated["validation"]["chosen"]:
            check_interval(check, figures["metrics"]["auc"], y[kept], runs, weight[kept],
                           cell[kept])
            chosen = figures

    slices = stated["strata"]
    rows = pd.read_csv(args.run + "/strata.csv")
    masks = {s["name"]: sheet[s["name"]].to_numpy() == 1 for s in slices if s["name"] in sheet}
    masks["NOTX"], masks["REWEIGHTED"] = cell == 0, kept
    of = {"ALL": len(scored), "TX": int((scored.events > 0).sum()),
          "MAT": int((scored.tenure_days >= 28).sum()), "NOTX": int(counts.get(0, 0)),
          "REWEIGHTED": covered}
    name = stated["validation"]["chosen"]
    p = np.array([sheet[f"p_{name}_{r + 1}"] for r in range(stated["validation"]["repeats"])])
    for one in slices:
        inside = masks[one["name"]]
        check.same(one["name"] + " customers", one["customers"], int(inside.sum()))
        check.same(one["name"] + " positives", one["positives"], int(y[inside].sum()))
        check.same(one["name"] + " scored", one["scored"], of[one["name"]])
        enough = CLASS_MIN <= one["positives"] <= one["customers"] - CLASS_MIN
        check.true(one["name"] + " says it has enough, or not, wrongly", one["enough"] == enough)
        row = rows[(rows.slice == one["name"]) & (rows.metric == "auc")].iloc[0]
        mine = math.nan
        if enough and one["name"] == "REWEIGHTED":
            mine = chosen["metrics"]["auc"]["value"]
        elif enough:
            mine = float(np.mean([reference.roc_auc_score(y[inside], q[inside]) for q in p]))
        check.same(f"strata.csv {one['name']}", row.value, mine)
        check.true(f"strata.csv {one['name']} has neither a figure nor a sentence",
                   enough or isinstance(row.says, str))
    check.true("another slice ought to be quoted",
               stated["headline"]["slice"] == quoted(slices, len(scored)))

    for problem in check.problems:
        print("problem: " + problem)
    print(f"strata: {len(sheet)} customers in {len(reweighted['cells'])} cells, "
          f"{check.compared} figures compared, {len(check.problems)} mismatches")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
