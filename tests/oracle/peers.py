"""Compute every peer percentile and robust z of a run once more with pandas, and compare.

    python tests/oracle/peers.py --customers labelled_users.csv --run FOLDER [--book features.yaml]

What is compared (features.csv has it, and features.py checks it) and the labels come from the
files; peers, quantiles, medians and deviations are taken here by docs/language.md alone. The
tables that the bundle holds must be these as well, so what is scored next month stands beside the
customers that were learnt from.
"""
import argparse
import json
import math
import re
import sys

import numpy as np
import pandas as pd

GROUP_LEAST = 30


def read_book(path):
    """(feature, function, compared, group or None) in the book's order."""
    with open(path, encoding="utf-8") as file:
        text = file.read().partition("\nfeatures:")[2]
    found = re.findall(r"^  - name: *(\w+)\n    expr: *(peer_percentile|peer_z)\( *(\w+)"
                       r"(?: +by +(\w+))? *\)", text, re.M)
    return [(name, function, value, group or None) for name, function, value, group in found]


def learnt_from(paths):
    """Customers of the labelled files whose rows agree on one label."""
    rows = pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False, encoding="utf-8-sig")
                      for p in paths])
    rows = rows[rows.user_current_state != ""]
    labels = rows.groupby("user_id").user_current_state.nunique()
    return set(labels[labels == 1].index)


def knots(values):
    """R-7 quantiles in the middle of equal steps; each step holds three customers or more."""
    v = np.sort(values)
    count = max(1, min(100, len(v) // 3))
    out = []
    for k in range(count):
        whole, rest = divmod((len(v) - 1) * (2 * k + 1), 2 * count)
        above = v[min(whole + 1, len(v) - 1)]
        out.append(v[whole] + rest / (2 * count) * (above - v[whole]))
    return np.array(out)


def spread(values):
    distance = np.abs(values - np.median(values))
    robust = 1.4826 * np.median(distance)
    return robust if robust > 0 else math.sqrt(math.pi / 2) * distance.mean()


def percentile(values, x):
    k = knots(values)
    return ((k < x).sum() + (k == x).sum() / 2) / len(k)


def robust_z(values, x):
    middle, scale = np.median(values), spread(values)
    if scale == 0:
        return 0.0 if x == middle else math.nan
    return (x - middle) / scale


def near(stated, mine):
    if math.isnan(mine):
        return stated == ""
    return stated != "" and math.isclose(float(stated), mine, rel_tol=1e-9, abs_tol=1e-12)


def number(cell):
    return {"": math.nan, "true": 1.0, "false": 0.0}.get(cell) if cell in ("", "true", "false") \
        else float(cell)


class Peers:
    """The customers learnt from that have a value, by group."""

    def __init__(self, sheet, fitted, value, group):
        self.x = sheet[value].map(number)
        self.group = sheet[group] if group else pd.Series("", index=sheet.index)
        own = pd.DataFrame({"x": self.x, "group": self.group}).loc[fitted].dropna(subset="x")
        self.everyone = own.x.to_numpy()
        sizes = own[own.group != ""].groupby("group").x.size()
        self.large = {g: own.x[own.group == g].to_numpy() for g in sizes[sizes >= GROUP_LEAST].index}

    def of(self, customer):
        return self.large.get(self.group[customer], self.everyone)


def check_tables(bundle, name, peers):
    """The bundle's tables are the ones computed here."""
    stated = next((p for p in bundle["population"] if p["name"] == name), None)
    if stated is None:
        return [f"{name}: the bundle has no tables"]
    wanted = [("", peers.everyone)] + sorted(peers.large.items(), key=lambda g: g[0].encode())
    if [g["group"] for g in stated["groups"]] != [g for g, _ in wanted]:
        return [f"{name}: the bundle has other groups than {[g for g, _ in wanted]}"]
    wrong = [f"{name}: other numbers for group {g!r}" for t, (g, values) in
             zip(stated["groups"], wanted)
             if t["customers"] != len(values) or len(t["knots"]) != len(knots(values)) or
             not np.allclose(t["knots"], knots(values), rtol=1e-12, atol=0) or
             not math.isclose(t["median"], np.median(values), rel_tol=1e-12) or
             not math.isclose(t["spread"], spread(values), rel_tol=1e-9)]
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", action="append", required=True)
    parser.add_argument("--book", default="spec/features.yaml")
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()
    sheet = pd.read_csv(args.run + "/features.csv", dtype=str, keep_default_na=False)
    sheet = sheet.set_index("customer_id", drop=False)
    with open(args.run + "/bundle/bundle.json", encoding="utf-8") as file:
        bundle = json.load(file)
    fitted = [c for c in sheet.index if c in learnt_from(args.customers)]
    book, problems, cells = read_book(args.book), [], 0
    print(f"{'feature':24} {'missing':>7} {'values':>6} {'groups':>6} {'wrong':>5}")
    for name, function, value, group in book:
        peers = Peers(sheet, fitted, value, group)
        problems += check_tables(bundle, name, peers)
        compute = percentile if function == "peer_percentile" else robust_z
        mine = {c: math.nan if math.isnan(peers.x[c]) else compute(peers.of(c), peers.x[c])
                for c in sheet.index}
        wrong = [c for c in sheet.index if not near(sheet[name][c], mine[c])]
        problems += [f"{name} of {c}: features.csv has {sheet[name][c]!r}, the oracle {mine[c]!r}"
                     for c in wrong[:3]]
        cells += len(sheet)
        print(f"{name:24} {sum(map(math.isnan, mine.values())):7} {len(set(mine.values())):6} "
              f"{len(peers.large):6} {len(wrong):5}")
    for problem in problems:
        print("problem: " + problem)
    print(f"peers: {len(book)} features, {len(fitted)} customers learnt from, {cells} cells "
          f"compared, {len(problems)} problems")
    return 1 if problems or not book or not fitted else 0


if __name__ == "__main__":
    sys.exit(main())
