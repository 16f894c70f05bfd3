"""A PostgreSQL server of one claim's own (postgres.sh)."""

import os
import shutil
import subprocess
import tempfile


class Postgres:
    def __init__(self, w):
        self.script = os.path.join(w.root, "tests", "service", "postgres.sh")
        self.folder = tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp")  # a socket's path is short
        self.url = self.call("start").strip()

    def call(self, what):
        done = subprocess.run([self.script, what, self.folder], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"postgres.sh {what}: {done.stderr}"
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        try:
            self.call("stop")
        except (AssertionError, subprocess.TimeoutExpired):
            pass  # it is down already
        shutil.rmtree(self.folder, ignore_errors=True)
