"""Compute screening.csv once more from features.csv and validation.csv, and compare.

    python tests/oracle/screening.py --run FOLDER [--book features.yaml]

docs/importance.md says what each figure is; pandas, scikit-learn and scipy say what it comes to.
Information value, missing shares, distinct values, PSI, AUC with its interval, correlations and
groups must agree within 1e-6 (values are read from a file, and taken in float32 as the model has
them). Other shuffles than the program's must pass its limits of noise about as often as the limits
say (999 of them, and the worst of all features): 5 % between 2 and 10, 1 % between .1 and 3.5. The features
called kept must be those of importance.csv, and families there must be the book's.
"""
import argparse
import math
import re
import sys

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import roc_auc_score

UNITS = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6, "w": 7 * 86400 * 10**6}
LEVEL_LEAST, SHUFFLES = 5, 2000


def read_book(path):
    """{feature: (use, family)} by the book's own words."""
    with open(path, encoding="utf-8") as file:
        text = file.read().partition("\nfeatures:")[2]
    entries = re.split(r"^  - name: *", text, flags=re.M)[1:]
    found = {}
    for entry in entries:
        name = entry.split("\n", 1)[0].strip()
        use = re.search(r"^    use: *(\w+)", entry, re.M)
        family = re.search(r"^    family: *(.+?) *$", entry, re.M)
        found[name] = (use.group(1), family.group(1))
    return found


