#!/usr/bin/env python3
"""amlsim.py ASSAY DATA OUT - AMLSim's two-sided ledger, run by the books of examples/amlsim alone.

What `assay init` finds in the files, the features of both sides computed a second time, and the
area under the curve from the out-of-fold probabilities by scikit-learn.
"""
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

AUC_LEAST = 0.893  # what simple aggregates with XGBoost reach
COUNTS = ("payers", "payees", "fan_in_7d", "fan_out_7d", "in_amounts", "out_amounts")
failures = 0


def say(good, what):
    global failures
    print(f"{'ok  ' if good else 'FAIL'} {what}")
    failures += not good


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout, done.stderr)
    say(done.returncode == 0, " ".join(command[:2]) + f" answers {done.returncode}")
    return done.stdout


def most_in_days(frame, days):
    """For each account the most different partners in (t - days, t] for any of its events."""
    out = {}
    for account, rows in frame.groupby("account"):
        times, partners = rows.time.to_numpy(), rows.partner.to_numpy()
        order = np.argsort(times, kind="stable")
        times, partners = times[order], partners[order]
        most, first = 0, 0
        for last in range(len(times)):
            while times[first] <= times[last] - days:
                first += 1
            most = max(most, len(set(partners[first:last + 1])))
        out[account] = most
    return pd.Series(out)


def features_again(t):
    out = t.rename(columns={"sourceNodeId": "account", "targetNodeId": "partner"}).assign(way="out")
    inc = t.rename(columns={"targetNodeId": "account", "sourceNodeId": "partner"}).assign(way="in")
    both = pd.concat([out, inc])
    f = pd.DataFrame({"events": both.groupby("account").size()})
    for frame, people, fan, way in ((inc, "payer", "fan_in_7d", "in"), (out, "payee", "fan_out_7d", "out")):
        g = frame.groupby("account")
        f[f"{people}s"] = g.partner.nunique()
        pairs = frame.groupby(["account", "partner"]).size()
        f[f"{people}_concentration"] = pairs.pow(2).groupby("account").sum() / g.size() ** 2
        f[fan] = most_in_days(frame, 7)
        f[f"{way}_min"] = g.value.min()
        f[f"{way}_median"] = g.value.median()
        f[f"{way}_spread"] = g.value.std() / g.value.mean()
        f[f"{way}_amounts"] = g.value.nunique()
    f["smallest"] = both.groupby("account").value.min()
    f["active_days"] = both.groupby("account").time.nunique()
    f["small_share"] = both.assign(small=both.value < 100).groupby("account").small.mean()
    f["in_over_out"] = inc.groupby("account").value.sum().reindex(f.index).fillna(0) / (
        out.groupby("account").value.sum().reindex(f.index).fillna(0) + 1)
    return f


def main():
    assay, data, folder = sys.argv[1:4]
    os.makedirs(folder, exist_ok=True)
    nodes, transfers = f"{data}/nodes.csv", f"{data}/transactions.csv"
    told = run(assay, "init", "--quiet", nodes, transfers)
    for part in ("key: nodeid", "column: isFraud", 'positive: ["1"]', "format: step",
                 "sides: {source: sourceNodeId, target: targetNodeId}", "amount: value",
                 "suspected leak: -1 stands for nearly all"):
        say(part in told, f"init finds `{part}`")
    say(told.count("suspected leak") == 1 and "protected: " not in told, "and no other leak or ground")

    people = pd.read_csv(nodes)
    some = people[people.nodeid % 3 == 0]
    some[["nodeid", "init_balance"]].to_csv(f"{folder}/to_score.csv", index=False)
    books = sum((["--" + b, f"examples/amlsim/{b}.yaml"] for b in ("schema", "features", "policy")), [])
    run(assay, "run", "--quiet", *books, "--customers", nodes, "--transactions", transfers,
        "--score-customers", f"{folder}/to_score.csv", "--shuffles", "4", "--out", f"{folder}/out")

    mine = features_again(pd.read_csv(transfers))
    theirs = pd.read_csv(f"{folder}/out/features.csv").set_index("customer_id")
    theirs = theirs.reindex(mine.index)
    for name in mine:
        a, b = mine[name].to_numpy(float), theirs[name].to_numpy(float)
        if name in COUNTS:
            a = np.nan_to_num(a)  # no transfer of that way: none is counted
        say(np.isclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True).all(), f"{name} of {len(a)} accounts")

    v = pd.read_csv(f"{folder}/out/validation.csv")
    say(len(v) == len(people), f"{len(v)} accounts have an out-of-fold probability")
    with open(f"{folder}/out/metrics.json", encoding="utf-8") as f:
        chosen = json.load(f)["validation"]["chosen"]
    auc = roc_auc_score(v.label, v[f"p_{chosen}_1"])
    say(auc >= AUC_LEAST, f"ROC-AUC {auc:.4f} in 5 folds on all accounts, at least {AUC_LEAST}")
    nested = [c for c in v.columns if c.startswith("p_nested_")]
    say(len(nested) > 0, f"{len(nested)} repeats of the nested procedure are judged")
    for name in nested:  # the choice of the candidate inside each training part, too
        auc = roc_auc_score(v.label, v[name])
        say(auc >= AUC_LEAST, f"ROC-AUC {auc:.4f} of {name}, at least {AUC_LEAST}")
    with open(f"{folder}/out/metrics.json", encoding="utf-8") as f:
        audit = json.load(f)["audit"]
    leak = next((c for c in audit["columns"] if c["name"] == "fraudStep"), {})
    say(leak.get("leak") in ("label_encoded", "filled_for_one_class"), f"fraudStep is called a leak: {leak.get('leak')}")
    say(not audit["kept_out"], "and no feature of the book is, for none reads it")
    with open("examples/amlsim/features.yaml", encoding="utf-8") as f:
        book = f.read()
    with open(f"{folder}/leaking.yaml", "w", encoding="utf-8") as f:
        f.write(book + "\n  - {name: step, expr: fraudStep, use: model, family: leak, says: Step of the fraud}\n")
    # Without accounts to score: scoring would lack the column, which keeps it out before the audit does.
    run(assay, "evaluate", "--quiet", *books[:2], *books[4:], "--features", f"{folder}/leaking.yaml", "--customers", nodes,
        "--transactions", transfers, "--shuffles", "2", "--ablation", "none", "--out", f"{folder}/leaking")
    with open(f"{folder}/leaking/metrics.json", encoding="utf-8") as f:
        kept = json.load(f)["audit"]["kept_out"]
    say([(k["feature"], k["column"], k["kept_out"]) for k in kept] == [("step", "fraudStep", True)],
        "a feature that reads fraudStep is kept out of the model")
    report = open(f"{folder}/out/quality.json", encoding="utf-8").read()
    say("fraud_step" in report or "fraudStep" in report, "the run says that fraudStep tells the label")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
