"""Make the bank once, run every test file of tests/service, add up."""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = HERE  # not this folder: its http.py is none of the library
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
sys.dont_write_bytecode = True

from harness.bank import Bank  # noqa: E402


def main():
    parser = argparse.ArgumentParser(prog="tests/service/run", description="Hold the built service to what it promises.")
    parser.add_argument("build", nargs="?", default="build/release")
    parser.add_argument("name", nargs="*", help="only these files, without .py")
    parser.add_argument("--long", action="store_true", help="also what takes many minutes")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    files = [os.path.join(HERE, n + ".py") for n in args.name] or sorted(glob.glob(os.path.join(HERE, "*.py")))
    held = tried = 0
    with tempfile.TemporaryDirectory(prefix="assay-service-bank-") as folder:
        bank = os.environ.get("BANK")
        if not bank:
            bank = folder
            began = time.monotonic()
            Bank.make(folder, os.path.join(build, "assay"))
            print(f"a made-up bank and two bundles  {time.monotonic() - began:.1f} s", flush=True)
        environment = {**os.environ, "BUILD": build, "BANK": bank, "LONG": "yes" if args.long else "no"}
        for file in files:
            print(f"--- {os.path.basename(file)}", flush=True)
            h, t = run_file(file, environment, 7200 if args.long else 600)
            held, tried = held + h, tried + t
    print(f"service: {held} of {tried} claims hold")
    return 0 if held == tried and tried > 0 else 1


def run_file(file, environment, seconds):
    """(claims that hold, claims). A file that breaks off is one claim more that does not hold."""
    child = subprocess.Popen(
        [sys.executable, file], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    last = ""
    began = time.monotonic()
    os.set_blocking(child.stdout.fileno(), True)
    try:
        for line in child.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            last = line.strip() or last
            if time.monotonic() - began > seconds:
                raise subprocess.TimeoutExpired(file, seconds)
        code = child.wait(30)
    except subprocess.TimeoutExpired:
        child.kill()
        print(f"FAILED  {os.path.basename(file)} took longer than {seconds} s")
        return 0, 1
    said = re.fullmatch(r"(\d+) of (\d+) claims hold", last)
    if not said:
        print(f"FAILED  {os.path.basename(file)} broke off with {code}")
        return 0, 1
    h, t = int(said[1]), int(said[2])
    return (h, t) if (code == 0) == (h == t and t > 0) else (h, t + 1)


if __name__ == "__main__":
    sys.exit(main())
