"""Instructions, counted by valgrind, that a bundle takes to open and a request to be answered: the same on a busy machine.

    .venv/bin/python bench/instructions.py [--build build/release] [--times 20]

One customer with about 30 transactions, as in bench/service.py: the score alone, and with contributions and reasons, of a forest of
100 trees of depth 4; and opening a bundle of five megabytes, most of it a forest. Fails above the limits below, which are what is
reached and a tenth more. valgrind knows no instructions for SHA-256, so hashing counts here about ten times of what it takes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "service"))

from harness.bank import FILES, Bank, large_forest  # noqa: E402

LIMITS = {"alone": 640_000, "explained": 775_000, "open": 565_000_000}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--times", type=int, default=20)
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("SKIPPED instructions: valgrind is not here (script/bootstrap --test)")
        return 0
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as work:
        bank = Bank.make(os.path.join(work, "bank"), os.path.join(args.build, "assay"), trees=100, depth=4)
        large = large_forest(bank, os.path.join(args.build, "assay"), os.path.join(work, "large"))
        small = bank.forest.bundle
        size = sum(os.path.getsize(os.path.join(large, f)) for f in os.listdir(large)) / 1e6
        counted = {
            "alone": count(args, bank, small, "ask_times", work, "alone") / args.times,
            "explained": count(args, bank, small, "ask_times", work) / args.times,
            "open": count(args, bank, large, "answer_open", work),
        }
    missed = 0
    for name, what in (("alone", "a score alone"), ("explained", "with reasons"), ("open", f"opening {size:.1f} MB")):
        good = counted[name] <= LIMITS[name]
        missed += not good
        print(f"{'ok' if good else 'FAILED'} {what}: {counted[name]:,.0f} instructions, at most {LIMITS[name]:,}")
    return 1 if missed else 0


def count(args, bank, bundle, function, work, *more):
    files = [os.path.join(bank.data, FILES[f"--score-{kind}"]) for kind in ("customers", "transactions")]
    out = f"--callgrind-out-file={os.path.join(work, 'callgrind.out')}"
    valgrind = ["valgrind", "--tool=callgrind", out, f"--toggle-collect={function}"]
    asked = [os.path.join(args.build, "bench_answer"), bundle, *files, "30", "times", str(args.times), *more]
    done = subprocess.run([*valgrind, *asked], capture_output=True, text=True, preexec_fn=on_one_processor)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert done.returncode == 0 and found and int(found[1]) > 0, done.stderr
    return int(found[1])


def on_one_processor():
    """What two threads would share is then done by one, and counted."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
