"""claims - one line a claim, as tests/deploy/run counts them."""
import subprocess

failures = []


def claim(what, holds, why=()):
    print(("ok " if holds else "FAILED ") + what, flush=True)
    if not holds:
        failures.append(what)
        for line in why:
            print(f"  {line}", flush=True)


def skipped(what):
    print(f"SKIPPED {what}", flush=True)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)
