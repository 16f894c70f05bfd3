"""Recompute the figures of metrics.json with scikit-learn from validation.csv.

    python tests/oracle/metrics.py --customers labelled_users.csv --run FOLDER

validation.csv holds the out-of-fold probabilities of every candidate in every repeat, and those of the
procedure that chooses among them inside the folds; trials.csv every trial of every search. Values,
spreads over repeats, confusions and log-loss errors must agree within 1e-9; bootstrap intervals
come from other draws here, so their ends may differ by a fifth of their width. So may those of AUC
(DeLong's variance on the logit scale), Brier score and log loss (variance by class on the log scale),
because who is linked is not in the file; tests/unit/metric_coverage_test.c holds them to the digit.
"""
import argparse
import json
import math
import sys
import warnings

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn import metrics as reference

ECE_BINS = 10
DRAWS = 200
ENDS_APART = 0.2  # of the interval's width
POSITIVE, NEGATIVE = {"SUSPENDED"}, {"ACTIVE"}


def calibration_error(label, p):
    """Bins of equal count in order of p; equal probabilities in order of the file."""
    order = np.argsort(p, kind="stable")
    edges = [b * len(p) // ECE_BINS for b in range(ECE_BINS + 1)]
    gaps = [abs(np.sum(p[order[a:b]] - label[order[a:b]])) for a, b in zip(edges, edges[1:])]
    return sum(gaps) / len(p)


def both_classes(function):
    return lambda y, p, _: function(y, p) if 0 < y.sum() < len(y) else math.nan


METRICS = {
    "auc": both_classes(reference.roc_auc_score),
    "pr_auc": lambda y, p, _: reference.average_precision_score(y, p) if y.any() else math.nan,
    "brier": lambda y, p, _: reference.brier_score_loss(y, p, pos_label=1),
    "log_loss": lambda y, p, _: reference.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15), labels=[0, 1]),
    "ece": lambda y, p, _: calibration_error(y, p),
    "accuracy": lambda y, p, t: reference.accuracy_score(y, p >= t),
    "precision": lambda y, p, t: reference.precision_score(y, p >= t, zero_division=np.nan),
    "recall": lambda y, p, t: reference.recall_score(y, p >= t, zero_division=np.nan),
    "f1": lambda y, p, t: reference.f1_score(y, p >= t, zero_division=np.nan)}


class Check:
    """Counts what was compared and says what differs."""

    def __init__(self):
        self.compared, self.problems = 0, []

    def same(self, what, stated, mine, tolerance=1e-9):
        self.compared += 1
        stated = math.nan if stated is None else stated
        if math.isnan(stated) and math.isnan(mine):
            return
        if not math.isclose(stated, mine, rel_tol=tolerance, abs_tol=tolerance):
            self.problems.append(f"{what}: metrics.json has {stated!r}, the oracle {mine!r}")

    def true(self, what, holds):
        self.compared += 1
        if not holds:
            self.problems.append(what)


def mean_and_spread(values):
    values = [v for v in values if not math.isnan(v)]
    mean = float(np.mean(values)) if values else math.nan
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def bootstrap(label, runs, function, threshold):
    """Percentiles over draws of customers, stratified by label, each averaged over repeats."""
    random = np.random.default_rng(7)
    members = [np.flatnonzero(label == 1), np.flatnonzero(label == 0)]
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([random.choice(m, len(m)) for m in members])
        drawn.append(mean_and_spread([function(label[rows], p[rows], threshold) for p in runs])[0])
    return np.nanpercentile(drawn, [2.5, 97.5])


def contributions(label, runs, metric):
    """Of each customer, averaged over repeats; by class their means add up to the metric."""
    def placements(p):
        right = (p[label == 1][:, None] > p[label == 0]) + 0.5 * (p[label == 1][:, None] == p[label == 0])
        out = np.empty(len(label))
        out[label == 1], out[label == 0] = right.mean(axis=1), right.mean(axis=0)
        return out
    of = {"auc": placements, "brier": lambda p: (p - label) ** 2,
          "log_loss": lambda p: -np.log(np.clip(np.where(label == 1, p, 1 - p), 1e-15, 1))}[metric]
    return np.mean([of(p) for p in runs], axis=0)