def numbers(column):
    """The cells as float64, missing NaN; None when they are words."""
    def one(cell):
        if cell == "":
            return math.nan
        if cell in ("true", "false"):
            return float(cell == "true")
        span = re.fullmatch(r"(-?[0-9.]+)(s|min|h|d|w)", cell)
        if span:
            return float(round(float(span.group(1)) * UNITS[span.group(2)]))
        if re.match(r"\d{4}-\d\d-\d\d", cell):
            return float(pd.Timestamp(cell.replace(" UTC", "")).value // 1000)
        return float(cell)
    try:
        return np.array([one(c) for c in column])
    except ValueError:
        return None


def bins_of(column, labelled):
    """Bin of every cell and how many bins there may be; labelled cells come first."""
    value = numbers(column)
    if value is not None:
        single = value.astype(np.float32)
        known = np.sort(single[:labelled][~np.isnan(single[:labelled])])
        if len(known) == 0:
            return np.where(np.isnan(single), 10, 0), 11
        cuts = [known[(len(known) * (d + 1) + 9) // 10 - 1] for d in range(9)]
        return np.where(np.isnan(single), 10, np.searchsorted(cuts, single, side="left")), 11
    levels = pd.Series(column[:labelled]).value_counts()
    names = [n for n in levels.index if n != "" and levels[n] >= LEVEL_LEAST]
    place = {"": 1, **{n: k + 2 for k, n in enumerate(names)}}
    return np.array([place.get(c, 0) for c in column]), len(names) + 2


def index(one, other):
    """Sum of (a - e) ln(a / e), an empty side half a customer; empty on both sides nothing."""
    seen = one + other > 0
    e = np.where(one == 0, 0.5, one)[seen] / one.sum()
    a = np.where(other == 0, 0.5, other)[seen] / other.sum()
    return float(((a - e) * np.log(a / e)).sum())


def information(bins, count, label):
    return index(np.bincount(bins[label == 0], minlength=count).astype(float),
                 np.bincount(bins[label == 1], minlength=count).astype(float))


def shuffled_information(bins, count, shuffles):
    """The same for every row of shuffles, labels shuffled over customers."""
    inside = np.eye(count)[bins]
    inside = inside[:, inside.any(axis=0)]
    positive = shuffles @ inside
    negative = inside.sum(axis=0) - positive
    n, m = negative.sum(axis=1, keepdims=True), positive.sum(axis=1, keepdims=True)
    e, a = np.where(negative == 0, 0.5, negative) / n, np.where(positive == 0, 0.5, positive) / m
    return ((a - e) * np.log(a / e)).sum(axis=1)


def auc_alone(value, label):
    """The better side for missing ones, direction-free; Hanley and McNeil's interval."""
    best = max((max(a, 1 - a) for a in (roc_auc_score(label, np.where(np.isnan(value), side, value))
                                        for side in (-1e300, 1e300))), default=0.5)
    m, n = label.sum(), (1 - label).sum()
    q1, q2 = best / (2 - best), 2 * best * best / (1 + best)
    error = 1.959963984540054 * math.sqrt(max(
        (best * (1 - best) + (m - 1) * (q1 - best**2) + (n - 1) * (q2 - best**2)) / (m * n), 0))
    return best, max(best - error, 0), min(best + error, 1)


def ranks(value):
    """Ranks of known values less their mean, missing 0, at length 1."""
    rank = pd.Series(value).rank().to_numpy()
    rank = np.where(np.isnan(rank), 0, rank - np.nanmean(rank)) if (~np.isnan(rank)).any() else rank * 0
    rank = np.nan_to_num(rank)
    size = math.sqrt(float((rank**2).sum()))
    return rank / size if size > 1e-9 else rank * 0


def correlations(table, names):
    """Absolute rank correlation of features, of categories that of their most alike levels."""
    column, of = [], []
    for k, name in enumerate(names):
        value = numbers(table[name])
        if value is not None:
            column.append(ranks(value))
            of.append(k)
            continue
        for level in set(table[name]) - {""}:
            inside = np.array([float(c == level) for c in table[name]])
            if inside.sum() >= LEVEL_LEAST:
                column.append(ranks(inside))
                of.append(k)
    product = np.abs(np.array(column) @ np.array(column).T)
    alike = np.zeros((len(names), len(names)))
    np.maximum.at(alike, (np.repeat(of, len(of)), np.tile(of, len(of))), product.ravel())
    np.fill_diagonal(alike, 1)
    return alike


class Check:
    def __init__(self):
        self.compared, self.problems = 0, []

    def same(self, what, stated, mine, tolerance=1e-6):
        self.compared += 1
        if pd.isna(stated) and (mine is None or math.isnan(mine)):
            return
        if pd.isna(stated) or not math.isclose(stated, mine, rel_tol=tolerance, abs_tol=tolerance):
            self.problems.append(f"{what}: screening.csv has {stated!r}, the oracle {mine!r}")

    def true(self, what, holds):
        self.compared += 1
        if not holds:
            self.problems.append(what)


def check_feature(check, row, column, label, labelled, shuffles):
    name, own = row.name, column[:labelled]
    bins, count = bins_of(column, labelled)
    first = bins[:labelled]
    check.same(f"{name} information_value", row.information_value, information(first, count, label))
    check.same(f"{name} bins", row.bins, len(set(first)))
    check.same(f"{name} distinct", row.distinct, len(set(own) - {""}))
    check.same(f"{name} missing_labelled", row.missing_labelled, float(np.mean([c == "" for c in own])))
    scored = column[labelled:]
    if len(scored):
        check.same(f"{name} missing_scored", row.missing_scored,
                   float(np.mean([c == "" for c in scored])))
        psi = index(np.bincount(first, minlength=count).astype(float),
                    np.bincount(bins[labelled:], minlength=count).astype(float))
        check.same(f"{name} psi", row.psi, psi)
        check.true(f"{name}: a limit of noise is due from .1 on", pd.isna(row.psi_noise_limit) == (psi < 0.1))
    value = numbers(own)
    if value is not None and len(own):
        for end, mine in zip(("auc", "auc_low", "auc_high"), auc_alone(value, label)):
            check.same(f"{name} {end}", row[end], mine)
    drawn = shuffled_information(first, count, shuffles)
    for stated, most, least in ((row.noise_95, 0.1, 0.02), (row.noise_99, 0.035, 0.001)):
        beyond, reached = (drawn > stated + 1e-9).mean(), (drawn >= stated - 1e-9).mean()
        check.true(f"{name}: {beyond:.3f} of the oracle's shuffles pass the limit of noise "
                   f"{stated:.4f}, {reached:.3f} reach it", beyond <= most and reached >= least)


def check_groups(check, sheet, table, names):
    alike = correlations(table, names)
    apart = squareform(np.clip(1 - alike, 0, None), checks=False)
    mine = fcluster(linkage(apart, "average"), 0.3, "distance")
    stated = [int(sheet.loc[n, "group"]) for n in names]
    for a, name in enumerate(names):
        own = {names[b] for b in range(len(names)) if mine[b] == mine[a]}
        theirs = {names[b] for b in range(len(names)) if stated[a] > 0 and stated[b] == stated[a]} or {name}
        check.true(f"{name} is grouped with {sorted(theirs)}, by scipy with {sorted(own)}", own == theirs)
        others = np.delete(alike[a], a)
        check.same(f"{name} correlation", sheet.loc[name, "correlation"], float(min(others.max(), 1)))
        nearest = sheet.loc[name, "nearest"]
        if others.max() > 0:
            check.same(f"{name} nearest", float(alike[a][names.index(nearest)]), float(others.max()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    parser.add_argument("--book", default="spec/features.yaml")
    args = parser.parse_args()
    features = pd.read_csv(args.run + "/features.csv", dtype=str, keep_default_na=False)
    judged = pd.read_csv(args.run + "/validation.csv", dtype={"customer_id": str})
    sheet = pd.read_csv(args.run + "/screening.csv", dtype={"nearest": str}).set_index("feature")
    importance = pd.read_csv(args.run + "/importance.csv", dtype={"members": str})
    book = read_book(args.book)
    names = [c for c in features.columns if c not in ("customer_id", "cohort")]
    label, check, random = judged.label.to_numpy(), Check(), np.random.default_rng(11)
    shuffles = np.array([random.permutation(label) for _ in range(SHUFFLES)], dtype=float)
    labelled = features.set_index("customer_id").loc[judged.customer_id, names]
    scored = features[features.cohort == "scored"][names]
    both = pd.concat([labelled, scored])
    check.true("screening.csv has other features", sorted(sheet.index) == sorted(names))
    values = list(sheet.information_value)
    check.true("screening.csv is not in order of information",
               all(a >= b for a, b in zip(values, values[1:])))
    for name in names:
        check_feature(check, sheet.loc[name], both[name].to_numpy(), label, len(judged), shuffles)
        check.true(f"{name} has another use or family",
                   (sheet.loc[name, "use"], sheet.loc[name, "family"]) == book[name])
    check_groups(check, sheet, labelled.reset_index(drop=True), names)
    single = importance[importance.of == "feature"]
    check.true("kept are other features than the model's",
               set(single.name) == set(sheet.index[sheet.kept]))
    for _, row in importance[importance.of == "family"].iterrows():
        check.true(f"family {row['name']} has other members",
                   set(row.members.split(";")) == {n for n in single.name if book[n][1] == row["name"]})
    for problem in check.problems:
        print("problem: " + problem)
    print(f"screening: {len(names)} features, {len(judged)} labelled, {len(scored)} to be scored, "
          f"{check.compared} figures compared, {len(check.problems)} mismatches")
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
