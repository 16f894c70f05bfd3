"""Compare what our learner learns with XGBoost, LightGBM and scikit-learn at the same settings.

    python tests/oracle/learners.py BUILD FOLDER [--seeds N] [--amlsim FOLDER]

On each data set and for each seed the rows are parted anew, two thirds to learn from; every library
learns from the same part and is judged by its AUC on the rest. Our boosting must be within noise of
XGBoost's and of LightGBM's: the mean of the paired differences over seeds not lower than two of
its standard errors and .002 besides (a difference that no one would choose a library for). So must
our random forest be of scikit-learn's, with .01: there the settings agree only roughly.
"""
import argparse
import os
import pathlib
import subprocess
import sys

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

THREADS = 1  # OpenMP's threads wait by spinning: on a busy machine one is faster than two
# Usual settings for some thousand rows and for some hundred.
LARGE = {"trees": 100, "depth": 6, "rate": 0.1, "bins": 255, "l2": 1, "hessian": 1}
SMALL = {"trees": 100, "depth": 3, "rate": 0.1, "bins": 255, "l2": 1, "hessian": 1}


def breast_cancer():
    data = load_breast_cancer()
    return data.data, data.target, SMALL


def made_up():
    x, y = make_classification(n_samples=5000, n_features=25, n_informative=10, n_redundant=5,
                               n_clusters_per_class=6, weights=[0.85], flip_y=0.08,
                               class_sep=0.7, random_state=5)
    x[np.random.default_rng(5).random(x.shape) < 0.08] = np.nan
    return x, y, LARGE


def amlsim(folder):
    """Per account: how often, how much, with how many partners, each way."""
    nodes = pd.read_csv(folder + "/nodes.csv")
    sent = pd.read_csv(folder + "/transactions.csv")
    key = next(c for c in nodes.columns if c.lower() in ("id", "account_id", "acct_id", "nodeid"))
    source, target, value, step = (
        next(c for c in sent.columns if c.lower() in names) for names in
        (("source", "src", "sourcenodeid", "sender_account_id"),
         ("target", "dst", "targetnodeid", "receiver_account_id"),
         ("value", "amount", "tx_amount"), ("time", "step", "timestamp")))
    out = nodes[[key]].set_index(key)
    for way, mine, other in (("out", source, target), ("in", target, source)):
        groups = sent.groupby(mine)
        amounts = groups[value]
        frame = pd.DataFrame({"count": groups.size(), "sum": amounts.sum(), "mean": amounts.mean(),
                              "max": amounts.max(), "sd": amounts.std(), "min": amounts.min(),
                              "partners": groups[other].nunique(), "first": groups[step].min(),
                              "last": groups[step].max(), "steps": groups[step].nunique()})
        out = out.join(frame.add_prefix(way + "_"))
    out["net"] = out["in_sum"].fillna(0) - out["out_sum"].fillna(0)
    label = nodes.set_index(key)["isFraud"].loc[out.index].astype(int)
    return out.to_numpy(), label.to_numpy(), LARGE


def bank(build, folder):
    """What the built-in book makes of a made-up bank."""
    data, run = folder / "bank", folder / "run"
    files = ["--customers", data / "labelled_users.csv",
             "--transactions", data / "labelled_transactions.csv"]
    for command in (["synth", "--customers", "4000", "--seed", "9", "--out", data],
                    ["run", "--repeats", "1", "--folds", "2", "--shuffles", "1", *files,
                     "--out", run]):
        subprocess.run([f"{build}/assay", *command, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
    done = subprocess.run([f"{build}/assay", "bundle", "matrix", "--bundle", run / "bundle", *files],
                          check=True, capture_output=True)
    (folder / "matrix.csv").write_bytes(done.stdout)
    table = pd.read_csv(folder / "matrix.csv")
    return table.iloc[:, 2:].to_numpy(), table.label.to_numpy(), SMALL


def ours(build, folder, train, label, test, **settings):
    train.astype(np.float32).tofile(folder / "train.f32")
    label.astype(np.uint8).tofile(folder / "label.u8")
    test.astype(np.float32).tofile(folder / "test.f32")
    words = [f"{name}={value}" for name, value in settings.items()]
    done = subprocess.run([f"{build}/learner", str(train.shape[1]), folder / "train.f32",
                           folder / "label.u8", folder / "test.f32", folder / "out.f64",
                           f"threads={THREADS}", *words], check=True, capture_output=True, text=True)
    return np.fromfile(folder / "out.f64"), float(done.stdout.split()[1])


def boost_ours(build, folder, train, label, test, s, seed):
    return ours(build, folder, train, label, test, trees=s["trees"], depth=s["depth"],
                learning_rate=s["rate"], bins=s["bins"], l2=s["l2"], hessian_min=s["hessian"],
                row_share=0.8, column_share=0.8, seed=seed)[0]


def boost_xgboost(train, label, test, s, seed):
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": s["depth"], "eta": s["rate"],
         "max_bin": s["bins"], "lambda": s["l2"], "min_child_weight": s["hessian"],
         "subsample": 0.8, "colsample_bytree": 0.8, "tree_method": "hist", "seed": seed,
         "nthread": THREADS}, xgboost.DMatrix(train, label=label), s["trees"])
    return booster.predict(xgboost.DMatrix(test), output_margin=True)


