"""Make the bank once, run every test file of tests/service, add up."""

import argparse
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

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
        # Two files at a time, for most claims wait more than they reckon; each is printed whole when it has ended.
        with ThreadPoolExecutor(max_workers=2) as lanes:
            ended = [lanes.submit(run_file, file, environment, 7200 if args.long else 900) for file in files]
            for future in as_completed(ended):
                printed, h, t = future.result()
                print(printed, end="", flush=True)
                held, tried = held + h, tried + t
    print(f"service: {held} of {tried} claims hold")
    return 0 if held == tried and tried > 0 else 1


def run_file(file, environment, seconds):
    """(what it printed, claims that hold, claims). A file that breaks off is one claim more that does not hold."""
    name = os.path.basename(file)
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, file],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # with every service that it started
        printed, _ = child.communicate()
        return f"--- {name}\n{printed}FAILED  {name} took longer than {seconds} s\n", 0, 1
    printed = f"--- {name}  {time.monotonic() - began:.0f} s\n{printed}"
    said = re.fullmatch(r"(\d+) of (\d+) claims hold", printed.strip().rsplit("\n", 1)[-1])
    if not said:
        return f"{printed}FAILED  {name} broke off with {child.returncode}\n", 0, 1
    h, t = int(said[1]), int(said[2])
    return printed, h, t if (child.returncode == 0) == (h == t and t > 0) else t + 1


if __name__ == "__main__":
    sys.exit(main())
