"""Score every customer of a run once more, from features.csv and the bundle, and compare.

    python tests/oracle/bundle.py --run FOLDER

The matrix is rebuilt from features.csv by the names of the model's columns, the margin is taken by
XGBoost (a forest), by the formula of a linear model, or by both (a blend), and the calibration map, the Venn-Abers step
tables and the additive contributions are applied here again. decisions.csv, decisions.jsonl and
the bundle's golden rows must agree.
"""
import argparse
import json
import math
import sys

import numpy as np
import pandas as pd

import forest


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def number(cell):
    if cell == "":
        return math.nan
    return {"true": 1.0, "false": 0.0}.get(cell) if cell in ("true", "false") else float(cell)


def matrix(features, names):
    """float32 rows; a column is a feature, or feature=level for a category (0 when missing)."""
    columns = []
    for name in names:
        if name in features:
            columns.append([number(c) for c in features[name]])
        else:
            feature, _, level = name.partition("=")
            columns.append([float(c == level) for c in features[feature]])
    return np.array(columns).T.astype(np.float32)


class LinearModel:
    """log-odds = intercept + sum of weight * z; a missing value has z = 0 and a weight of its own."""

    def __init__(self, model):
        self.intercept, self.columns = model["intercept"], model["columns"]
        self.names = [c["name"] for c in self.columns]

    def contributions(self, x):
        out = np.empty((len(x), len(self.columns) + 1))
        for k, c in enumerate(self.columns):
            value = x[:, k].astype(np.float64)
            if c["transform"] == "signed_log":
                value = np.sign(value) * np.log1p(np.abs(value))
            low = -math.inf if c["low"] is None else c["low"]
            high = math.inf if c["high"] is None else c["high"]
            z = (np.clip(value, low, high) - c["center"]) / c["scale"]
            out[:, k] = np.where(np.isnan(x[:, k]), c["weight_missing"], c["weight"] * z)
        out[:, -1] = self.intercept
        return out

    def margins(self, x):
        return self.contributions(x).sum(axis=1)


class ForestModel:
    def __init__(self, model):
        self.booster = forest.open_booster(bytearray(json.dumps(model), "utf-8"))
        self.names = self.booster.feature_names

    def contributions(self, x):
        return forest.xgboost_contributions(self.booster, x)

    def margins(self, x):
        return forest.xgboost_margins(self.booster, x).astype(np.float64)


class BlendModel:
    """The weighted sum of its parts' calibrated log-odds."""

    def __init__(self, model):
        self.parts = [(p["weight"], p["slope"], p["intercept"], open_model(p["model"]))
                      for p in model["parts"]]
        self.names = self.parts[0][3].names

    def contributions(self, x):
        out = np.zeros((len(x), len(self.names) + 1))
        for weight, slope, intercept, part in self.parts:
            out += weight * slope * part.contributions(x)
            out[:, -1] += weight * intercept
        return out

    def margins(self, x):
        return sum(weight * (slope * part.margins(x) + intercept)
                   for weight, slope, intercept, part in self.parts)


def open_model(model):
    if "assay_linear" in model:
        return LinearModel(model)
    return BlendModel(model) if "assay_blend" in model else ForestModel(model)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def limits(table, margin, probability):
    """The Venn-Abers interval at each margin, widened to hold the probability."""
    step = np.maximum(np.searchsorted(table["margin"], margin, side="right") - 1, 0)
    p0, p1 = np.array(table["p0"])[step], np.array(table["p1"])[step]
    return np.minimum(np.minimum(p0, p1), probability), np.maximum(np.maximum(p0, p1), probability)


class Check:
    def __init__(self, tolerance):
        self.tolerance, self.compared, self.problems = tolerance, 0, []

    def same(self, what, stated, mine):
        stated, mine = np.asarray(stated, dtype=float), np.asarray(mine, dtype=float)
        gap = np.abs(stated - mine)
        wrong = ~(gap <= self.tolerance * (1 + np.abs(mine)))
        self.compared += gap.size
        if wrong.any():
            self.problems.append(f"{what}: {int(wrong.sum())} of {gap.size} differ, worst "
                                 f"{np.nanmax(gap):.3g}")


