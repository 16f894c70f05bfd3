"""The service as a process: started on a free port, stopped, killed, looked at from outside."""

import json
import os
import re
import signal
import socket
import subprocess
import time

from harness.contract import Contract
from harness.http import Session

SANITIZER = re.compile(r"(Address|Leak|Thread|Memory)Sanitizer|runtime error:")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Service:
    def __init__(self, command, folder, base_path="", environment=None, ready_seconds=20, headers=None, limits=None, certificate=None):
        """command: all but the address. certificate: whom to trust, where it speaks TLS. limits: called in the child before it begins."""
        os.makedirs(folder, exist_ok=True)
        self.folder, self.base_path, self.headers = folder, base_path, headers
        self.command, self.environment, self.limits = command, environment or {}, limits
        self.ready_seconds, self.certificate = ready_seconds, certificate
        self.host, self.port = "127.0.0.1", free_port()
        self.starts = 0
        self.contract = None
        self.process = None
        self.start()

    # ---- its life ----

    def start(self, wait=True):
        """Again, after kill() or stop(): on the same port."""
        self.starts += 1
        self.stderr = os.path.join(self.folder, f"stderr.{self.starts}")
        self.stdout = os.path.join(self.folder, f"stdout.{self.starts}")
        command = [*self.command, "--listen", f"{self.host}:{self.port}"]
        began = time.monotonic()
        with open(self.stdout, "wb") as out, open(self.stderr, "wb") as err:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **self.environment},
                preexec_fn=self.limits,
            )
        if wait:
            self.wait_ready(began)

    def wait_ready(self, began=None):
        began = began or time.monotonic()
        while True:
            code = self.process.poll()
            assert code is None, f"the service ended with {code} before it was ready:\n{self.said()}"
            try:
                with self.session(timeout=5) as s:
                    if s.get("/readyz").status == 200:
                        self.ready_after = time.monotonic() - began
                        return
            except OSError:
                pass
            assert time.monotonic() - began < self.ready_seconds, f"not ready in time:\n{self.said()}"
            time.sleep(0.005)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=40):
        """SIGTERM; answers the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the service did not end within {seconds} s of SIGTERM:\n{self.said()}") from None

    def __enter__(self):
        return self

    def __exit__(self, kind, *ignored):
        alive = self.process.poll() is None
        if kind is not None:
            self.kill() if alive else None
            print(self.said(40))
            return
        killed = self.process.returncode == -signal.SIGKILL
        code = self.stop()
        assert killed or code == 0, f"the service ended with {code}:\n{self.said()}"
        assert not SANITIZER.search(self.said(None)), self.said(None)

    # ---- what it says and holds ----

    def said(self, lines=60):
        text = []
        for run in range(1, self.starts + 1):
            with open(os.path.join(self.folder, f"stderr.{run}"), errors="replace") as f:
                text += f.read().splitlines()
        return "\n".join(text if lines is None else text[-lines:])

    def log(self):
        """Its log lines that are JSON, of all its lives."""
        out = []
        for line in self.said(None).splitlines():
            try:
                out.append(json.loads(line))
            except ValueError:
                pass
        return out

    def alive(self):
        return self.process.poll() is None

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def files(self):
        """How many file descriptors are open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    # ---- requests ----

    def hold_to_contract(self):
        """From now on every reply must be as the document says that the service serves."""
        self.contract = Contract(self.get("/openapi.json").json())
        return self.contract

    def session(self, headers=None, timeout=30):
        return Session(self.host, self.port, self.base_path, {**(self.headers or {}), **(headers or {})}, timeout, self.contract, self.certificate)

    def request(self, *args, **more):
        with self.session(timeout=more.pop("timeout", 30)) as s:
            return s.request(*args, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def batch(self, lines, **more):
        with self.session(timeout=more.pop("timeout", 120)) as s:
            return s.batch(lines, **more)

    def raw(self, data, seconds=10, shutdown=False):
        """Bytes as they are; what comes back until the other side closes or falls silent."""
        out = b""
        with socket.create_connection((self.host, self.port), timeout=seconds) as c:
            try:
                c.sendall(data)
                if shutdown:
                    c.shutdown(socket.SHUT_WR)
                while True:
                    piece = c.recv(65536)
                    if not piece:
                        return out
                    out += piece
            except OSError:
                return out
