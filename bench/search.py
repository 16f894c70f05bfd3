"""Time the nested search beside the same search written with scikit-learn and XGBoost.

    .venv/bin/python bench/search.py [--build build/release] [--data FOLDER] [--repeats 10] [--parts N] [--ours 10]

Nested 5 x 10 cross-validation with 50 trials a search (docs/search.md): random settings, successive halving
over five inner folds, the same candidates, rungs and rules, and the very settings that assay drew (its
trials.csv). Both learn from one matrix: of a made-up bank of 332 labelled customers (assay synth), or of
FOLDER with labelled_users.csv, labelled_transactions.csv, unlabelled_users.csv and
unlabelled_transactions.csv.

What is timed. Ours: `assay train`, all of it: reading the files, features, the search, the leakage audit with
one shuffle, the final model. Theirs: the search alone, from a matrix in memory; what a fold's rows decide
(imputed and standardised inputs, XGBoost's bins) is prepared once for all its trials, as ours is. With two
threads theirs works on two outer parts at a time (joblib, n_jobs=2), which is faster than two threads inside
such small fits.

Theirs where it is not ours to the letter, always the cheaper way: boosting stops by each inner fold's own
loss (early_stopping_rounds=30) instead of the pooled one; logistic regression and single trees know no signs;
a leaf's least hessian is a least number of rows for scikit-learn's trees.

The two take turns. With fewer --repeats, or --parts, theirs does only so many outer training parts of 51 and
the time of all is extrapolated, which is said. So is ours with fewer repeats (--ours).
"""
import argparse
import csv
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # the parts are what is run in parallel

import joblib
import numpy as np
import sklearn
import xgboost
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

FOLDS, INNER, TREES, PATIENCE, BINS, FOREST = 5, 5, 300, 30, 32, 200
FILES = ("labelled_users", "labelled_transactions", "unlabelled_users", "unlabelled_transactions")
BLENDED = ("logistic", "boosting_monotone", "random_forest")


# ---- the search, as one writes it with the libraries ----

def expit(x):
    return 1 / (1 + np.exp(-x))


def platt(margin, y):
    """Slope and intercept by Newton's method, Platt's smoothed targets."""
    n1 = y.sum()
    target = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (len(y) - n1 + 2))
    z = np.c_[margin, np.ones(len(y))]
    w = np.array([0.0, np.log((n1 + 1) / (len(y) - n1 + 1))])
    for _ in range(50):
        p = expit(z @ w)
        gradient = z.T @ (p - target)
        if np.abs(gradient).max() < 1e-8:
            break
        w = w - np.linalg.solve((z.T * (p * (1 - p))) @ z + 1e-10 * np.eye(2), gradient)
    return w


def losses(margin, y):
    w = platt(margin, y)
    m = w[0] * margin + w[1]
    return np.logaddexp(0, m) - y * m


