"""Compute every feature of the default book from the CSV files alone, and compare.

    python tests/oracle/features.py --customers labelled_users.csv \
        --transactions labelled_transactions.csv --score-customers unlabelled_users.csv \
        --score-transactions unlabelled_transactions.csv [--as-of TIME] --run FOLDER

The book is read for its names only: bank.py reads the files, catalogue_*.py have each feature once
more by hand, from what it means, so that an error of the program's parser, evaluator, collapse or
windows shows as a mismatch. Counts, money, truths, texts and durations must be equal; other
numbers within 1e-9. A feature without a counterpart is a failure.
"""
import argparse
import csv
import json
import math
import re
import sys
from decimal import Decimal

from bank import CENT, DAY, HOUR, Customer, instant, read_events, read_profiles
from catalogue import FEATURES

# ---- comparing ----

UNITS = {"s": 10**6, "min": 60 * 10**6, "h": HOUR, "d": DAY, "w": 7 * DAY}


def duration(text):
    number, unit = re.fullmatch(r"(-?[0-9.]+)([a-z]+)", text).groups()
    return Decimal(number) * UNITS[unit]


def agree(kind, mine, cell):
    if mine is None or cell == "":
        return mine is None and cell == ""
    if kind == "count":
        return cell == str(mine)
    if kind == "money":
        return cell == str(Decimal(mine) * CENT)
    if kind == "truth":
        return cell == ("true" if mine else "false")
    if kind == "text":
        return cell == mine
    if kind == "duration":
        return duration(cell) == mine
    return math.isclose(float(cell), mine, rel_tol=1e-9, abs_tol=1e-12)


def compare_book(book, header):
    """Problems with the names: a feature that has no counterpart here, or the reverse."""
    with open(book, encoding="utf-8") as file:
        text = file.read().partition("\nfeatures:")[2]
    named = re.findall(r"^  - name: *(\w+)", text, re.M)
    peers = re.findall(r"^  - name: *(\w+)\n    expr: *peer_", text, re.M)  # peers.py has them
    problems = [f"{n}: the book has it, the oracle does not" for n in named
                if n not in FEATURES and n not in peers]
    problems += [f"{n}: the oracle has it, the book does not" for n in FEATURES if n not in named]
    if header != ["customer_id", "cohort"] + named:
        problems.append("features.csv does not have the book's features in the book's order")
    return named, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("customers", "transactions", "score-customers", "score-transactions"):
        parser.add_argument("--" + name, action="append", default=[])
    parser.add_argument("--as-of", type=instant)
    parser.add_argument("--book", default="spec/features.yaml")
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()

    profiles = read_profiles(args.customers, args.score_customers)
    own_events, as_of = read_events(args.transactions + args.score_transactions, profiles,
                                    args.as_of)
    with open(args.run + "/features.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    named, problems = compare_book(args.book, rows[0])
    with open(args.run + "/run.json", encoding="utf-8") as file:
        stated = json.load(file).get("as_of")
    if instant(stated) != as_of:
        problems.append(f"as_of is {stated} in run.json, not {as_of} microseconds since 1970")
    ids = [row[0] for row in rows[1:]]
    if ids != sorted(profiles, key=str.encode):
        problems.append("features.csv does not have each customer once, in order of id")
    cohorts = sum(row[1] != profiles[row[0]]["cohort"] for row in rows[1:] if row[0] in profiles)
    if cohorts:
        problems.append(f"{cohorts} customers are in another cohort")

    customers = {i: Customer(p, own_events.get(i, []), as_of) for i, p in profiles.items()}
    column = {name: k for k, name in enumerate(rows[0])}
    cells = mismatches = 0
    print(f"{'feature':28} {'cells':>6} {'missing':>7} {'values':>6} {'wrong':>5}")
    for name in named:
        if name not in FEATURES or name not in column:
            continue
        kind, function = FEATURES[name]
        wrong, seen, missing = [], set(), 0
        for row in rows[1:]:
            if row[0] not in customers:
                continue
            mine, cell = function(customers[row[0]]), row[column[name]]
            seen.add(mine)
            missing += mine is None
            if not agree(kind, mine, cell):
                wrong.append(f"  {row[0]}: features.csv has {cell!r}, the oracle {mine!r}")
        print(f"{name:28} {len(ids):6} {missing:7} {len(seen):6} {len(wrong):5}")
        print("\n".join(wrong[:3]), end="\n" if wrong else "")
        cells += len(ids)
        mismatches += len(wrong)
    for problem in problems:
        print("problem: " + problem)
    print(f"features: {len(named)} features, {len(ids)} customers, {cells} cells compared, "
          f"{mismatches} mismatches")
    return 1 if mismatches or problems or not ids else 0


if __name__ == "__main__":
    sys.exit(main())