def steady(table, margin):
    """Margins that lie on a step's edge may fall to either side when rounded otherwise."""
    at = np.array(table["margin"])
    return np.array([np.min(np.abs(at - m)) > 1e-5 for m in margin])


def calibrated(bundle, margin):
    """The calibrated log-odds by whichever of the three maps the manifest holds."""
    if "platt" in bundle:
        return bundle["platt"]["slope"] * margin + bundle["platt"]["intercept"]
    if "beta" in bundle:
        k = bundle["beta"]
        return -k["a"] * np.logaddexp(0, -margin) + k["b"] * np.logaddexp(0, margin) + k["c"]
    return np.interp(margin, bundle["isotonic"]["margin"], bundle["isotonic"]["log_odds"])


def calibrated_contributions(bundle, contributions, margin):
    """Along the chord from the bias to the margin: with Platt's line, the slope times each."""
    out, bias = contributions.copy(), contributions[:, -1]
    start = calibrated(bundle, bias)
    out[:, :-1] *= ((calibrated(bundle, margin) - start) / (margin - bias))[:, None]
    out[:, -1] = start
    return out


def check_golden(check, bundle, model):
    rows = bundle["golden"]
    x = np.array([[math.nan if v is None else float(v) for v in g["row"]] for g in rows],
                 dtype=np.float32)
    stated = np.array([g["margin_probability_low_high_bias"] for g in rows])
    margin = model.margins(x)
    check.same("golden margin", stated[:, 0], margin)
    probability = sigmoid(calibrated(bundle, margin))
    check.same("golden probability", stated[:, 1], probability)
    low, high = limits(bundle["venn_abers"], stated[:, 0], stated[:, 1])
    check.same("golden low", stated[:, 2], low)
    check.same("golden high", stated[:, 3], high)
    check.same("golden bias", stated[:, 4], calibrated(bundle, model.contributions(x)[:, -1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    run = parser.parse_args().run
    bundle = read_json(run + "/bundle/bundle.json")
    text = read_json(run + "/bundle/model.json")
    model = open_model(text)
    kind = {"LinearModel": "linear model", "ForestModel": "forest",
            "BlendModel": "blend"}[type(model).__name__]
    check = Check(1e-9 if kind == "linear model" else 1e-5)
    check_golden(check, bundle, model)

    features = pd.read_csv(run + "/features.csv", dtype=str, keep_default_na=False)
    features = features.set_index("customer_id", drop=False)
    with open(run + "/decisions.jsonl", encoding="utf-8") as file:
        decisions = [json.loads(line) for line in file]
    ids = [d["customer_id"] for d in decisions]
    x = matrix(features.loc[ids], model.names)
    margin = model.margins(x)
    probability = sigmoid(calibrated(bundle, margin))
    check.same("margin", [d["margin"] for d in decisions], margin)
    check.same("probability", [d["probability"] for d in decisions], probability)
    low, high = limits(bundle["venn_abers"], margin, probability)
    firm = steady(bundle["venn_abers"], margin)
    check.same("probability_low", np.array([d["probability_low"] for d in decisions])[firm],
               low[firm])
    check.same("probability_high", np.array([d["probability_high"] for d in decisions])[firm],
               high[firm])
    mine = calibrated_contributions(bundle, model.contributions(x), margin)
    stated = [[d["contributions"][n] for n in [*model.names, "bias"]] for d in decisions]
    check.same("contributions", stated, mine)
    sheet = pd.read_csv(run + "/decisions.csv", dtype={"customer_id": str})
    if list(sheet.customer_id) != ids:
        check.problems.append("decisions.csv and decisions.jsonl list customers differently")
    check.same("decisions.csv", sheet.probability, [d["probability"] for d in decisions])
    for problem in check.problems:
        print("problem: " + problem)
    print(f"bundle: a {kind} of {len(model.names)} columns, "
          f"{len(ids)} customers scored again, {check.compared} figures compared, "
          f"{len(check.problems)} mismatches")
    return 1 if check.problems or not ids else 0


if __name__ == "__main__":
    sys.exit(main())
