#!/usr/bin/env python3
"""Write tests/data/model/xgboost-VERSION.{json,ubj,expected.json}: a model saved by the installed
XGBoost on made-up data, and the margins and SHAP values that XGBoost itself gives for some rows.

Run once for each version of XGBoost that is to be read (1.7.6, 2.1.4, 3.2.0), from the root of
the repository:  python tests/oracle/make_model_fixture.py
"""
import json

import numpy as np
import xgboost as xgb

COLUMNS = ["amount_mean", "failed_share", "state=FAILED", "night \"share\"", "gap", "count"]


def rows(rng, n):
    x = rng.normal(size=(n, len(COLUMNS))).astype(np.float32)
    x[:, 2] = x[:, 2] > 0                          # one-hot
    x[:, 5] = np.floor(np.abs(x[:, 5]) * 3)        # values that lie on thresholds
    x[rng.random(x.shape) < 0.15] = np.nan
    return x


def number(v):
    return None if np.isnan(v) else float(f"{v:.9g}")


rng = np.random.default_rng(2024)
x = rows(rng, 600)
z = np.nan_to_num(x)
y = (z[:, 0] - z[:, 1] * z[:, 2] + 0.5 * z[:, 5] + rng.normal(size=600) > 1).astype(int)
booster = xgb.train(
    {"objective": "binary:logistic", "max_depth": 4, "eta": 0.3, "base_score": 0.37, "seed": 1,
     "tree_method": "exact", "gamma": 0.4, "nthread": 1},  # exact with gamma leaves pruned nodes
    xgb.DMatrix(x, label=y, feature_names=COLUMNS), 15)
probe = rows(rng, 60)
test = xgb.DMatrix(probe, feature_names=COLUMNS)
name = "tests/data/model/xgboost-" + ".".join(xgb.__version__.split(".")[:2])
booster.save_model(name + ".json")
booster.save_model(name + ".ubj")
with open(name + ".expected.json", "w") as out:
    json.dump({"columns": COLUMNS,
               "rows": [[number(v) for v in row] for row in probe],
               "margin": [number(v) for v in booster.predict(test, output_margin=True)],
               "contribution": [[number(v) for v in row]
                                for row in booster.predict(test, pred_contribs=True)]}, out)