def smooth_interval(label, runs, metric):
    """Student's t with Welch's degrees of freedom, on the scale on which no end is out of bounds."""
    v = contributions(label, runs, metric)
    share = {c: 1 if metric == "auc" else np.mean(label == c) for c in (0, 1)}
    parts = [share[c] ** 2 * v[label == c].var(ddof=1) / np.sum(label == c) for c in (0, 1)]
    value = v[label == 1].mean() if metric == "auc" else v.mean()
    if not sum(parts) > 0 or not 0 < value or (metric == "auc" and not value < 1):
        return None
    degrees = sum(parts) ** 2 / sum(q ** 2 / (np.sum(label == c) - 1) for c, q in enumerate(parts))
    reach = student.ppf(0.975, degrees) * math.sqrt(sum(parts)) / value
    if metric == "auc":
        middle, reach = math.log(value / (1 - value)), reach / (1 - value)
        return [1 / (1 + math.exp(-m)) for m in (middle - reach, middle + reach)]
    return [value * math.exp(-reach), value * math.exp(reach)]


def check_interval(check, what, stated, mine):
    width = max(mine[1] - mine[0], 1e-6)
    for end, own in zip(("low", "high"), mine):
        check.true(f"{what}: {end} is {stated[end]}, the oracle's draws give {own:.4f}",
                   abs(stated[end] - own) <= ENDS_APART * width)


def check_stratum(check, name, stated, label, runs, intervals):
    name += " " + stated["stratum"]
    threshold = stated["threshold"]
    check.same(name + " customers", stated["customers"], len(label))
    check.same(name + " positives", stated["positives"], int(label.sum()))
    check.same(name + " repeats", stated["repeats"], len(runs))
    check.true(name + " has another set of metrics", set(stated["metrics"]) == set(METRICS))
    for metric, function in METRICS.items():
        one = stated["metrics"][metric]
        mean, spread = mean_and_spread([function(label, p, threshold) for p in runs])
        check.same(f"{name} {metric}", one["value"], mean)
        check.same(f"{name} {metric} repeat_deviation", one["repeat_deviation"], spread)
        if min(label.sum(), (1 - label).sum()) < 2:
            continue
        if metric in ("auc", "brier", "log_loss"):
            mine = smooth_interval(label, runs, metric)
            if mine is not None:
                check_interval(check, f"{name} {metric}", one, mine)
        elif metric in intervals:
            check_interval(check, f"{name} {metric}", one,
                           bootstrap(label, runs, function, threshold))
    if len(label):
        (tn, fp), (fn, tp) = reference.confusion_matrix(label, np.mean(runs, axis=0) >= threshold,
                                                        labels=[0, 1])
        mine = {"true_positive": tp, "false_positive": fp, "true_negative": tn,
                "false_negative": fn}
        for cell, number in mine.items():
            check.same(f"{name} {cell}", stated["confusion"][cell], int(number))


def check_labels(check, paths, sheet):
    """Every labelled customer with one label, and no other; contradictory ones are kept out."""
    rows = pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False) for p in paths])
    states = rows.groupby("user_id").user_current_state.agg(set)
    label = {c: int(bool(s & POSITIVE)) for c, s in states.items()
             if bool(s & POSITIVE) != bool(s & NEGATIVE)}
    check.true("validation.csv has other customers than the labelled files give, or another order",
               list(sheet.customer_id) == sorted(label, key=str.encode))
    check.true("validation.csv has another label for a customer",
               all(label.get(c) == y for c, y in zip(sheet.customer_id, sheet.label)))


def check_strata(check, folder, sheet):
    """The slices that the book names, from the features they speak of."""
    features = pd.read_csv(folder + "/features.csv").set_index("customer_id")
    features = features.loc[sheet.customer_id]
    expected = {"ALL": np.ones(len(sheet), dtype=bool), "TX": features["events"].to_numpy() > 0,
                "MAT": features["tenure_days"].to_numpy() >= 28}  # missing is not
    for name, inside in expected.items():
        check.true(f"stratum {name} holds other customers", (sheet[name] == inside).all())
    return list(expected)


def losses(label, runs):
    """Each customer's log loss, averaged over repeats."""
    p = np.clip(np.array(runs), 1e-15, 1 - 1e-15)
    return -np.where(label == 1, np.log(p), np.log1p(-p)).mean(axis=0)


