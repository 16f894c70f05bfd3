"""Recompute fairness.csv from the bank's files and a run's own figures, with pandas and scipy.

    python tests/oracle/fairness.py --customers labelled_users.csv
                                    --score-customers unlabelled_users.csv --run FOLDER

Groups come from the files (versions of a customer settled as bank.py does), labels and
probabilities from validation.csv, segments and actions from decisions.csv. Counts, rates, intervals
(Wilson; Koopman by a root finder), means, AUC values, verdicts (Fisher's exact test) and who is in
no group must be the program's. Of proxies.csv members and the score's AUC are computed again; the
AUC of the inputs by scikit-learn's logistic regression on other folds, which may differ by 0.1.
"""
import argparse
import json
import math
import sys
import warnings

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import fisher_exact, norm
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import bank

SHOWN, JUDGED, OF_CLASS, FIGURE = 5, 30, 5, 10
Z = norm.ppf(0.975)
PROTECTED = {"country_of_residence": "residence", "phone_number_country_code": "residence",
             "occupation": "economic_situation", "gender": "gender", "date_of_birth": "age",
             "document_issuing_country": "nationality", "locale": "language"}
BANDS = [(25, "under 25"), (35, "25 to 34"), (45, "35 to 44"), (55, "45 to 54"), (65, "55 to 64"),
         (math.inf, "65 or older")]
INPUTS_APART = 0.1


class Check:
    def __init__(self):
        self.compared, self.problems = 0, []

    def same(self, what, stated, mine, tolerance=1e-8):
        self.compared += 1
        if math.isnan(stated) and not math.isfinite(mine):
            return
        if not math.isclose(stated, mine, rel_tol=tolerance, abs_tol=tolerance):
            self.problems.append(f"{what}: the run has {stated!r}, the oracle {mine!r}")

    def true(self, what, holds):
        self.compared += 1
        if not holds:
            self.problems.append(what)


def wilson(k, n):
    if n == 0:
        return math.nan, math.nan
    p = k / n
    centre, half = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    low, high = (centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)
    return 0.0 if k == 0 else low, 1.0 if k == n else high


def koopman(x, m, y, n):
    """(ratio, low, high); what is infinite or not defined is left empty by the program."""
    if n == 0 or m == 0:
        return math.nan, math.nan, math.nan

    def excess(log_phi):
        phi = math.exp(log_phi)
        a, b, c = (m + n) * phi, -(m * phi + x + n + y * phi), x + y
        q = 2 * c / (-b + math.sqrt(max(b * b - 4 * a * c, 0)))
        p = phi * q
        variance = p * (1 - p) / m + phi * phi * q * (1 - q) / n
        gap = x / m - phi * y / n
        return (gap * gap / variance if variance > 0 else 0 if gap == 0 else math.inf) - Z * Z

    ratio = (x / m) / (y / n) if y else math.inf if x else math.nan
    low, high = 0.0, math.inf
    if x:
        top = math.log(ratio) - 1e-6 if y else 40  # at the ratio itself 0 / 0
        low = math.exp(brentq(excess, -40, top, xtol=1e-13))
    if y:
        bottom = math.log(ratio) + 1e-6 if x else -40
        high = math.exp(brentq(excess, bottom, 40, xtol=1e-13))
    return ratio, low, high


def age_band(born, today):
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return next(name for limit, name in BANDS if years < limit)


def values_of(rows, column, as_of):
    settled = {c: bank.settle(map(bank.text_or_missing, group[column]))
               for c, group in rows.groupby("user_id", sort=False)}
    if column == "date_of_birth":
        today = pd.Timestamp(as_of[:10])
        settled = {c: None if v is None else age_band(pd.Timestamp(v), today)
                   for c, v in settled.items()}
    return {c: "(missing)" if v is None else v for c, v in settled.items()}


def groups_of(value, labelled):
    """Group of each customer, or None; whether some labelled ones are in none."""
    count = pd.Series([value[c] for c in labelled]).value_counts()
    own = {v for v, n in count.items() if n >= SHOWN}
    rest = int(sum(n for n in count if n < SHOWN))
    name = "other" if rest >= SHOWN else None
    return {c: v if v in own else name for c, v in value.items()}, 0 < rest < SHOWN


def measures(labelled, scored, thresholds):
    t = thresholds
    ones = {"suspended": (labelled, labelled.label == 1),
            "high_segment": (scored, scored.segment == "High"),
            "candidate": (scored, scored.action == "PROPOSE_OFFBOARDING")}
    for name, limit in (("medium", t["medium"]), ("high", t["high"]),
                        ("offboarding", t["offboarding"])):
        good, bad = labelled[labelled.label == 0], labelled[labelled.label == 1]
        ones["false_positive_" + name] = (good, good.p >= limit)
        ones["missed_" + name] = (bad, bad.p < limit)
    return ones


