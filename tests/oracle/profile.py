"""Look at CSV files with pandas and scipy, and compare with what assay profile says of them.

    python tests/oracle/profile.py ASSAY FILE...

Rows, filled and distinct cells, repeated rows, quantiles, means, values beyond Tukey's outer fences, the
histogram, the most frequent values, rank correlations and shared keys must agree: counts exactly,
figures within 1e-9 of their size. Files must be clean: what cannot be read is a matter of other tests.
"""
import itertools
import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
from scipy import stats

problems = []


def wrong(text):
    problems.append(text)


def close(a, b):
    return a is not None and abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))


def moment(text):
    return pd.Timestamp(text.replace(" UTC", "")).value // 1000


def values_of(column, cells):
    """The filled cells as numbers, times in microseconds."""
    filled = cells[cells != ""]
    if column["holds"].startswith(("time", "date")):
        return np.array([moment(c) for c in filled], float)
    return filled.astype(float).to_numpy()


def check_number(where, column, cells):
    value = np.sort(values_of(column, cells))
    said = {k: moment(column[k]) if isinstance(column[k], str) else column[k]
            for k in ("least", "q1", "median", "q3", "greatest", "mean", "steps_from", "steps_to")}
    slack = 1 if column["holds"].startswith(("time", "date")) else 0  # cut to whole microseconds
    want = {"least": value[0], "greatest": value[-1], "mean": math.fsum(value) / len(value),
            **{k: float(np.quantile(value, q)) for k, q in
               (("q1", .25), ("median", .5), ("q3", .75))}}
    if said["least"] is None and said["greatest"] is None:  # of ages nobody's own is shown
        del want["least"], want["greatest"]
    for key, figure in want.items():
        if said[key] is None or not (close(said[key], figure) or abs(said[key] - figure) <= slack):
            wrong(f"{where} {key}: {said[key]} and not {figure}")
    apart = want["q3"] - want["q1"]
    low, high = want["q1"] - 3 * apart, want["q3"] + 3 * apart
    far = (int((value < low).sum()), int((value > high).sum())) if apart > 0 else (0, 0)
    if (column["far_below"], column["far_above"]) != far:
        wrong(f"{where}: far out {column['far_below']}, {column['far_above']} and not {far}")
    begin, end = float(np.quantile(value, .01)), float(np.quantile(value, .99))
    if apart > 0:
        begin, end = max(begin, low), min(end, high)
    if end > begin:
        step = np.clip(np.floor((value - begin) / (end - begin) * 20), 0, 19).astype(int)
        if np.bincount(step, minlength=20).tolist() != column["steps"]:
            wrong(f"{where}: steps {column['steps']}")
    elif column["steps"]:
        wrong(f"{where}: steps of one value")


def check_file(file, table):
    name = file["file"]
    if (file["rows"], file["repeated"]) != (len(table), int(table.duplicated().sum())):
        wrong(f"{name}: {file['rows']} rows, {file['repeated']} repeated")
    if [c["name"] for c in file["columns"]] != list(table.columns):
        wrong(f"{name}: other columns")
    numbers = {}
    for column in file["columns"]:
        cells = table[column["name"]].str.strip()
        where = f"{name} {column['name']}"
        filled = cells[cells != ""]
        if (column["filled"], column["distinct"]) != (len(filled), filled.nunique()):
            wrong(f"{where}: {column['filled']} filled, {column['distinct']} distinct")
        if "median" in column and column["median"] is not None:
            check_number(where, column, cells)
            if "number" in column["holds"] and filled.nunique() > 2:
                numbers[column["name"]] = pd.to_numeric(cells.where(cells != ""))
        for top in column.get("most_frequent", []):
            if top["rows"] != int((filled == top["value"]).sum()) or top["rows"] < 5 <= len(table) // 10:
                wrong(f"{where}: {top}")
        tops = [t["rows"] for t in column.get("most_frequent", [])]
        counts = filled.value_counts().tolist()
        if tops and (tops != counts[:len(tops)] or column["values_hidden"]):
            wrong(f"{where}: {tops} and not {counts[:8]}")
    pairs = {}
    if len(table) <= 5000:
        for a, b in itertools.combinations(list(numbers)[:40], 2):
            both = numbers[a].notna() & numbers[b].notna()
            if both.sum() >= 20:
                rho = stats.spearmanr(numbers[a][both], numbers[b][both]).statistic
                if not math.isnan(rho):
                    pairs[a, b] = rho
        want = sorted((abs(r) for r in pairs.values()), reverse=True)[:10]
        got = [abs(p["spearman"]) for p in file["correlations"]]
        if len(want) != len(got) or not all(map(close, got, want)):
            wrong(f"{name}: correlations {got} and not {want}")
        for p in file["correlations"]:
            if not close(p["spearman"], pairs[p["column"], p["other"]]):
                wrong(f"{name}: {p}")


def check_links(links, tables):
    for link in links:
        a, b = link["sides"]
        x, y = (tables[s["file"]][s["column"]].str.strip() for s in (a, b))
        x, y = x[x != ""], y[y != ""]
        want = (len(set(x) & set(y)), int(x.isin(set(y)).sum()), int(y.isin(set(x)).sum()),
                x.is_unique, y.is_unique)
        if want != (link["values"], a["rows_matched"], b["rows_matched"], a["key"], b["key"]):
            wrong(f"link {link} and not {want}")


def main():
    assay, *files = sys.argv[1:]
    done = subprocess.run([assay, "profile", "--quiet", "--json", *files], capture_output=True,
                          check=True, text=True)
    survey = json.loads(done.stdout)
    tables = {f: pd.read_csv(f, dtype=str, keep_default_na=False, encoding="utf-8-sig") for f in files}
    if [f["file"] for f in survey["files"]] != files:
        wrong("other files")
    for file in survey["files"]:
        check_file(file, tables[file["file"]])
    check_links(survey["links"], tables)
    if len(files) == 4 and len(survey["links"]) < 3:
        wrong("the bank's files are joined by their keys")
    for problem in problems[:20]:
        print(problem)
    if problems:
        print(f"profile: {len(problems)} differences")
        sys.exit(1)
    columns = sum(len(f["columns"]) for f in survey["files"])
    print(f"profile: {columns} columns of {len(files)} files and {len(survey['links'])} links agree")


if __name__ == "__main__":
    main()