def error_of_mean(values):
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def check_reliability(check, stated, label, runs):
    """Bins partition the stratum, and each says the truth about the customers it covers."""
    p = np.mean(runs, axis=0)
    bins = stated["bins"]
    check.same("reliability customers", sum(b["customers"] for b in bins), len(p))
    check.same("reliability positives", sum(b["positives"] for b in bins), int(label.sum()))
    for i, b in enumerate(bins):
        name = f"reliability {stated['stratum']} bin {i + 1}"
        inside = (p >= b["probability_low"] - 1e-12) & (p <= b["probability_high"] + 1e-12)
        check.same(name + " customers", b["customers"], int(inside.sum()))
        check.same(name + " positives", b["positives"], int(label[inside].sum()))
        check.same(name + " mean", b["probability_mean"], float(p[inside].mean()))
        check.same(name + " share", b["positive_share"]["value"], float(label[inside].mean()))


CRITERIA = {"log_loss": (losses, 1),
            "brier": (lambda label, runs: np.mean([(p - label) ** 2 for p in runs], axis=0), 1),
            "auc": (reference.roc_auc_score, -1),
            "pr_auc": (reference.average_precision_score, -1)}


def value_of(criterion, label, runs):
    function, sign = CRITERIA[criterion]
    if sign > 0:
        return float(function(label, runs).mean())
    return float(np.mean([function(label, p) for p in runs]))


def check_choice(check, validation, label, runs):
    """The simplest candidate that the best does not beat by more than one standard error of their
    paired difference. Candidates stand from the simplest on; on a tie the simpler is best. The
    standard error of a mean loss is exact; that of an AUC is the program's own bootstrap's, held
    against other draws here."""
    criterion, names = validation["criterion"], [c["name"] for c in validation["candidates"]]
    function, sign = CRITERIA[criterion]
    value = [value_of(criterion, label, runs[name]) for name in names]
    best = min(range(len(names)), key=lambda k: (sign * value[k], k))
    check.true("another candidate is best", validation["best"] == names[best])
    random = np.random.default_rng(11)
    draws = [random.integers(0, len(label), len(label)) for _ in range(DRAWS)]
    beaten = []
    for k, candidate in enumerate(validation["candidates"]):
        check.same(names[k] + " criterion", candidate["criterion"], value[k])
        check.same(names[k] + " behind_best", candidate["behind_best"],
                   sign * (value[k] - value[best]))
        if sign > 0:
            paired = function(label, runs[names[k]]) - function(label, runs[names[best]])
            check.same(names[k] + " behind_best_error", candidate["behind_best_error"],
                       error_of_mean(paired))
        beaten.append(candidate["behind_best"] > candidate["behind_best_error"])
    chosen = beaten.index(False)
    check.true("the choice does not follow from the paired differences",
               validation["chosen"] == names[chosen])
    for k, candidate in enumerate(validation["candidates"]):
        if k == chosen:
            check.true("the chosen candidate is compared with itself",
                       "against_chosen" not in candidate)
            continue
        for measure in CRITERIA:
            told = candidate["against_chosen"][measure]
            mine = [value_of(measure, label[rows], [p[rows] for p in runs[names[k]]]) -
                    value_of(measure, label[rows], [p[rows] for p in runs[names[chosen]]])
                    for rows in draws]
            stated, worse = told["difference"], CRITERIA[measure][1]
            check.same(f"{names[k]} {measure} against the chosen", stated["value"],
                       value_of(measure, label, runs[names[k]]) -
                       value_of(measure, label, runs[names[chosen]]))
            check_interval(check, f"{names[k]} {measure} against the chosen", stated,
                           np.percentile(mine, [2.5, 97.5]))
            low, high = sorted((worse * stated["low"], worse * stated["high"]))
            verdict = "worse" if low > 0 else "better" if high < 0 else "cannot be told apart"
            check.true(f"{names[k]} {measure}: the verdict is not that of its interval",
                       told["verdict"] == verdict)


def check_nested(check, validation, sheet, label, nested):
    """Every probability of the nested procedure is that of one candidate in that repeat."""
    stated = validation["nested"]
    for stratum in stated["strata"]:
        inside = sheet[stratum["stratum"]].to_numpy() == 1
        check_stratum(check, "nested", stratum, label[inside], [p[inside] for p in nested], ())
    loss = losses(label, nested)
    check.same("nested log_loss", stated["log_loss"], float(loss.mean()))
    check.same("nested log_loss_error", stated["log_loss_error"], error_of_mean(loss))
    check.same("parts chosen in", sum(stated["chosen"].values()),
               validation["folds"] * validation["repeats"])
    for r, own in enumerate(nested):
        candidates = np.array([sheet[f"p_{name}_{r + 1}"] for name, times in
                               stated["chosen"].items() if times > 0])
        check.true(f"nested probabilities of repeat {r + 1} are no candidate's",
                   bool((candidates == own).any(axis=0).all()))