def compare(name, who, hit, everybody, group):
    """One row as the program writes it, without its verdict; None when it writes none."""
    inside = who.group == group
    x, m, y, n = (int(hit[inside].sum()), int(inside.sum()), int(hit[~inside].sum()),
                  int((~inside).sum()))
    if m < OF_CLASS:
        return None
    if n < OF_CLASS:
        y = n = 0
    within = int((everybody.group == group).sum())
    judged = min(within, len(everybody) - within) >= JUDGED and n > 0 and x + y > 0
    ratio = koopman(x, m, y, n)
    far = not 0.8 <= ratio[0] <= 1.25 and (ratio[1] > 1 or ratio[2] < 1)
    chance = fisher_exact([[x, m - x], [y, n - y]]).pvalue if judged else 1
    return {"measure": name, "counts": (x, m, y, n), "rate": (x / m, *wilson(x, m)),
            "ratio": ratio, "judged": judged, "far": judged and far, "chance": chance}


def check_row(check, what, stated, mine, comparisons):
    x, m, y, n = mine["counts"]
    verdict = ("too few" if not mine["judged"] else "within" if not mine["far"] else
               "beyond_chance" if mine["chance"] * comparisons < 0.05 else "may_be_chance")
    check.same(what + " count", stated["count"], x)
    check.same(what + " of", stated["of"], m)
    for key, own in zip(("rest_count", "rest_of"), (y, n)):
        check.same(f"{what} {key}", stated[key], own if n else math.nan)
    for key, own in zip(("value", "low", "high"), mine["rate"]):
        check.same(f"{what} {key}", stated[key], own)
    for key, own in zip(("ratio", "ratio_low", "ratio_high"), mine["ratio"]):
        check.same(f"{what} {key}", stated[key], own)
    check.true(f"{what}: verdict {stated['verdict']}, the oracle's {verdict}",
               stated["verdict"] == verdict)


def mean_of(p):
    half = Z * p.std(ddof=1) / math.sqrt(len(p))
    return p.mean(), p.mean() - half, p.mean() + half


def plain_rows(group, labelled, scored, sheet, runs):
    own, due = labelled[labelled.group == group], scored[scored.group == group]
    rate, (low, high) = own.label.mean(), wilson(int(own.label.sum()), len(own))
    rows = {"mean_probability": mean_of(own.p),
            "calibration": (own.p.mean() - rate, own.p.mean() - high, own.p.mean() - low)}
    inside = (labelled.group == group).to_numpy()
    positives = int(own.label.sum())
    auc = math.nan
    if FIGURE <= positives <= len(own) - FIGURE:
        auc = np.mean([roc_auc_score(sheet.label[inside], sheet[r][inside]) for r in runs])
    rows["auc"] = (auc, None, None)
    if len(due) >= SHOWN:
        rows["mean_probability_scored"] = mean_of(due.probability)
    return rows


