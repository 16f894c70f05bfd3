"""Where things are, and how a claim about a program of deploy/pipelines is made."""

import os
import shlex
import subprocess
import sys

import shell

TREE = shell.TREE
PIPELINES = os.path.join(TREE, "deploy", "pipelines")
ASSAY, SERVE = (os.path.join(TREE, "build", "release", name) for name in ("assay", "assay-serve"))
failures = []


def claim(holds, text, said=""):
    if not holds:
        failures.append(text)
        text += f"; it said: {said.strip()[-700:]}"
    print(("ok " if holds else "FAILED ") + text.replace("\n", " | "), flush=True)


def run(program, *args, **more):
    """(exit code, what it said) of a program of deploy/pipelines, or of any by its path."""
    path = program if "/" in program else os.path.join(PIPELINES, program)
    done = subprocess.run([path, *map(str, args)], capture_output=True, text=True, timeout=300, **more)
    return done.returncode, done.stdout + done.stderr


def expect(text, code, words, program, *args, **more):
    got, said = run(program, *args, **more)
    claim(got == code and words in said, f"{text} (exit {code})" + ("" if got == code else f", not {got}"), said)
    return said


def must(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED {shlex.join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