class Fold:
    """What the rows of a training part decide, prepared once for all trials."""

    def __init__(self, x, y, rows, judged, signs):
        self.y, self.judged, self.train, self.test = y[rows], judged, x[rows], x[judged]
        mean = np.nan_to_num(np.nanmean(self.train, axis=0))
        missing = np.isnan(self.train).sum(axis=0) >= max(5, len(rows) // 100)

        def inputs(part):
            return np.c_[np.where(np.isnan(part), mean, part), np.isnan(part[:, missing])]
        a, b = inputs(self.train), inputs(self.test)
        scale = a.std(axis=0)
        varies = scale > 0
        self.linear = (a[:, varies] - a.mean(axis=0)[varies]) / scale[varies]
        self.linear_test = (b[:, varies] - a.mean(axis=0)[varies]) / scale[varies]
        self.bins = xgboost.QuantileDMatrix(self.train, label=self.y, max_bin=BINS, nthread=1)
        self.watch = xgboost.DMatrix(self.test, label=y[judged], nthread=1)
        self.share = self.y.mean()
        self.signs = signs


def log_odds(p):
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def fit(candidate, s, f, trees=None):
    """Margins of the fold's judged rows, and how many trees."""
    if candidate == "majority":
        return np.full(len(f.judged), log_odds(f.share)), 0
    if candidate in ("logistic", "logistic_l1"):
        model = LogisticRegression(C=1 / s["l2"], solver="newton-cholesky") if candidate == "logistic" \
            else LogisticRegression(C=1 / s["l1"], l1_ratio=1, solver="liblinear")
        return model.fit(f.linear, f.y).decision_function(f.linear_test), 0
    hessian = f.share * (1 - f.share)
    if candidate == "tree":
        model = DecisionTreeClassifier(max_depth=6, max_leaf_nodes=int(s["leaves"]), random_state=0,
                                       min_samples_leaf=max(1, round(s["hessian_min"] / hessian)))
        return log_odds(model.fit(f.train, f.y).predict_proba(f.test)[:, 1]), 0
    if candidate == "random_forest":
        model = RandomForestClassifier(FOREST, max_depth=int(s["depth"]), max_features=s["split_share"],
                                       max_samples=s["row_share"], random_state=0, n_jobs=1,
                                       min_samples_leaf=max(1, round(s["hessian_min"] / hessian)))
        return log_odds(model.fit(f.train, f.y).predict_proba(f.test)[:, 1]), 0
    settings = {"objective": "binary:logistic", "tree_method": "hist", "max_bin": BINS, "nthread": 1,
                "max_depth": int(s["depth"]), "eta": s["learning_rate"], "lambda": s["l2"],
                "min_child_weight": s["hessian_min"], "subsample": s["row_share"],
                "colsample_bytree": s["column_share"], "seed": 0}
    if candidate == "boosting_monotone":
        settings["monotone_constraints"] = f.signs
    if trees is not None:
        model = xgboost.train(settings, f.bins, trees)
        return model.predict(f.watch, output_margin=True), trees
    model = xgboost.train(settings, f.bins, TREES, evals=[(f.watch, "watch")], verbose_eval=False,
                          early_stopping_rounds=PATIENCE)
    trees = model.best_iteration + 1
    return model.predict(f.watch, output_margin=True, iteration_range=(0, trees)), trees


def search(candidate, trials, folds, y):
    """Successive halving. Answers the winner's settings, number of trees and inner margins."""
    running = [{"number": i, "settings": s, "trees": [], "margin": np.zeros(len(y))}
               for i, s in enumerate(trials)]
    done, seen, fits = 0, np.zeros(len(y), dtype=bool), 0
    while done < INNER:
        to = min(max(1, 2 * done), INNER)
        for f in folds[done:to]:
            seen[f.judged] = True
            for t in running:
                t["margin"][f.judged], trees = fit(candidate, t["settings"], f)
                t["trees"].append(trees)
                fits += 1
        for t in running:
            t["loss"] = losses(t["margin"][seen], y[seen])
        running.sort(key=lambda t: (t["loss"].mean(), t["number"]))
        done = to
        if done < INNER:
            stay = max(2, (len(running) + 1) // 2)
            usual = [t for t in running[stay:] if t["number"] == 0]
            running = running[:stay - len(usual)] + usual if len(running) > 1 else running
    best, usual = running[0], next(t for t in running if t["number"] == 0)
    difference = best["loss"] - usual["loss"]
    if not difference.mean() < -difference.std(ddof=1) / np.sqrt(len(y)):
        best = usual
    return best["settings"], int(np.mean(best["trees"])), best["margin"], fits


def inner_probabilities(margin, y, fold):
    """Each row's, by a sigmoid fitted on the other inner folds."""
    out = np.empty(len(y))
    for k in range(INNER):
        w = platt(margin[fold != k], y[fold != k])
        out[fold == k] = w[0] * margin[fold == k] + w[1]
    return out


def part(x, y, rows, judged, trials, signs, seed):
    """One outer training part: every search, every final fit, calibration and the choice."""
    began, wall = time.process_time(), time.perf_counter()
    own_x, own_y = x[rows], y[rows]
    fold, folds = np.empty(len(rows), dtype=int), []
    for k, (a, b) in enumerate(StratifiedKFold(INNER, shuffle=True, random_state=seed).split(own_x, own_y)):
        fold[b] = k
        folds.append(Fold(own_x, own_y, a, b, signs))
    whole = Fold(x, y, rows, judged, signs) if len(judged) else None
    inner, outer, fits = {}, {}, 0
    for candidate, drawn in trials.items():
        if candidate == "blend":
            inner[candidate] = np.mean([inner_probabilities(inner[c], own_y, fold) for c in BLENDED], axis=0)
            if whole:
                outer[candidate] = np.mean([w[0] * outer[c] + w[1] for c in BLENDED
                                            for w in [platt(inner[c], own_y)]], axis=0)
            continue
        settings, trees, inner[candidate], n = search(candidate, drawn, folds, own_y)
        fits += n + 1
        if whole:
            outer[candidate], _ = fit(candidate, settings, whole, max(1, trees))
    loss = {c: np.logaddexp(0, m) - own_y * m for c in inner
            for m in [inner_probabilities(inner[c], own_y, fold)]}
    best = min(loss, key=lambda c: loss[c].mean())
    chosen = next(c for c in loss
                  if (loss[c] - loss[best]).mean() <= (loss[c] - loss[best]).std(ddof=1) / np.sqrt(len(own_y)))
    probability = {c: expit(w[0] * outer[c] + w[1]) for c in outer for w in [platt(inner[c], own_y)]}
    return chosen, probability, fits, time.process_time() - began, time.perf_counter() - wall


def outer_parts(x, y, repeats):
    for repeat in range(repeats):
        for a, b in StratifiedKFold(FOLDS, shuffle=True, random_state=repeat).split(x, y):
            yield a, b
    yield np.arange(len(y)), np.array([], dtype=int)  # the final model's search


# ---- assay ----

def assay(build, words):
    """Wall and processor seconds of a run."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([f"{build}/assay", *map(str, words)], capture_output=True, text=True)
    took = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):  # 3: the audit found something, and all was done
        sys.exit(f"assay {words[0]}: {done.stderr}")
    return took, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def files_of(data):
    options = ("--customers", "--transactions", "--score-customers", "--score-transactions")
    return [w for option, name in zip(options, FILES) if (data / f"{name}.csv").exists()
            for w in (option, data / f"{name}.csv")]


def signs_of(book, names):
    """The signs that the features book gives to columns."""
    risk = {}

    def walk(node, name=None):
        if isinstance(node, dict):
            if node.get("risk") in ("up", "down"):
                risk[node.get("name", name)] = 1 if node["risk"] == "up" else -1
            for key, value in node.items():
                walk(value, key)
        elif isinstance(node, list):
            for value in node:
                walk(value, name)
    walk(yaml.safe_load(book.read_text(encoding="utf-8")))
    return tuple(risk.get(name, 0) for name in names)


def matrix_of(run):
    """The inputs of the run's model and the labels, from the run folder."""
    with open(run / "validation.csv", newline="", encoding="utf-8") as file:
        label = {row["customer_id"]: int(row["label"]) for row in csv.DictReader(file)}
    with open(run / "features.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["customer_id"] in label]
    document = json.loads((run / "bundle/model.json").read_text(encoding="utf-8"))
    while "columns" not in document and "parts" in document:
        document = document["parts"][0]
    names = [c["name"] for c in document["columns"]] if "columns" in document \
        else document["learner"]["feature_names"]

    def value(row, name):
        if name in row:
            text = row[name]
            return {"": np.nan, "true": 1.0, "false": 0.0}.get(text) if text in ("", "true", "false") else float(text)
        column, level = name.split("=", 1)
        return float(row[column] == level)
    x = np.array([[value(row, name) for name in names] for row in rows])
    y = np.array([label[row["customer_id"]] for row in rows])
    return x, y, signs_of(run / "bundle/features.yaml", names)


def trials_of(run):
    """The settings of every trial, as assay drew them for the first outer part."""
    trials = {}
    with open(run / "trials.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["repeat"] == "1" and row["fold"] == "1":
                trials.setdefault(row["candidate"], []).append(
                    {k: float(v) for k, v in row.items() if v and k in (
                        "l1", "l2", "leaves", "depth", "learning_rate", "hessian_min", "row_share",
                        "column_share", "split_share")})
    trials["blend"] = trials.pop("blend", [{}])  # last: it is made of the others
    return trials


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")),
                     "unknown")
    return f"{model}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=10, help="outer repeats that theirs does, of 10")
    parser.add_argument("--parts", type=int, help="outer training parts that theirs does, of 51")
    parser.add_argument("--ours", type=int, default=10, help="outer repeats that assay does, of 10")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as temporary:
        folder = pathlib.Path(temporary)
        data = args.data
        if data is None:
            data = folder / "data"
            assay(args.build, ["synth", "--customers", 604, "--seed", 7, "--out", data])
        common = [*files_of(data), "--seed", 1, "--trials", args.trials, "--shuffles", 1, "--quiet",
                  "--threads", 1]
        assay(args.build, ["run", *common, "--repeats", 1, "--out", folder / "run"])
        x, y, signs = matrix_of(folder / "run")
        trials = trials_of(folder / "run")
        every = 10 * FOLDS + 1
        parts = list(outer_parts(x, y, args.repeats))
        parts = parts[:args.parts if args.parts else len(parts)]
        share = every / len(parts)
        said = "" if len(parts) == every else \
            f"; theirs does {len(parts)} of {every} outer parts, and what follows is EXTRAPOLATED by {share:.2f}"
        own = every / (args.ours * FOLDS + 1)
        said += "" if own == 1 else f"; ours does {args.ours} of 10 repeats and is EXTRAPOLATED by {own:.2f}"
        print(f"{machine()}; scikit-learn {sklearn.__version__}, XGBoost {xgboost.__version__}; {len(y)} "
              f"customers ({y.sum()} positive), {x.shape[1]} columns, {args.trials} trials{said}")
        print(f"{'':10} {'wall s: ours':>13} {'theirs':>10} {'ratio':>7}   {'CPU s: ours':>12} "
              f"{'theirs':>10} {'ratio':>7}")
        for threads in args.threads:
            def ours():
                return assay(args.build, ["train", *files_of(data), "--seed", 1, "--trials", args.trials,
                                          "--repeats", args.ours, "--shuffles", 1, "--threads", threads, "--quiet",
                                          "--quarantine", folder / "quarantine.csv",
                                          "--out", folder / f"bundle{threads}"])
            runs = [ours()]
            half = (len(parts) + 1) // 2
            wall, cpu, fits, chosen = 0, 0, 0, {}
            for chunk in (parts[:half], parts[half:]):  # ours in between: the machine changes its mood
                began = time.perf_counter()
                done = joblib.Parallel(n_jobs=threads)(
                    joblib.delayed(part)(x, y, a, b, trials, signs, i) for i, (a, b) in enumerate(chunk))
                wall += time.perf_counter() - began
                for name, _, n, took, _ in done:
                    chosen[name] = chosen.get(name, 0) + 1
                    cpu += took
                    fits += n
                runs.append(ours())
            least = [own * min(column) for column in zip(*runs)]
            wall, cpu = wall * share, cpu * share
            print(f"{threads} thread{'s' if threads > 1 else ' '}  {least[0]:13.2f} {wall:10.2f} "
                  f"{wall / least[0]:7.1f}   {least[1]:12.2f} {cpu:10.2f} {cpu / least[1]:7.1f}", flush=True)
        print(f"theirs made {fits} fits in {len(parts)} parts and chose {chosen}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
