"""Claims, the world they are tried in, and the main() of a test file."""

import os
import re
import shutil
import sys
import tempfile
import time
import traceback

from harness.bank import Bank
from harness.process import Service

CLAIMS = []


def claim(function=None, *, long=False):
    def add(f):
        CLAIMS.append((f, long))
        return f

    return add(function) if function else add


class World:
    """What a claim may use. A folder of its own is in `work`; it stays when the claim fails."""

    def __init__(self, build, bank, work, long):
        self.build, self.bank, self.work, self.long = build, bank, work, long
        self.assay, self.program = os.path.join(build, "assay"), os.path.join(build, "assay-serve")
        self.root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
        self.services = 0

    def serve(self, store="none", bundle=None, base_path="/ai", config=None, arguments=(), **more):
        """A running Service. config: what serve.yaml is to say, as a dict."""
        self.services += 1
        folder = os.path.join(self.work, f"service{self.services}")
        os.makedirs(folder)
        command = [self.program, "serve", "--bundle", bundle or self.bank.bundle, "--store", store]
        if base_path:
            command += ["--base-path", base_path]
        if config is not None:
            path = os.path.join(folder, "serve.yaml")
            with open(path, "w") as f:
                f.write(as_yaml(config))
            command += ["--config", path]
        return Service([*command, *arguments], folder, base_path, **more)

    def sqlite(self, name="store.db"):
        return "sqlite:" + os.path.join(self.work, name)

    # ---- what must hold ----

    def equal(self, got, want, what=""):
        assert got == want, f"{what + ': ' if what else ''}{shown(got)} is not {shown(want)}"

    def true(self, holds, what):
        assert holds, what

    def within(self, got, low, high, what):
        assert low <= got <= high, f"{what}: {got} is not from {low} to {high}"


def shown(value):
    text = repr(value)
    return text if len(text) < 600 else text[:600] + "..."


def as_yaml(value, depth=0):
    """Plain YAML: texts are quoted, so that nothing is taken for something else."""
    lines = []
    for key, item in value.items():
        pad = "  " * depth
        if isinstance(item, dict):
            lines.append(f"{pad}{key}:\n{as_yaml(item, depth + 1)}")
        elif isinstance(item, (list, tuple)):
            lines.append(f"{pad}{key}:\n" + "".join(f"{pad}  - {scalar(i)}\n" for i in item))
        else:
            lines.append(f"{pad}{key}: {scalar(item)}\n")
    return "".join(lines)


def scalar(item):
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (int, float)):
        return str(item)
    if re.fullmatch(r"\d+(s|m|h|d|K|M|G)", item):
        return item  # a duration or a size
    return '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    build = os.path.abspath(os.environ.get("BUILD", "build/release"))
    long = os.environ.get("LONG") == "yes"
    only = sys.argv[1:]
    keep = os.environ.get("BANK")
    base = tempfile.mkdtemp(prefix="assay-service-")
    bank = Bank(keep) if keep else Bank.make(os.path.join(base, "bank"), os.path.join(build, "assay"))
    held = tried = 0
    for function, takes_long in CLAIMS:
        name = function.__name__
        if (takes_long and not long) or (only and name not in only):
            continue
        work = os.path.join(base, name)
        os.makedirs(work)
        began = time.monotonic()
        tried += 1
        try:
            function(World(build, bank, work, long))
        except Exception as e:  # noqa: BLE001 - whatever it is, the claim does not hold
            where = traceback.extract_tb(e.__traceback__)
            line = next((f for f in reversed(where) if "/harness/" not in f.filename), where[-1])
            print(f"FAILED  {name}  ({os.path.basename(line.filename)}:{line.lineno})\n        {type(e).__name__}: {e}")
            print(f"        left in {work}", flush=True)
            continue
        held += 1
        print(f"ok      {name}  {time.monotonic() - began:.1f} s", flush=True)
        shutil.rmtree(work, ignore_errors=True)
    if held == tried:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{held} of {tried} claims hold", flush=True)
    sys.exit(0 if held == tried and tried > 0 else 1)
