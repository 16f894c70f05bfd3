"""Disaster, rehearsed: the store of a running service is copied, lost and brought back.

Prints one line a claim, as tests/deploy/run reads them, and what the rehearsal measured.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path[0] = os.path.join(ROOT, "tests", "service")
sys.dont_write_bytecode = True

from harness.bank import Bank  # noqa: E402
from harness.claims import World  # noqa: E402
from harness.postgres import Postgres  # noqa: E402

TOOLS = os.path.join(ROOT, "deploy", "recovery")
failed = 0


def say(holds, claim, why=""):
    global failed
    failed += not holds
    print(f"{'ok    ' if holds else 'FAILED'} recovery: {claim}" + (f": {why}" if why and not holds else ""), flush=True)


def tool(w, name, *arguments):
    return subprocess.run(
        [os.path.join(TOOLS, name), *arguments], env={**os.environ, "ASSAY": w.assay}, capture_output=True, text=True, timeout=120
    )


def write_while_copying(s, row, stop, written):
    """Decisions and transactions go on coming while the copy is made."""
    n = 0
    with s.session() as session:
        while not stop.is_set():
            event = dict(row, id=f"meanwhile-{n}", user_id=f"m{n % 7}")
            if session.post("/v1/transactions", {"transactions": [event]}).status == 200:
                written.append(event["id"])
            n += 1


def rehearse(w, kind, store, lose, fresh):
    pairs = w.bank.requests()
    row = w.bank.typical()["transactions"][0]
    copy = os.path.join(w.work, "copy-" + kind)
    kept = {}
    with w.serve(store=store) as s:
        for n in range(150):
            request = dict(pairs[n % len(pairs)][0], as_of=f"2026-01-{1 + n // len(pairs) % 28:02d} 12:00:00 UTC")
            reply = s.post("/v1/score", request)
            assert reply.status == 200, reply
            kept[reply.json()["decision_id"]] = (request, reply.body)
        gone = next(iter(kept.values()))[0]["customer_id"]
        s.put("/v1/customers/erased-later", {})
        stop, written = threading.Event(), []
        writer = threading.Thread(target=write_while_copying, args=(s, row, stop, written))
        writer.start()
        while len(written) < 20:
            time.sleep(0.01)
        began = time.monotonic()
        made = tool(w, "back-up", store, copy)
        took = time.monotonic() - began
        stop.set()
        writer.join()
        say(made.returncode == 0, f"{kind}: a copy is made while the service writes", made.stderr)
        if made.returncode != 0:
            return
        late = s.post("/v1/score", dict(pairs[0][0], as_of="2026-03-01 12:00:00 UTC")).json()["decision_id"]
        erased = s.delete(f"/v1/customers/{gone}").status
        say(erased == 200, f"{kind}: a customer is erased after the copy", str(erased))
    lose()
    again = fresh()
    # The target must be empty; sums and head are looked at.
    took_copy = shutil.copytree(copy, copy + "-spoilt")
    data = os.path.join(took_copy, "store.dump" if kind == "postgresql" else "store.db")
    with open(data, "r+b") as f:
        f.seek(os.path.getsize(data) // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    spoilt = tool(w, "restore", took_copy, again)
    say(spoilt.returncode == 1 and "has changed" in spoilt.stderr, f"{kind}: a spoilt copy is refused", spoilt.stderr)
    began = time.monotonic()
    back = tool(w, "restore", copy, again)
    restored = time.monotonic() - began
    say(back.returncode == 0, f"{kind}: it is restored and its chain holds the head that was noted", back.stderr + back.stdout)
    twice = tool(w, "restore", copy, again)
    say(twice.returncode == 1 and "already" in twice.stderr, f"{kind}: nothing is restored over what is there", twice.stderr)
    began = time.monotonic()
    with w.serve(store=again) as s:
        ready = time.monotonic() - began
        wrong = [one for one, (_, body) in kept.items() if s.get("/v1/decisions/" + one).body != body]
        say(not wrong, f"{kind}: every decision given before the copy is there, byte for byte", f"{len(wrong)} of {len(kept)} are not")
        say(s.get("/v1/decisions/" + late).status == 404, f"{kind}: what came after the copy is lost, and said to be (404)")
        request, body = kept[list(kept)[-1]]
        say(s.post("/v1/score", request).body == body, f"{kind}: the same request gets the same answer as before the loss")
        s.post("/v1/score", dict(pairs[0][0], as_of="2026-03-01 12:00:00 UTC"))
        say(s.get("/v1/decisions/" + late).status == 200, f"{kind}: a lost decision asked for again has the id that it had")
        say(s.delete(f"/v1/customers/{gone}").status == 200, f"{kind}: an erasure sent again is done")
        first = next(one for one, (r, _) in kept.items() if r["customer_id"] == gone)
        say(s.get("/v1/decisions/" + first).status == 410, f"{kind}: and the person's decisions are gone")
    whole = subprocess.run([w.assay, "verify", "--quiet", "--store", again], capture_output=True, text=True)
    say(whole.returncode == 0, f"{kind}: the chain that went on after the restore is whole", whole.stderr)
    size = sum(os.path.getsize(os.path.join(copy, n)) for n in os.listdir(copy))
    print(
        f"       {kind}: {len(kept)} decisions and {len(written)} transactions, copied in {took:.1f} s to {size / 1e6:.2f} MB; "
        f"restored and verified in {restored:.1f} s; serving after {ready:.1f} s more",
        flush=True,
    )


def main():
    build = os.path.join(ROOT, "build", "release")
    with tempfile.TemporaryDirectory(prefix="assay-recovery-") as work:
        w = World(build, Bank.make(os.path.join(work, "bank"), os.path.join(build, "assay")), work, False)
        file = os.path.join(work, "store.db")
        sqlite = "sqlite:" + file

        def lose_file():
            for name in os.listdir(work):
                if name.startswith("store.db"):
                    os.remove(os.path.join(work, name))

        rehearse(w, "sqlite", sqlite, lose_file, lambda: sqlite)
        # A copy whose newest decisions were cut off lacks the head that was noted.
        short = os.path.join(work, "short")
        shutil.copytree(os.path.join(work, "copy-sqlite"), short)
        c = sqlite3.connect(os.path.join(short, "store.db"))
        cut_off = c.execute("delete from assay_chain where sequence > (select max(sequence) - 3 from assay_chain)").rowcount
        c.commit()
        c.close()  # what was cut is out of the log beside the file
        assert cut_off == 3, cut_off
        with open(os.path.join(short, "SHA256SUMS"), "w") as f:
            subprocess.run(["sha256sum", "head", "store.db"], cwd=short, stdout=f, check=True)
        cut = tool(w, "restore", short, "sqlite:" + os.path.join(work, "cut.db"))
        say(cut.returncode == 1 and "restored and verified" not in cut.stdout, "a copy cut short is found by the chain, sums or not", cut.stdout)
        with Postgres(w) as one, Postgres(w) as other:
            rehearse(w, "postgresql", one.url, lambda: one.call("kill"), lambda: other.url)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