def check_trials(check, validation, trials):
    """Each search keeps one trial, its rungs halve, and the fits add up."""
    search = validation["search"]
    spaces = {c["name"]: c["search_space"] for c in validation["candidates"]}
    check.same("fits made", search["fits_made"], int(trials.inner_folds.sum()))
    check.same("fits planned", search["fits_planned"], search["fits_made"])
    for (name, repeat, fold), own in trials.groupby(["candidate", "repeat", "fold"]):
        what = f"search of {name} in repeat {repeat}, fold {fold}"
        own = own.set_index("trial")
        check.true(what + " keeps another number than one", int(own.kept.sum()) == 1)
        reached = [int((own.rung >= k).sum()) for k in range(1, own.rung.max() + 1)]
        halves = all(b == (a if a < 2 else max(2, (a + 1) // 2))
                     for a, b in zip(reached, reached[1:]))
        check.true(what + f" does not halve: {reached}", halves)
        check.true(what + " leaves the default setting behind", own.rung[0] == own.rung.max())
        check.true(what + " keeps a trial that was not judged to the end",
                   own.rung[own.kept].iloc[0] == own.rung.max())
        last = own[own.rung == own.rung.max()]
        if not own.kept[0]:
            check.true(what + " keeps another than the best",
                       last.log_loss[last.kept].iloc[0] == last.log_loss.min())
        for one in spaces[name]:
            values = own[one["setting"]]
            check.same(f"{what}: default {one['setting']}", float(values[0]), one["default"])
            check.true(f"{what}: {one['setting']} leaves its range",
                       bool(values.between(one["low"], one["high"]).all()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", action="append", required=True)
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # of metrics that are not defined: they are NaN here

    with open(args.run + "/metrics.json", encoding="utf-8") as file:
        stated = json.load(file)
    sheet = pd.read_csv(args.run + "/validation.csv", dtype={"customer_id": str})
    check = Check()
    check_labels(check, args.customers, sheet)
    strata = check_strata(check, args.run, sheet)
    label = sheet.label.to_numpy()
    validation = stated["validation"]
    check.same("customers", validation["customers"], len(sheet))
    check.same("positives", validation["positives"], int(label.sum()))
    runs = {c["name"]: [sheet[f"p_{c['name']}_{r + 1}"].to_numpy()
                        for r in range(validation["repeats"])] for c in validation["candidates"]}
    nested = [sheet[f"p_nested_{r + 1}"].to_numpy() for r in range(validation["repeats"])]
    columns = ["customer_id", "label", *strata,
               *(f"p_{name}_{r + 1}" for name, own in [*runs.items(), ("nested", nested)]
                 for r in range(len(own)))]
    check.true("validation.csv has other columns", list(sheet.columns) == columns)

    for candidate in validation["candidates"]:
        name, own = candidate["name"], runs[candidate["name"]]
        chosen = name == validation["chosen"]
        check.true(name + " has other strata",
                   [s["stratum"] for s in candidate["strata"]] == strata)
        for stratum in candidate["strata"]:
            inside = sheet[stratum["stratum"]].to_numpy() == 1
            intervals = ("pr_auc", "recall") if chosen and stratum["stratum"] == "ALL" else ()
            check_stratum(check, name, stratum, label[inside], [p[inside] for p in own], intervals)
        loss = losses(label, own)
        check.same(name + " log_loss", candidate["log_loss"], float(loss.mean()))
        check.same(name + " log_loss_error", candidate["log_loss_error"], error_of_mean(loss))
    check_choice(check, validation, label, runs)
    check_nested(check, validation, sheet, label, nested)
    check_trials(check, validation, pd.read_csv(args.run + "/trials.csv"))
    for one in stated["calibration"]["reliability"]:
        inside = sheet[one["stratum"]].to_numpy() == 1
        check_reliability(check, one, label[inside],
                          [p[inside] for p in runs[validation["chosen"]]])

    for problem in check.problems:
        print("problem: " + problem)
    print(f"metrics: {len(sheet)} customers, {len(runs)} candidates, {validation['repeats']} "
          f"repeats, {check.compared} figures compared, {len(check.problems)} mismatches")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
