"""Compute the tables behind the report's data chapter once more with pandas and scipy, and compare.

    python tests/oracle/describe.py --customers FILE --transactions FILE --score-customers FILE
        --score-transactions FILE [--as-of TIME] --run FOLDER

Features come from features.csv, everything else from the bank's files. distributions.csv,
quantiles.csv, outliers.csv, missingness.csv, correlations.csv and coverage.csv must hold what is
found here: counts to the customer (1 to 4 as "<5", never as a number), figures within 1e-9 of
their size, and no column or feature more or fewer.
"""
import argparse
import math
import sys
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy import stats

import bank
from screening import numbers

GROUPS = ("risky", "not_risky", "labelled", "to_be_scored")
LEAST = 5
problems = []


def wrong(text):
    problems.append(text)


def close(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def read(folder, name):
    return pd.read_csv(f"{folder}/{name}", dtype=str, keep_default_na=False)


def real(cell):
    return math.nan if cell == "" else float(cell)


def masked(count):
    return "<5" if 0 < count < LEAST else str(count)


def share(count, of):
    return "" if 0 < count < LEAST else count / of


def same_share(cell, count, of):
    want = share(count, of)
    return cell == want if want == "" else cell != "" and close(float(cell), want)


# ---- who is of which group ----


def groups_of(labelled, features):
    rows = bank.table(labelled)
    kinds = rows.groupby("user_id").user_current_state.agg(lambda s: {v for v in s if v != ""})
    ids, cohort = features.customer_id, features.cohort
    plain = {"'" + i if i[:1] in "=+-@\t\r" else i: k for i, k in kinds.items()}
    label = [plain.get(i, set()) for i in ids]
    return {"risky": np.array([k == {"SUSPENDED"} for k in label]),
            "not_risky": np.array([k == {"ACTIVE"} for k in label]),
            "labelled": np.array(cohort.isin(["labelled", "both"])),
            "to_be_scored": np.array(cohort.isin(["scored", "both"]))}


def unit_of(cells):
    """What a microsecond column is divided by: durations and times are told in days."""
    filled = [c for c in cells if c != ""]
    if filled and all(c[-1:].isalpha() and c not in ("true", "false") for c in filled):
        return 86400e6
    if filled and all(len(c) >= 19 and c[4:5] == "-" for c in filled):
        return 86400e6
    return 1.0


# ---- a column at a time ----


def check_quantiles(name, value, groups, rows):
    for group in rows.group:
        row = rows[rows.group == group].iloc[0]
        inside = value[groups[group]]
        known = inside[~np.isnan(inside)]
        if row.customers != masked(len(inside)) or row.missing != masked(len(inside) - len(known)):
            wrong(f"quantiles {name} {group}: {row.customers}, {row.missing} missing")
        want = [math.nan] * 6
        if len(known) >= LEAST:
            mean = float(sum(map(Fraction, known.tolist())) / len(known))
            want = [mean] + [float(np.quantile(known, q)) for q in (.05, .25, .5, .75, .95)]
        got = [real(row[k]) for k in ("mean", "p05", "q1", "median", "q3", "p95")]
        if not all(map(close, got, want)):
            wrong(f"quantiles {name} {group}: {got} and not {want}")


def check_outliers(name, value, row):
    known = np.sort(value[~np.isnan(value)])
    q1, q3, median = (float(np.quantile(known, q)) for q in (.25, .75, .5))
    apart = q3 - q1
    deviation = float(np.median(np.abs(known - median)))
    figures = (("q1", q1), ("q3", q3), ("median", median), ("deviation", deviation),
               ("top_mean", float(np.mean(known[-5:]))))
    for key, want in figures:
        if not close(real(row[key]), want):
            wrong(f"outliers {name} {key}: {row[key]} and not {want}")
    counts = {"below": (known < q1 - 1.5 * apart).sum(), "above": (known > q3 + 1.5 * apart).sum(),
              "far_below": (known < q1 - 3 * apart).sum(), "far_above": (known > q3 + 3 * apart).sum()}
    for key, count in counts.items():
        want = masked(int(count)) if apart > 0 else ""
        if row[key] != want:
            wrong(f"outliers {name} {key}: {row[key]} and not {want}")
    strange = int((0.6745 * np.abs(known - median) > 3.5 * deviation).sum())
    if row.strange != (masked(strange) if deviation > 0 else ""):
        wrong(f"outliers {name} strange: {row.strange} and not {strange}")
    if (row.top_share != "") != (len(known) >= 500 and known[0] >= 0 and known.sum() > 0):
        wrong(f"outliers {name}: top share {row.top_share}")
    elif row.top_share != "":
        want = known[len(known) - len(known) // 100:].sum() / known.sum()
        if not close(float(row.top_share), want):
            wrong(f"outliers {name}: top share {row.top_share} and not {want}")


def check_bins(name, cells, value, groups, rows):
    """Counts of each bin, from its ends or level as written; they must cover every customer."""
    for group in rows.group.unique():
        inside, sum_known, few = groups[group], 0, 0
        of = int(inside.sum())
        seen = np.zeros(len(cells), bool)
        for _, row in rows[rows.group == group].iterrows():
            if row.level == "missing":
                here = np.array(cells == "")
            elif row.kind == "number":
                low, high = real(row.low), real(row.high)
                if low == high:
                    here = value == low
                else:
                    here = (math.isnan(low) | (value > low)) & (math.isnan(high) | (value <= high))
                    here &= ~np.isnan(value)
            elif row.level == "other levels":
                here = ~seen & np.array(cells != "")
            else:
                level = {"yes": "true", "no": "false"}.get(row.level, row.level)
                here = np.array(cells.str.lower() == level) | np.array(cells == level)
            if (seen & here).any():
                wrong(f"distributions {name}: bins overlap")
            seen |= here
            count = int((here & inside).sum())
            if row.customers != masked(count) or not same_share(row.share, count, of):
                wrong(f"distributions {name} {group} bin {row.bin}: {row.customers}, "
                      f"{row.share} and not {count} of {of}")
            few += row.customers == "<5"
            sum_known += count
        if sum_known != of:
            wrong(f"distributions {name} {group}: bins hold {sum_known} of {of}")


def kind_of(cells, value):
    """As the program must call it: constant, identifier, number or levels."""
    filled = cells[cells != ""]
    counts = filled.value_counts()
    words = value is None or filled.isin(["true", "false"]).all()
    distinct = len(counts) if words else len(np.unique(value[~np.isnan(value)]))
    if distinct <= 1:
        return "constant"
    if not words:
        return "number"
    if counts.iloc[0] < LEAST or (distinct > 50 and distinct * 2 > len(filled)):
        return "identifier"
    return "levels"


def check_columns(of, table, groups, run):
    distributions, quantiles, outliers = (read(run, f"{n}.csv") for n in
                                          ("distributions", "quantiles", "outliers"))
    kinds = {}
    for name in table.columns:
        cells = table[name]
        value = numbers(cells)
        if value is not None:
            value = value / unit_of(cells)
        kinds[name] = kind = kind_of(cells, value)
        rows = distributions[(distributions.of == of) & (distributions.name == name)]
        if (len(rows) > 0) != (kind in ("number", "levels")):
            wrong(f"distributions {name}: {len(rows)} rows of a {kind}")
            continue
        if len(rows) > 0:
            if set(rows.kind) != {kind}:
                wrong(f"distributions {name}: {set(rows.kind)} and not {kind}")
            check_bins(name, cells, value, groups, rows)
        rows = quantiles[(quantiles.of == of) & (quantiles.name == name)]
        if (len(rows) > 0) != (kind == "number"):
            wrong(f"quantiles {name}: {len(rows)} rows of a {kind}")
        if kind == "number":
            check_quantiles(name, value, groups, rows)
        rows = outliers[(outliers.of == of) & (outliers.name == name)]
        known = 0 if value is None else int((~np.isnan(value)).sum())
        if (len(rows) > 0) != (kind == "number" and known >= 20):
            wrong(f"outliers {name}: {len(rows)} rows")
        for _, row in rows.iterrows():
            check_outliers(name, value, row)
    return kinds


# ---- missing values ----


def check_missing(of, name, missing, groups, rows, tested):
    shares = {}
    for group in GROUPS:
        inside = groups[group]
        if inside.sum() == 0:
            continue
        row = rows[(rows.of == of) & (rows.name == name) & (rows.group == group)]
        if len(row) != 1:
            wrong(f"missingness {of} {name} {group}: {len(row)} rows")
            continue
        row = row.iloc[0]
        n, of_all = int(missing[inside].sum()), int(inside.sum())
        shares[group] = (n, of_all)
        if row.rows != masked(of_all) or row.missing != masked(n) or \
                not same_share(row.share, n, of_all):
            wrong(f"missingness {of} {name} {group}: {row.missing} of {row.rows}, not {n} of {of_all}")
    for key, one, other in (("cohorts_differ", "labelled", "to_be_scored"),
                            ("classes_differ", "risky", "not_risky")):
        want = False
        if tested and one in shares and other in shares:
            (a, n), (b, m) = shares[one], shares[other]
            p = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
            if abs(abs(a / n - b / m) - .05) < 1e-9 or abs(p - .001) < 1e-6:
                continue  # on the edge
            want = abs(a / n - b / m) >= .05 and p < .001
        found = set(rows[(rows.of == of) & (rows.name == name)][key])
        if found != {str(want).lower()}:
            wrong(f"missingness {of} {name} {key}: {found} and not {want}")


# ---- correlations ----


def check_correlations(features, kinds, run):
    rows = read(run, "correlations.csv")
    names = [n for n in features.columns if kinds[n] == "number"]
    if len(features) > 5000 or len(names) > 256:
        print("describe: more than the program correlates in full; correlations were not compared")
        return
    value = pd.DataFrame({n: numbers(features[n]) for n in names})
    rho = value.corr(method="spearman", min_periods=20)
    known = value.notna().astype(int)
    both = known.T.dot(known)
    tested = [(a, b) for i, a in enumerate(names) for b in names[i + 1:]
              if both.loc[a, b] >= 20 and not math.isnan(rho.loc[a, b])]
    if len(rows) != min(len(tested), 5000):
        wrong(f"correlations: {len(rows)} rows and not {min(len(tested), 5000)}")
    limit = stats.norm.isf(.05 / len(tested) / 2) if tested else 0
    weakest = math.inf
    for _, row in rows.iterrows():
        a, b, n, r = row.feature, row.other, int(row.customers), float(row.spearman)
        weakest = min(weakest, abs(r))
        if n != both.loc[a, b] or not abs(r - rho.loc[a, b]) <= 1e-9:
            wrong(f"correlations {a}, {b}: {r} of {n} and not {rho.loc[a, b]} of {both.loc[a, b]}")
        if abs(r) < 1:
            half = 1.959963984540054 * math.sqrt((1 + r * r / 2) / (n - 3))
            ends = math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
            if not (abs(float(row.low) - ends[0]) <= 1e-9 and abs(float(row.high) - ends[1]) <= 1e-9):
                wrong(f"correlations {a}, {b}: {row.low} to {row.high} and not {ends}")
        if (row.beyond_noise == "true") != (abs(r) * math.sqrt(n - 1) > limit):
            wrong(f"correlations {a}, {b}: beyond noise {row.beyond_noise}")
    left = [abs(rho.loc[p]) for p in tested]
    if len(rows) < len(left) and sorted(left, reverse=True)[len(rows) - 1] > weakest + 1e-9:
        wrong("correlations: a stronger pair was left out")


# ---- time ----


def week(at):
    return (at // bank.DAY + 3) // 7


def check_coverage(events, ids, groups, run):
    rows = read(run, "coverage.csv")
    times = {i: [e.created for e in events.get(i, [])] for i in ids}
    counted = np.any([groups[g] for g in GROUPS], axis=0)
    weeks = [week(t) for k, i in enumerate(ids) if counted[k] for t in times[i]]
    first, last = min(weeks), max(weeks)
    width = -(-(last - first + 1) // 60)
    steps = -(-(last - first + 1) // width)
    held = [g for g in GROUPS if groups[g].any()]
    if len(rows) != steps * len(held):
        wrong(f"coverage: {len(rows)} rows and not {steps * len(held)}")
    for group in held:
        seen = [[0, set(), 0] for _ in range(steps)]
        for k, i in enumerate(ids):
            if groups[group][k]:
                for place, t in enumerate(times[i]):
                    step = seen[(week(t) - first) // width]
                    step[0] += 1
                    step[1].add(i)
                    step[2] += place == 0
        for step, (_, row) in zip(seen, rows[rows.group == group].iterrows()):
            n = len(step[1])
            want = ("" if 0 < n < LEAST else str(step[0]), masked(n), masked(step[2]))
            if (row.transactions, row.customers, row.joining) != want:
                wrong(f"coverage {row['from']} {group}: {tuple(row)} and not {want}")
    begin = pd.Timestamp(rows["from"].iloc[0])
    if begin.weekday() != 0 or begin.value // 1000 != ((first * 7 - 3) * bank.DAY):
        wrong(f"coverage begins on {begin}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("customers", "transactions", "score-customers", "score-transactions"):
        parser.add_argument("--" + name, action="append", default=[])
    parser.add_argument("--as-of")
    parser.add_argument("--run", required=True)
    args = parser.parse_args()
    whole = read(args.run, "features.csv")
    groups = groups_of(args.customers, whole)
    features = whole.drop(columns=["customer_id", "cohort"])
    kinds = check_columns("feature", features, groups, args.run)
    missing = read(args.run, "missingness.csv")
    for name in features.columns:
        check_missing("features", name, np.array(features[name] == ""), groups, missing, True)
    check_correlations(features, kinds, args.run)

    profiles = bank.read_profiles(args.customers, args.score_customers)
    ids = [i[1:] if i[:1] == "'" else i for i in whole.customer_id]
    plain = ("reason_to_use_app", "kyc_state", "screening_state", "has_biometrics")
    profile = pd.DataFrame({name: ["" if profiles[i][name] is None else
                                   str(profiles[i][name]).lower() if name == "has_biometrics" else
                                   profiles[i][name] for i in ids] for name in plain})
    check_columns("column", profile, groups, args.run)
    rows = bank.table(args.customers + args.score_customers).fillna("")
    outcome = {"user_current_state", "user_id"}
    settled = {}
    for name in missing[missing.of == "customers"].name.unique():
        if name in outcome or name not in rows.columns:
            continue
        by = {i: bank.settle(map(bank.text_or_missing, own))
              for i, own in rows.groupby("user_id")[name]}
        settled[name] = np.array([by[i] is None for i in ids])
        check_missing("customers", name, settled[name], groups, missing, True)
    if len(settled) < 10:
        wrong("missingness: hardly any column of the customers' files")
    protected = set(missing[(missing.of == "customers") & (missing.ground != "")].name)
    shown = set(read(args.run, "distributions.csv").query("of == 'column'").name)
    if not protected or protected & shown:
        wrong(f"protected columns are shown: {protected & shown}")

    as_of = None if args.as_of is None else bank.instant(args.as_of)
    events, as_of = bank.read_events(args.transactions + args.score_transactions, set(ids), as_of)
    check_coverage(events, ids, groups, args.run)
    all_events = [(k, e) for k, i in enumerate(ids) for e in events.get(i, [])]
    of_events = {g: np.array([groups[g][k] for k, _ in all_events]) for g in GROUPS}
    for name, field in (("completed_at", "completed"), ("state", "state"), ("type", "type"),
                        ("amount", "amount"), ("direction", "direction")):
        gone = np.array([getattr(e, field) is None for _, e in all_events])
        check_missing("transactions", name, gone, of_events, missing, False)

    for problem in problems[:20]:
        print(problem)
    if problems:
        print(f"describe: {len(problems)} differences")
        sys.exit(1)
    print(f"describe: {len(features.columns)} features, {len(settled) + len(plain)} columns, "
          f"{len(all_events)} transactions agree")


if __name__ == "__main__":
    main()
