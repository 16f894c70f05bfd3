"""Train a forest with XGBoost on the matrix that assay hands out, import it, score with it, compare.

    python tests/oracle/imported.py BUILD BANK RUN FOLDER

BANK is the folder of a bank's four files, RUN that of `assay run` on it. The model is trained on
some of the columns in another order, with missing values; from JSON and from UBJ the same bundle
must come. Its probabilities of the customers to be scored must be XGBoost's own without labelled
files, and Platt's sigmoid of XGBoost's margins with them.
"""
import argparse
import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import pandas as pd
import xgboost

import bundle as rebuilt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("build", "bank", "run", "folder"):
        parser.add_argument(name)
    args = parser.parse_args()
    folder = pathlib.Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    # The run knew both files of transactions, and its own instant.
    with open(args.run + "/bundle/bundle.json", encoding="utf-8") as file:
        as_of = json.load(file)["as_of"]
    transactions = ["--transactions", f"{args.bank}/labelled_transactions.csv",
                    "--transactions", f"{args.bank}/unlabelled_transactions.csv",
                    "--as-of", as_of]
    labelled = ["--customers", f"{args.bank}/labelled_users.csv", *transactions]
    problems = []

    def assay(*words):
        done = subprocess.run([f"{args.build}/assay", *words], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"assay {' '.join(words)}: {done.stderr}")
        return done.stdout

    base = ["--bundle", args.run + "/bundle"]
    table = pd.read_csv(io.StringIO(assay("bundle", "matrix", *base, *labelled)),
                        dtype={"customer_id": str})
    names = list(table.columns[2:])
    x = table[names].to_numpy(dtype=np.float32)
    features = pd.read_csv(args.run + "/features.csv", dtype=str, keep_default_na=False)
    features = features.set_index("customer_id", drop=False)
    if not np.array_equal(rebuilt.matrix(features.loc[table.customer_id], names), x,
                          equal_nan=True):
        problems.append("the matrix is not what features.csv says")

    rng = np.random.default_rng(3)
    some = list(rng.permutation(names)[:2 * len(names) // 3])
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "nthread": 1},
        xgboost.DMatrix(table[some].astype(np.float32), label=table.label), 40)
    scored = pd.read_csv(f"{args.bank}/unlabelled_users.csv", dtype=str)
    ids = sorted(set(scored["user_id"] if "user_id" in scored else scored.iloc[:, 0]))
    to_score = xgboost.DMatrix(
        pd.DataFrame(rebuilt.matrix(features.loc[ids], some), columns=some), missing=np.nan)
    margin = booster.predict(to_score, output_margin=True).astype(np.float64)
    if np.ptp(margin) < 1 or not np.isnan(x).any():
        problems.append("the forest is too plain to tell")

    compared = 0
    for calibrated in (False, True):
        written = []
        for form in ("json", "ubj"):
            booster.save_model(folder / f"model.{form}")
            out = str(folder / f"{form}-{calibrated}")
            assay("bundle", "import", *base, "--model", str(folder / f"model.{form}"), "--out", out,
                  *(labelled if calibrated else []))
            assay("verify", "--bundle", out)
            written.append((pathlib.Path(out) / "model.json").read_bytes())
            decisions = pd.read_csv(io.StringIO(assay(
                "score", "--bundle", out, "--quarantine", str(folder / "quarantine.csv"),
                "--customers", f"{args.bank}/unlabelled_users.csv", *transactions)),
                dtype={"customer_id": str}).set_index("customer_id")
            platt = json.loads((pathlib.Path(out) / "bundle.json").read_text())["platt"]
            if not calibrated and platt != {"slope": 1.0, "intercept": 0.0}:
                problems.append(f"{form}: an uncalibrated bundle has {platt}")
            if calibrated and not 0.2 < platt["slope"] < 20:
                problems.append(f"{form}: {platt} is no calibration")
            expected = rebuilt.sigmoid(platt["slope"] * margin + platt["intercept"])
            gap = np.abs(decisions.loc[ids].probability - expected)
            compared += len(gap)
            if not gap.max() < 1e-9:
                problems.append(f"{form}: probabilities differ from XGBoost's by {gap.max():.3g}")
        if written[0] != written[1]:
            problems.append("JSON and UBJ of one model make different bundles")
    for problem in problems:
        print("problem: " + problem)
    print(f"imported: {booster.num_boosted_rounds()} trees of {len(some)} of {len(names)} columns, "
          f"{compared} probabilities compared")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
