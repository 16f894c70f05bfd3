"""Load that lasts: memory and open files stay where they were, however many come."""

import collections
import json
import os
import random
import resource
import signal
import socket
import statistics
import time

from harness import claim, main
from harness.load import Load


def mixed(w, s):
    """Everything that callers do, right and wrong, in one endless mixture."""
    pairs = w.bank.requests()
    small = [dict(r, transactions=r["transactions"][:40]) for r, _ in pairs]
    row = pairs[0][0]["transactions"][0]
    draw = random.Random(9)

    def ask(session, caller):
        kind, at = draw.randrange(20), draw.randrange(len(pairs))
        request = small[at]
        if kind < 9:
            reply = session.post("/v1/score", request)
            if kind == 0 and reply.status == 200:
                reply = session.get("/v1/decisions/" + reply.json()["decision_id"])
            return reply
        if kind < 11:
            return session.batch([small[(at + i) % len(small)] for i in range(20)])
        if kind < 13:
            rows = [dict(row, user_id=f"c{draw.randrange(500)}", id=f"t{draw.randrange(10**6)}") for _ in range(5)]
            return session.post("/v1/transactions", {"transactions": rows})
        if kind == 13:
            return session.put(f"/v1/customers/c{draw.randrange(500)}", {})
        if kind == 14:
            return session.post("/v1/score", {"customer_id": f"c{draw.randrange(500)}", "transactions": [], "as_of": "now"})
        if kind == 15:
            return session.get(draw.choice(("/metrics", "/readyz", "/v1/model", "/openapi.json", "/v1/jobs")))
        if kind == 16:
            body = bytearray(json.dumps(request).encode())
            for _ in range(3):
                body[draw.randrange(len(body))] = draw.randrange(256)
            return session.post("/v1/score", bytes(body), headers={"Content-Type": "application/json"})
        if kind == 17:
            return session.post("/v1/feedback", {"customer_id": f"c{draw.randrange(500)}", "verdict": "negative"})
        if kind == 18:
            with socket.create_connection((s.host, s.port), timeout=10) as c:
                c.sendall(b"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            return None
        return session.delete(f"/v1/customers/c{draw.randrange(500)}")

    return ask


def lasting(w, seconds, warm, pause):
    config = {"log": {"level": "error"}, "predictions": {"file": os.path.join(w.work, "predictions"), "bytes": "4M", "keep": 2}}
    memory, files = [], []
    with w.serve(store=w.sqlite(), config=config) as s:
        with Load(s, mixed(w, s), callers=6) as load:
            began = reloaded = time.monotonic()
            while (now := time.monotonic()) - began < seconds:
                if now - reloaded > seconds / 20:
                    s.signal(signal.SIGHUP)
                    reloaded = now
                time.sleep(pause)
                if now - began > warm:
                    memory.append(s.memory())
                    files.append(s.files())
        w.true(not load.wrong, repr(load.wrong[:1]))
        w.equal({k for k in load.outcomes if k in ("cut", "refused", 500)}, set(), f"outcomes {dict(load.outcomes)}")
        w.true(load.outcomes[200] > 100, f"outcomes {dict(load.outcomes)}")
        third = len(memory) // 3
        first, last = statistics.median(memory[:third]), statistics.median(memory[-third:])
        print(
            f"        {sum(load.outcomes.values())} requests; resident {first / 1e6:.1f} MB in the first third, "
            f"{last / 1e6:.1f} MB in the last, {max(memory) / 1e6:.1f} MB at most; {max(files)} files at most",
            flush=True,
        )
        return first, last, max(memory)


@claim
def under_mixed_load_memory_stays_within_bounds(w):
    _, last, most = lasting(w, 20, 5, 0.25)
    w.within(most, 0, 200e6, "resident bytes")


@claim(long=True)
def half_an_hour_of_mixed_load_holds_memory_flat(w):
    first, last, _ = lasting(w, 1800, 300, 2)
    w.true(last < first * 1.15 + 4e6, f"resident bytes grew from {first:.0f} to {last:.0f}")


@claim
def ten_thousand_connections_at_once_end_nothing(w):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    w.true(hard >= 12000, f"this machine lets a process open {hard} files only; raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    request = w.bank.typical()
    half = b"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    try:
        for limits in ({}, {"connections": 11000, "connections_per_address": 0}):
            with w.serve(config={"log": {"level": "error"}, "limits": {"request": "5s", "idle": "5s", **limits}}) as s:
                before = s.memory()
                kept = s.session(timeout=60)
                w.equal(kept.get("/healthz").status, 200)
                held, outcomes = [], collections.Counter()
                for n in range(10000):
                    c = socket.socket()
                    c.settimeout(5)
                    try:
                        c.connect((s.host, s.port))
                        c.sendall(half[: n % len(half) + 1])
                        held.append(c)
                        outcomes["open"] += 1
                    except OSError as e:
                        c.close()
                        outcomes[type(e).__name__] += 1
                    if n % 1000 == 0:
                        w.equal(kept.post("/v1/score", request).status, 200, f"with {n} connections {dict(outcomes)}")
                w.true(s.alive(), "it ended")
                w.equal(kept.post("/v1/score", request).status, 200, f"with all of them {dict(outcomes)}")
                w.within(s.memory() - before, -1e9, 400e6, "bytes more")
                for c in held:
                    c.close()
                began = time.monotonic()
                while s.files() > 100:
                    w.true(time.monotonic() - began < 40, f"{s.files()} files are still open")
                    time.sleep(0.2)
                w.equal(s.post("/v1/score", request).status, 200, "afterwards")
                kept.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    main()
