"""Recompute the figures of metrics.json with scikit-learn from validation.csv.

    python tests/oracle/metrics.py --customers labelled_users.csv --run FOLDER

validation.csv holds the out-of-fold probabilities of every candidate in every repeat, and those of the
procedure that chooses among them inside the folds; calibration.csv the chosen one's by every kind of
calibration map; trials.csv every trial of every search. Values,
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
        if metric == "ece":  # draws are further from calibrated than what they are drawn from
            check.true(f"{name} ece has an interval", one["low"] is None and one["high"] is None)
            continue
        if one["low"] is not None:
            check.true(f"{name} {metric}: {one['value']} is outside its interval",
                       one["low"] <= one["value"] <= one["high"])
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


def error_of_mean(values, group):
    """Of a mean over clusters (Liang and Zeger 1986): who is linked counts together."""
    apart = pd.Series(values - values.mean()).groupby(group).sum()
    return float(math.sqrt((apart ** 2).sum() * len(apart) / (len(apart) - 1)) / len(values))


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


KINDS = ("platt", "beta", "isotonic")
PREVALENCES = (0.02, 0.05, 0.10, 0.17)


def simplest(loss, group):
    """The simplest (first) that the best does not beat by more than one error of the difference."""
    mean = [float(own.mean()) for own in loss]
    best = mean.index(min(mean))
    beaten = [mean[k] - mean[best] > error_of_mean(loss[best] - loss[k], group)
              for k in range(best)]
    return beaten.index(False) if False in beaten else best


def check_map_choice(check, stated, sheet, label, group, chosen_runs):
    """The kind of map by the same rule; returns the chosen candidate's probabilities with Platt."""
    runs = {kind: [sheet[f"p_{kind}_{r + 1}"].to_numpy() for r in range(len(chosen_runs))]
            for kind in KINDS if f"p_{kind}_1" in sheet}
    tried = list(runs)
    check.true("calibration.csv has other kinds than metrics.json says were tried",
               tried == [k["kind"] for k in stated["kinds"] if k["tried"]])
    loss = {kind: losses(label, own) for kind, own in runs.items()}
    for one in stated["kinds"]:
        if one["tried"]:
            name, own = "map " + one["kind"], loss[one["kind"]]
            gap = own - loss["platt"]
            check.same(name + " log_loss", one["log_loss"], float(own.mean()))
            check.same(name + " log_loss_error", one["log_loss_error"], error_of_mean(own, group))
            check.same(name + " difference", one["difference"], float(gap.mean()))
            check.same(name + " difference_error", one["difference_error"],
                       error_of_mean(gap, group))
    fewer = min(stated["positives_least"], stated["customers_least"] - stated["positives_least"])
    enough = {"platt": True, "beta": stated["customers_least"] >= 100 and fewer >= 30,
              "isotonic": stated["customers_least"] >= 1000 and fewer >= 100}
    check.true("kinds were tried that have too few customers, or not tried that have enough",
               tried == [k for k in KINDS if enough[k]])
    check.true("the map does not follow from the paired differences",
               stated["chosen"] == tried[simplest([loss[k] for k in tried], group)])
    check.true("the chosen candidate's probabilities are not by the chosen map",
               all(np.array_equal(a, b) for a, b in zip(runs[stated["chosen"]], chosen_runs)))
    return runs["platt"]


def log_odds(p):
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return np.log(p) - np.log1p(-p)


def recalibration(label, p, held):
    """Newton's method on the log-odds: estimates and standard errors."""
    x = np.column_stack([np.ones(len(p)), log_odds(p)])
    theta, free = np.array([0.0, 1.0]), [0] if held else [0, 1]
    for _ in range(60):
        q = 1 / (1 + np.exp(-x @ theta))
        hessian = (x[:, free].T * (q * (1 - q))) @ x[:, free]
        theta[free] -= np.linalg.solve(hessian, x[:, free].T @ (q - label))
    return theta[free], np.sqrt(np.diag(np.linalg.inv(hessian)))


def check_recalibration(check, name, stated, label, runs):
    for held, keys in ((False, ("intercept", "slope")), (True, ("in_the_large",))):
        fits = [recalibration(label, p, held) for p in runs]
        value, error = (np.mean([f[i] for f in fits], axis=0) for i in (0, 1))
        for i, key in enumerate(keys):
            check.same(f"{name} {key}", stated[key]["value"], float(value[i]), 1e-6)
            half = 1.959963984540054 * error[i]
            check.same(f"{name} {key} low", stated[key]["low"], float(value[i] - half), 1e-6)
            check.same(f"{name} {key} high", stated[key]["high"], float(value[i] + half), 1e-6)