def inputs_auc(features, used, member):
    """Out-of-fold AUC of scikit-learn's logistic regression on the model's features."""
    x = features[used]
    texts = [c for c in used if not pd.api.types.is_numeric_dtype(x[c])]
    x = x.assign(**{c: x[c].astype(str) for c in texts})
    numbers = [c for c in used if c not in texts]
    x = x.astype({c: float for c in numbers})
    x = x.assign(**{c: np.sign(x[c]) * np.log1p(x[c].abs()) for c in numbers})
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", min_frequency=5), texts),
            (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers)),
        LogisticRegression(C=0.1, max_iter=2000))
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    return roc_auc_score(member, cross_val_predict(model, x, member, cv=folds,
                                                   method="decision_function"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", action="append", required=True)
    parser.add_argument("--score-customers", action="append", default=[])
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    parser.add_argument("--expect-proxy", metavar="COLUMN=INPUT", help="it must be found, by name")
    parser.add_argument("--expect-calm", action="store_true", help="nothing may be warned of")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with open(args.run + "/metrics.json", encoding="utf-8") as file:
        figures = json.load(file)
    with open(args.run + "/run.json", encoding="utf-8") as file:
        as_of = json.load(file)["as_of"]
    with open(args.run + "/bundle/bundle.json", encoding="utf-8") as file:
        used = [f["name"] for f in json.load(file)["features"] if not f["skip"]]
    sheet = pd.read_csv(args.run + "/validation.csv", dtype={"customer_id": str})
    features = pd.read_csv(args.run + "/features.csv", dtype={"customer_id": str})
    decisions = pd.read_csv(args.run + "/decisions.csv", dtype={"customer_id": str})
    stated = pd.read_csv(args.run + "/fairness.csv", keep_default_na=False,
                         na_values=[""], dtype={"group": str})
    stated["group"] = stated.group.str.removeprefix("'")
    proxies = pd.read_csv(args.run + "/proxies.csv", dtype={"group": str})
    proxies["group"] = proxies.group.str.removeprefix("'")
    due = set(features.customer_id[features.cohort != "labelled"])
    labels = set(features.customer_id[features.cohort != "scored"])
    scored_all = decisions[decisions.customer_id.isin(due)].reset_index(drop=True)
    chosen = figures["validation"]["chosen"]
    runs = [f"p_{chosen}_{r + 1}" for r in range(figures["validation"]["repeats"])]
    labelled_all = pd.DataFrame({"customer_id": sheet.customer_id, "label": sheet.label,
                                 "p": sheet[runs].mean(axis=1)})
    rows = bank.table(args.customers + args.score_customers).fillna("")
    new = bank.table(args.score_customers).fillna("") if args.score_customers else None
    check = Check()
    expected, plain, group_at = [], {}, {}
    for column, ground in PROTECTED.items():
        if column not in rows:
            continue
        value = values_of(rows, column, as_of)
        group, left_out = groups_of(value, labelled_all.customer_id)
        known = new is not None and column in new and (new[column] != "").any()
        labelled = labelled_all.assign(group=labelled_all.customer_id.map(group))
        scored = scored_all.assign(group=scored_all.customer_id.map(group))
        scored = scored if known else scored.iloc[:0]
        group_at[column] = group, known
        own = next(c for c in figures["fairness"]["columns"] if c["column"] == column)
        check.true(column + ": known or left out, wrongly", (own["known_when_scored"], own[
            "some_left_out"], own["ground"]) == (known, left_out, ground))
        for name in sorted(set(labelled.group.dropna())):
            few = (scored.group == name).sum() < SHOWN
            for measure, (who, hit) in measures(labelled, scored, figures["thresholds"]).items():
                of_scored = measure in ("high_segment", "candidate")
                if of_scored and few:
                    continue
                mine = compare(measure, who, hit, scored if of_scored else labelled, name)
                if mine is not None:
                    expected.append((column, name, mine))
            for measure, mine in plain_rows(name, labelled, scored, sheet, runs).items():
                plain[column, name, measure] = mine
    comparisons = sum(m["judged"] for _, _, m in expected)
    check.same("comparisons", figures["fairness"]["comparisons"], comparisons)
    table = {(r["column"], r["group"], r["measure"]): r for _, r in stated.iterrows()}
    keys = {(c, g, m["measure"]) for c, g, m in expected} | set(plain)
    check.true(f"fairness.csv has other rows: {sorted(set(table) ^ keys)[:5]}", set(table) == keys)
    for column, name, mine in expected:
        row = table.get((column, name, mine["measure"]))
        if row is not None:
            check_row(check, f"{column} {name} {mine['measure']}", row, mine, comparisons)
    for key, mine in plain.items():
        for end, own in zip(("value", "low", "high"), mine):
            if key in table and own is not None:
                check.same(" ".join(key) + " " + end, table[key][end], own)
    check.true("a group of fewer than five is shown",
               (stated[stated.measure == "suspended"].of >= SHOWN).all())

    for _, proxy in proxies.iterrows():
        group, known = group_at[proxy.column]
        what = f"proxy {proxy.column} {proxy.group}"
        tested = features[features.customer_id.isin(group)
                          & (known | features.customer_id.isin(labels))]
        member = tested.customer_id.map(group) == proxy.group
        score = labelled_all.customer_id.map(group) == proxy.group
        check.same(what + " score", proxy.score_auc, roc_auc_score(score, labelled_all.p))
        check.true(what + ": clear, or not, wrongly", proxy.clear == (proxy.auc_low >
                                                              figures["fairness"]["proxy_mark"]))
        if len(tested) <= 1000:
            check.same(what + " customers", proxy.customers, len(tested))
            check.same(what + " members", proxy.members, int(member.sum()))
            mine = inputs_auc(tested, used, member.to_numpy())
            check.true(f"{what}: AUC of the inputs {proxy.auc:.3f}, the oracle's {mine:.3f}",
                       abs(proxy.auc - mine) < INPUTS_APART)

    with open(args.run + "/quality.json", encoding="utf-8") as file:
        warned = [f for f in json.load(file)["findings"]
                  if f["code"] in ("proxy", "fairness_gap") and f["severity"] != "info"]
    if args.expect_proxy:
        column, name = args.expect_proxy.split("=")
        check.true("the planted proxy is not found", any(
            f["code"] == "proxy" and column in f["what"] and f"mostly by {name}" in f["what"]
            for f in warned))
    if args.expect_calm:
        check.true(f"warned of: {[f['what'][:80] for f in warned]}", not warned)

    for problem in check.problems:
        print("problem: " + problem)
    print(f"fairness: {len(table)} rows and {len(proxies)} proxies, {comparisons} comparisons, "
          f"{check.compared} figures compared, {len(check.problems)} mismatches")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