def boost_lightgbm(train, label, test, s, seed):
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 2 ** s["depth"], "max_depth": s["depth"],
         "learning_rate": s["rate"], "max_bin": s["bins"], "lambda_l2": s["l2"],
         "min_sum_hessian_in_leaf": s["hessian"], "min_data_in_leaf": 1, "bagging_fraction": 0.8,
         "bagging_freq": 1, "feature_fraction": 0.8, "seed": seed, "num_threads": THREADS,
         "verbosity": -1}, lightgbm.Dataset(train, label=label), s["trees"])
    return booster.predict(test, raw_score=True)


def forest_ours(build, folder, train, label, test, s, seed):
    share = np.sqrt(train.shape[1]) / train.shape[1]
    return ours(build, folder, train, label, test, random=1, trees=200, depth=12, bins=255,
                hessian_min=0.5, split_share=share, seed=seed)[0]


def forest_sklearn(train, label, test, s, seed):
    forest = RandomForestClassifier(200, max_depth=12, min_samples_leaf=3, max_features="sqrt",
                                    n_jobs=THREADS, random_state=seed)
    return forest.fit(train, label).predict_proba(test)[:, 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--amlsim", default="../shared/data/amlsim")
    args = parser.parse_args()
    folder = pathlib.Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    sets = {"breast cancer": breast_cancer, "made up": made_up,
            "made-up bank": lambda: bank(args.build, folder)}
    if os.path.isdir(args.amlsim):
        sets["AMLSim"] = lambda: amlsim(args.amlsim)
    else:
        print(f"!!! {args.amlsim} is not here: ONLY THREE DATA SETS WERE COMPARED")
    problems = []
    print(f"AUC, mean over {args.seeds} partings; differences are ours less theirs, paired, with "
          "the standard error of their mean")
    print(f"{'data set':14} {'rows':>6} {'columns':>7}  {'ours':>6} {'less XGBoost':>17} "
          f"{'less LightGBM':>17} | {'forest':>6} {'less scikit-learn':>17}")
    for name, make in sets.items():
        x, y, settings = make()
        x = x.astype(np.float32)
        auc = {}
        for seed in range(args.seeds):
            train, test, label, truth = train_test_split(x, y, test_size=1 / 3, stratify=y,
                                                         random_state=seed)
            margins = {
                "ours": boost_ours(args.build, folder, train, label, test, settings, seed),
                "XGBoost": boost_xgboost(train, label, test, settings, seed),
                "LightGBM": boost_lightgbm(train, label, test, settings, seed),
                "forest": forest_ours(args.build, folder, train, label, test, settings, seed),
                "scikit-learn": forest_sklearn(train, label, test, settings, seed)}
            for who, margin in margins.items():
                auc.setdefault(who, []).append(roc_auc_score(truth, margin))
        line = f"{name:14} {len(x):6} {x.shape[1]:7}  {np.mean(auc['ours']):.4f}"
        for mine, other, slack in (("ours", "XGBoost", 0.002), ("ours", "LightGBM", 0.002),
                                   ("forest", "scikit-learn", 0.01)):
            gap = np.array(auc[mine]) - np.array(auc[other])
            mean, error = gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap))
            if mine == "forest":
                line += f" | {np.mean(auc['forest']):.4f}"
            line += f" {mean:+.4f} ± {error:.4f}"
            if mean < -2 * error - slack:
                problems.append(f"{name}: {mine} less {other} is {mean:+.4f} ± {error:.4f}")
        print(line, flush=True)
    for problem in problems:
        print("problem: " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