def check_noise(check, name, stated, label, runs):
    """Other draws than the program's: means agree within four standard errors of both."""
    seen = np.mean([calibration_error(label, p) for p in runs])
    check.same(name + " ece", stated["value"], float(seen))
    random = np.random.default_rng(3)
    drawn = []
    for _ in range(DRAWS):
        below = random.random(len(label))
        drawn.append(np.mean([calibration_error((below < p).astype(float), p) for p in runs]))
    error = np.std(drawn) * math.sqrt(1 / DRAWS + 1 / stated["draws"])
    check.true(f"{name} ece when perfect: {stated['when_perfect_mean']}, the oracle's draws give "
               f"{np.mean(drawn):.5f}", abs(stated["when_perfect_mean"] - np.mean(drawn)) < 4 * error)
    check.true(f"{name} ece when perfect, 95 %: {stated['when_perfect_95']}, the oracle's draws "
               f"give {np.percentile(drawn, 95):.5f}",
               abs(stated["when_perfect_95"] - np.percentile(drawn, 95)) < 10 * error)


def check_prevalence(check, name, stated, label, runs, thresholds):
    share = label.mean()
    one, zero = label == 1, label == 0
    for at, row in zip(PREVALENCES, stated):
        check.same(f"{name} assumed", row["assumed"], at)
        shift = math.log(at / (1 - at)) - math.log(share / (1 - share))
        corrected = [1 / (1 + np.exp(-(log_odds(p) + shift))) for p in runs]
        for key, own, cut in (("medium_as_is", runs, "medium"), ("high_as_is", runs, "high"),
                              ("medium_corrected", corrected, "medium"),
                              ("high_corrected", corrected, "high")):
            flag = np.mean([q >= thresholds[cut] for q in own], axis=0)
            load = at * flag[one].mean() + (1 - at) * flag[zero].mean()
            precision = at * flag[one].mean() / load if load > 0 else math.nan
            check.same(f"{name} {at} {key} precision", row[key]["precision"]["value"], precision)
            check.same(f"{name} {at} {key} recall", row[key]["recall"]["value"],
                       float(flag[one].mean()))
            check.same(f"{name} {at} {key} load", row[key]["flagged_per_1000"]["value"], 1000 * load)
        weigh = lambda v: at * v[one].mean() + (1 - at) * v[zero].mean()
        check.same(f"{name} {at} brier", row["brier"]["value"],
                   weigh(np.mean([(q - label) ** 2 for q in corrected], axis=0)))
        check.same(f"{name} {at} log_loss", row["log_loss"]["value"],
                   weigh(losses(label, corrected)))


def check_support(check, name, stated, support, bins):
    width = support[1] - support[0]
    check.same(name + " width_mean", stated["width_mean"], float(width.mean()))
    check.same(name + " width_median", stated["width_median"], float(np.median(width)))
    inside = [b["supported_low"] <= b["positive_share"]["value"] <= b["supported_high"]
              for b in bins]
    met = [b["supported_low"] <= b["positive_share"]["high"] and
           b["positive_share"]["low"] <= b["supported_high"] for b in bins]
    check.same(name + " groups", stated["groups"], len(bins))
    check.same(name + " groups inside", stated["groups_inside"], sum(inside))
    check.same(name + " groups met", stated["groups_met"], sum(met))


def check_calibration(check, stated, thresholds, sheet, maps, label, runs):
    for one, reliability in zip(stated["strata"], stated["reliability"]):
        inside = sheet[one["stratum"]].to_numpy() == 1
        name, own = "calibration " + one["stratum"], [p[inside] for p in runs]
        check.same(name + " customers", one["customers"], int(inside.sum()))
        check.same(name + " positives", one["positives"], int(label[inside].sum()))
        check_support(check, name, one["venn_abers"],
                      (maps.supported_low[inside], maps.supported_high[inside]),
                      reliability["bins"])
        if min(label[inside].sum(), (1 - label[inside]).sum()) >= 2:
            check_recalibration(check, name, one, label[inside], own)
            check_noise(check, name, one["ece"], label[inside], own)
            check_prevalence(check, name, one["prevalence"], label[inside], own, thresholds)


CRITERIA = {"log_loss": (losses, 1),
            "brier": (lambda label, runs: np.mean([(p - label) ** 2 for p in runs], axis=0), 1),
            "auc": (reference.roc_auc_score, -1),
            "pr_auc": (reference.average_precision_score, -1)}


def value_of(criterion, label, runs):
    function, sign = CRITERIA[criterion]
    if sign > 0:
        return float(function(label, runs).mean())
    return float(np.mean([function(label, p) for p in runs]))


