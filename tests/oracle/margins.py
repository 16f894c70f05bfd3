"""Train forests with XGBoost, save them as JSON and as UBJ, and compare what we make of the files.

    python tests/oracle/margins.py BUILD FOLDER

On 100,000 rows with missing values every margin must have XGBoost's bits, from either file; on some
of the rows every contribution must be XGBoost's pred_contribs but for the rounding of float32. What
is no single forest for two classes must be refused by name.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import xgboost

ROWS, COLUMNS, EXPLAINED = 100_000, 24, 300

# name: parameters, rounds, rows to train on
MODELS = {
    "usual": ({"max_depth": 6, "eta": 0.1}, 200, 20_000),
    "deep": ({"max_depth": 24, "eta": 0.3, "min_child_weight": 0}, 12, 4_000),
    "best first": ({"grow_policy": "lossguide", "max_leaves": 200, "max_depth": 0}, 20, 20_000),
    "pruned": ({"tree_method": "exact", "max_depth": 8, "gamma": 2}, 30, 4_000),
    "random forest": ({"num_parallel_tree": 50, "eta": 1, "subsample": 0.6, "max_depth": 10,
                       "colsample_bynode": 0.3}, 1, 10_000),
    "weighted": ({"max_depth": 4, "scale_pos_weight": 7, "base_score": 0.13}, 60, 10_000),
    "sign kept": ({"max_depth": 5, "monotone_constraints": "(1,-1)"}, 40, 10_000),
    "regression": ({"objective": "reg:logistic", "max_depth": 4}, 30, 10_000),
}


def rows(rng, n):
    x = rng.normal(size=(n, COLUMNS)).astype(np.float32)
    x[:, 3] = np.floor(np.abs(x[:, 3]) * 3)  # values that lie on thresholds
    x[:, 4] = x[:, 4] > 1
    x[:, 5] = np.exp(3 * x[:, 5])
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 6][rng.random(n) < 0.8] = np.nan
    return x


def labels(rng, x):
    z = np.nan_to_num(x)
    return (z[:, 0] - z[:, 1] * z[:, 2] + 0.4 * z[:, 3] + np.isnan(x[:, 7])
            + rng.logistic(size=len(x)) > 1.5).astype(int)


def apply(build, model, x, folder):
    x.tofile(folder / "x.f32")
    done = subprocess.run([f"{build}/model_apply", model, folder / "x.f32", folder / "margins.f32",
                           folder / "phi.f64", str(EXPLAINED)], capture_output=True, text=True)
    if done.returncode != 0:
        return None, None, done.stderr.strip()
    margin = np.fromfile(folder / "margins.f32", dtype=np.float32)
    return margin, np.fromfile(folder / "phi.f64").reshape(-1, x.shape[1] + 1), ""


def compare(name, build, folder, rng, test, problems):
    options, rounds, count = MODELS[name]
    x = rows(rng, count)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 2, "seed": 1, **options},
                            xgboost.DMatrix(x, label=labels(rng, x), missing=np.nan), rounds)
    data = xgboost.DMatrix(test, missing=np.nan, nthread=2)
    expected = booster.predict(data, output_margin=True)
    shap = booster.predict(xgboost.DMatrix(test[:EXPLAINED], missing=np.nan), pred_contribs=True)
    dump = [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    depth, trees = max(depth_of(tree) for tree in dump), len(dump)
    for form in ("json", "ubj"):
        path = folder / f"model.{form}"
        booster.save_model(path)
        margin, phi, error = apply(build, path, test, folder)
        if margin is None:
            problems.append(f"{name}.{form}: {error}")
            continue
        differ = int(np.sum(margin.view(np.uint32) != expected.view(np.uint32)))
        gap = np.abs(phi - shap)
        # XGBoost adds float32 over trees; its own sums miss its margins by as much.
        allowed = 2e-6 * (1 + np.abs(shap)) * np.sqrt(trees) + np.abs(
            shap.sum(axis=1, dtype=np.float64) - expected[:EXPLAINED])[:, None]
        far = int(np.sum(gap > allowed))
        total = float(np.max(np.abs(phi.sum(axis=1) - margin[:EXPLAINED].astype(np.float64))))
        print(f"{name:14} .{form:4} {trees:4} trees, depth {depth:2}: {len(margin)} margins, "
              f"{differ} differ; contributions: worst {gap.max():.2g}, {far} far; "
              f"sums: worst {total:.2g}")
        if differ > 0:
            problems.append(f"{name}.{form}: {differ} margins are not XGBoost's")
        if far > 0:
            problems.append(f"{name}.{form}: {far} contributions are not XGBoost's")
        if not total <= 1e-9 * (1 + float(np.max(np.abs(phi)))):
            problems.append(f"{name}.{form}: contributions do not add up")


def depth_of(tree):
    return 1 + max(depth_of(c) for c in tree["children"]) if "children" in tree else 0


def refusals(build, folder, rng, problems):
    x = rows(rng, 500)
    y = labels(rng, x)
    ordinary = xgboost.DMatrix(x, label=y)
    three = xgboost.DMatrix(x, label=y + (x[:, 0] > 1))
    codes = xgboost.DMatrix(np.nan_to_num(np.abs(x[:, 3:4])), label=y, feature_types=["c"],
                            enable_categorical=True)
    two = xgboost.DMatrix(x, label=np.stack([y, 1 - y], axis=1))
    cases = {
        "dart": ({"booster": "dart", "objective": "binary:logistic"}, ordinary),
        "gblinear": ({"booster": "gblinear", "objective": "binary:logistic"}, ordinary),
        "multi:softprob": ({"objective": "multi:softprob", "num_class": 3}, three),
        "reg:squarederror": ({"objective": "reg:squarederror"}, ordinary),
        "binary:logitraw": ({"objective": "binary:logitraw"}, ordinary),  # base_score is a margin
        "rank:pairwise": ({"objective": "rank:pairwise"}, ordinary),
        "categorical": ({"objective": "binary:logistic", "max_cat_to_onehot": 1}, codes),
        "multi-target": ({"objective": "binary:logistic"}, two),
    }
    for name, (options, data) in cases.items():
        booster = xgboost.train({"nthread": 2, **options}, data, 3)
        for form in ("json", "ubj"):
            booster.save_model(folder / f"other.{form}")
            margin, _, error = apply(build, folder / f"other.{form}", x[:2], folder)
            if margin is not None or name not in error:
                problems.append(f"{name}.{form} is not refused by name: {error or 'accepted'}")
    # A field that XGBoost may come to write must not be passed over.
    booster = xgboost.train({"objective": "binary:logistic"}, ordinary, 3)
    model = json.loads(booster.save_raw("json"))
    model["learner"]["gradient_booster"]["model"]["trees"][1]["leaf_transform"] = [1]
    (folder / "other.json").write_text(json.dumps(model))
    margin, _, error = apply(build, folder / "other.json", x[:2], folder)
    if margin is not None or "leaf_transform" not in error or "tree 1" not in error:
        problems.append(f"an unknown field is not refused by name: {error}")
    print(f"{2 * len(cases) + 1} models of other kinds offered")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the folder with model_apply")
    parser.add_argument("folder", help="where files are written")
    args = parser.parse_args()
    folder = pathlib.Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    problems = []
    test = rows(rng, ROWS)
    for name in MODELS:
        compare(name, args.build, folder, rng, test, problems)
    refusals(args.build, folder, rng, problems)
    for problem in problems:
        print("problem: " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
