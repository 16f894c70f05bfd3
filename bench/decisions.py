"""Time `assay score --out` and its peak memory on a made-up bank, with and without reasons and counterfactuals.

    .venv/bin/python bench/decisions.py [--build build/release] [--customers 250000 1000000] [--threads 2]
                                        [--train 3000] [--most N] [--keep FOLDER]

A bundle is trained on a small bank (assay synth, --train customers). For each number of customers a bank of
so many to be scored is made (about 5 KB of CSV a customer; --most N keeps the first N rows of transactions of each,
so that a million customers fit into a small machine), and scored with that bundle:

    table        scores and actions to standard output: the dataset, its features, everybody's outcome
    no reasons   a run folder with --reasons no --changes no
    reasons      a run folder with every customer's reasons, contributions and evidence; --changes no
    changes      the same, and what would change the outcome of the first 100 of either list
    replay       `assay replay` of one decision in the middle of that log

What a run folder needs beyond the table is the report and one block of decisions; when that difference does
not grow with the customers, decisions with reasons are written in constant memory beyond the dataset. Times
are of the whole command: reading the files is part of all three. Seconds of processors (CPU s) say more on a
machine that others use too.
"""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("--build", default="build/release")
parser.add_argument("--customers", type=int, nargs="+", default=[250000, 1000000])
parser.add_argument("--train", type=int, default=3000)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--most", type=int, help="rows of transactions kept of each customer to be scored")
parser.add_argument("--keep", help="leave the files in this folder")
args = parser.parse_args()
assay = str(pathlib.Path(args.build).resolve() / "assay")


def measured(*command, stdout=subprocess.DEVNULL):
    """Seconds, seconds of processors and peak MB of one command; ends the program when it fails."""
    begun = time.monotonic()
    process = subprocess.Popen([assay, *map(str, command), "--quiet"], stdout=stdout)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"assay {' '.join(map(str, command))} failed")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def bank(folder, customers, labelled):
    measured("synth", "--customers", customers, "--labelled", labelled, "--seed", 5, "--no-imperfections", "--out",
             folder)
    return folder


def lines_of(path):
    with open(path, "rb") as lines:
        return sum(1 for _ in lines)


def thin(path, most):
    """Leave the first rows of each customer in the file: many customers, little memory."""
    kept, thinned = {}, path.with_suffix(".thin")
    with open(path, encoding="utf-8") as whole, open(thinned, "w", encoding="utf-8") as part:
        names = next(whole)
        owner = names.rstrip("\n").split(",").index("user_id")
        part.write(names)
        for line in whole:
            who = line.split(",", owner + 1)[owner]
            kept[who] = kept.get(who, 0) + 1
            if kept[who] <= most:
                part.write(line)
    thinned.replace(path)


def size_mb(*paths):
    return sum(os.path.getsize(p) for p in paths) / 1e6


def main(root):
    small = bank(root / "small", args.train, 0.55)
    measured("run", "--customers", small / "labelled_users.csv", "--transactions",
             small / "labelled_transactions.csv", "--score-customers", small / "unlabelled_users.csv",
             "--score-transactions", small / "unlabelled_transactions.csv", "--trials", 1, "--repeats", 1, "--shuffles",
             2, "--stability", 0, "--ablation", "none", "--out", root / "trained")
    print(f"{'customers':>10} {'what':<11} {'seconds':>9} {'a second':>9} {'CPU s':>8} {'peak MB':>9} {'above table MB':>15}")
    beyond = {}
    for customers in args.customers:
        big = bank(root / "big", customers * 100 // 99 + 1, 0.01)
        users, transactions = big / "unlabelled_users.csv", big / "unlabelled_transactions.csv"
        scored = lines_of(users) - 1
        if args.most:
            thin(transactions, args.most)
        score = ["score", "--bundle", root / "trained" / "bundle", "--customers", users, "--transactions",
                 transactions, "--threads", args.threads]
        out = root / "scored"
        table, took = 0, {}
        for what, more in (("table", ["--quarantine", root / "aside.csv"]),
                           ("no reasons", ["--reasons", "no", "--changes", "no", "--out", out]),
                           ("reasons", ["--changes", "no", "--out", out]), ("changes", ["--out", out])):
            seconds, work, peak = measured(*score, *more)
            took[what] = work
            table = table or peak
            beyond.setdefault(what, []).append(peak - table)
            print(f"{scored:>10} {what:<11} {seconds:>9.1f} {scored / seconds:>9.0f} {work:>8.1f} {peak:>9.0f} "
                  f"{peak - table:>15.0f}", flush=True)
        looked = sum(min(100, lines_of(out / name) - 1) for name in ("offboarding.csv", "near_misses.csv"))
        searching = took["changes"] - took["reasons"]
        if looked and searching > 0:
            print(f"{looked:>10} changes looked for in {searching:.1f} CPU s: {looked / searching:.0f} customers a second "
                  "of one processor")
        middle = subprocess.run(["sed", "-n", f"{scored // 2}{{s/^[0-9]*,//;s/,.*//;p;q}}", out / "decisions.csv"],
                                capture_output=True, text=True, check=True).stdout.strip()
        seconds, work, peak = measured("replay", middle, "--run", out)
        print(f"{1:>10} {'replay':<11} {seconds:>9.1f} {'':>9} {work:>8.1f} {peak:>9.0f}")
        log = size_mb(out / "decisions.jsonl")
        print(f"{'':>10} files read {size_mb(users, transactions):.0f} MB, decisions.jsonl {log:.0f} MB, histories "
              f"{size_mb(out / 'histories/customers.csv', out / 'histories/transactions.csv'):.0f} MB", flush=True)
    if len(args.customers) > 1:
        grown = beyond["reasons"][-1] - beyond["reasons"][0]
        print(f"from {args.customers[0]} to {args.customers[-1]} customers, what a folder with reasons needs above the "
              f"table grows by {grown:.0f} MB")


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if args.keep:
    pathlib.Path(args.keep).mkdir(parents=True, exist_ok=True)
    main(pathlib.Path(args.keep))
else:
    with tempfile.TemporaryDirectory() as folder:
        main(pathlib.Path(folder))