def check_choice(check, validation, label, runs, group):
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
    linked = [np.flatnonzero(group == g) for g in np.unique(group)]
    draws = [np.concatenate([linked[g] for g in random.integers(0, len(linked), len(linked))])
             for _ in range(DRAWS)]
    beaten = []
    for k, candidate in enumerate(validation["candidates"]):
        check.same(names[k] + " criterion", candidate["criterion"], value[k])
        check.same(names[k] + " behind_best", candidate["behind_best"],
                   sign * (value[k] - value[best]))
        if sign > 0:
            paired = function(label, runs[names[k]]) - function(label, runs[names[best]])
            check.same(names[k] + " behind_best_error", candidate["behind_best_error"],
                       error_of_mean(paired, group))
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
            stated, worse = told["difference"], CRITERIA[measure][1]
            check.same(f"{names[k]} {measure} against the chosen", stated["value"],
                       value_of(measure, label, runs[names[k]]) -
                       value_of(measure, label, runs[names[chosen]]))
            if measure == criterion or (measure == "auc" and names[k] == "logistic"):
                mine = [value_of(measure, label[rows], [p[rows] for p in runs[names[k]]]) -
                        value_of(measure, label[rows], [p[rows] for p in runs[names[chosen]]])
                        for rows in draws]
                check_interval(check, f"{names[k]} {measure} against the chosen", stated,
                               np.percentile(mine, [2.5, 97.5]))
            low, high = sorted((worse * stated["low"], worse * stated["high"]))
            verdict = "worse" if low > 0 else "better" if high < 0 else "cannot be told apart"
            check.true(f"{names[k]} {measure}: the verdict is not that of its interval",
                       told["verdict"] == verdict)


def check_nested(check, validation, sheet, label, nested, group):
    """Every probability of the nested procedure is that of one candidate in that repeat."""
    stated = validation["nested"]
    for stratum in stated["strata"]:
        inside = sheet[stratum["stratum"]].to_numpy() == 1
        check_stratum(check, "nested", stratum, label[inside], [p[inside] for p in nested], ())
    loss = losses(label, nested)
    check.same("nested log_loss", stated["log_loss"], float(loss.mean()))
    check.same("nested log_loss_error", stated["log_loss_error"], error_of_mean(loss, group))
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


def check_folds(check, run, sheet, stated):
    """folds.csv: everyone in one fold of each repeat, linked customers in the same one, and
    positives shared out as evenly as whole groups allow. Answers the group of each customer."""
    folds = pd.read_csv(run + "/folds.csv", dtype={"customer_id": str})
    own = [f"fold_{r + 1}" for r in range(stated["repeats"])]
    check.true("folds.csv has other columns", list(folds.columns) == ["customer_id", "group", *own])
    check.true("folds.csv has other customers than validation.csv",
               list(folds.customer_id) == list(sheet.customer_id))
    sizes = folds.groupby("group").size()
    check.same("groups of linked customers", stated["groups"], int((sizes > 1).sum()))
    check.same("linked customers", stated["linked_customers"], int(sizes[sizes > 1].sum()))
    most = max(1, int(sheet.label.groupby(folds.group.to_numpy()).sum().max()))
    for name in own:
        check.true(name + " has other numbers than 1 to the number of folds",
                   sorted(folds[name].unique()) == list(range(1, stated["folds"] + 1)))
        check.true(name + " parts linked customers",
                   (folds.groupby("group")[name].nunique() == 1).all())
        positives = sheet.label.groupby(folds[name].to_numpy()).sum()
        check.true(name + " shares out positives unevenly",
                   positives.max() - positives.min() <= most)
    return folds.group.to_numpy()


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
    group = check_folds(check, args.run, sheet, stated["split"])

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
        check.same(name + " log_loss_error", candidate["log_loss_error"], error_of_mean(loss, group))
    # Candidates are compared with Platt's sigmoid; then the chosen one's map by the same rule.
    maps = pd.read_csv(args.run + "/calibration.csv", dtype={"customer_id": str})
    check.true("calibration.csv has other customers or labels than validation.csv",
               maps[["customer_id", "label"]].equals(sheet[["customer_id", "label"]]))
    platt = check_map_choice(check, stated["calibration"]["choice"], maps, label, group,
                             runs[validation["chosen"]])
    check_choice(check, validation, label, {**runs, validation["chosen"]: platt}, group)
    check_nested(check, validation, sheet, label, nested, group)
    check_trials(check, validation, pd.read_csv(args.run + "/trials.csv"))
    for one in stated["calibration"]["reliability"]:
        inside = sheet[one["stratum"]].to_numpy() == 1
        check_reliability(check, one, label[inside],
                          [p[inside] for p in runs[validation["chosen"]]])
    check_calibration(check, stated["calibration"], stated["thresholds"], sheet, maps, label,
                      runs[validation["chosen"]])

    for problem in check.problems:
        print("problem: " + problem)
    print(f"metrics: {len(sheet)} customers, {len(runs)} candidates, {validation['repeats']} "
          f"repeats, {check.compared} figures compared, {len(check.problems)} mismatches")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
