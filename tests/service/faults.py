"""What goes wrong in the world: processes killed, disks full, pipes closed, clocks moved, files half written."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import time

from harness import claim, main
from harness.load import Load
from harness.postgres import Postgres
from harness.tokens import Issuer


def same(w, reply, want):
    w.true(reply.status == 200 and reply.body[1 : 1 + len(want)] == want, f"another answer: {reply!r}")


def until(w, what, holds, seconds=20):
    began = time.monotonic()
    while not holds():
        w.true(time.monotonic() - began < seconds, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def metric(s, name):
    """The sum of a metric over its labels."""
    text = s.get("/metrics").body.decode()
    return sum(float(l.rsplit(" ", 1)[1]) for l in text.splitlines() if l.startswith((name + "{", name + " ")))


# ---- killed ----


def killed_under_load(w, store, kills):
    pairs = w.bank.requests()
    kept, events = {}, {}
    lock = threading.Lock()
    draw = random.Random(3)
    numbers = iter(range(10**9))

    def ask(session, caller):
        with lock:
            n = next(numbers)
        if n % 2:
            request, want = pairs[n % len(pairs)]
            reply = session.post("/v1/score", request)
            if reply.status == 200:
                with lock:
                    kept[reply.json()["decision_id"]] = reply.body
        else:
            row = dict(w.bank.typical()["transactions"][0], id=f"event-{n}", user_id=f"customer-{n % 50}")
            reply = session.post("/v1/transactions", {"transactions": [row]})
            if reply.status < 300:
                with lock:
                    events.setdefault(row["user_id"], set()).add(row["id"])
        return reply

    with w.serve(store=store) as s:
        with Load(s, ask, callers=8) as load:
            for _ in range(kills):
                before = len(kept) + sum(map(len, events.values()))
                time.sleep(0.3 + draw.random())
                until(w, "requests accepted", lambda: len(kept) + sum(map(len, list(events.values()))) >= before + 20)
                s.kill()
                s.start()
        w.true(not load.wrong, repr(load.wrong[:1]))
        bad = {k: n for k, n in load.outcomes.items() if k not in (200, 201, 202, "refused", "closed", "cut")}
        w.equal(bad, {}, "outcomes")
        w.true(len(kept) > 20 and sum(map(len, events.values())) > 20, f"too little was accepted: {len(kept)}, {len(events)}")
        with s.session() as session:
            for one, body in kept.items():
                reply = session.get("/v1/decisions/" + one)
                w.true(reply.status == 200 and reply.body == body, f"decision {one} was answered and is lost: {reply!r}")
            for who, ids in events.items():
                ask_again = {"customer_id": who, "as_of": "now", "customer": w.bank.typical()["customer"]}
                ask_again["customer"].pop("user_id")
                held = session.post("/v1/score", ask_again)
                w.true(held.status == 200, repr(held))
                w.true(held.json()["transactions"]["held"] >= len(ids), f"{who}: {len(ids)} accepted, {held.json()['transactions']}")


@claim
def killed_under_load_no_accepted_event_or_decision_is_lost_from_sqlite(w):
    killed_under_load(w, w.sqlite(), 4)


@claim
def killed_under_load_no_accepted_event_or_decision_is_lost_from_postgresql(w):
    with Postgres(w) as p:
        killed_under_load(w, p.url, 3)


@claim
def killed_again_and_again_a_job_is_done_once_and_whole(w):
    folder = os.path.join(w.work, "jobs")
    os.makedirs(folder)
    pairs = w.bank.requests() * 20
    with open(os.path.join(folder, "in.ndjson"), "w") as f:
        f.writelines(json.dumps(request) + "\n" for request, _ in pairs)
    config = {"jobs": {"folder": folder, "lease": "2s", "part": "64K"}}
    with w.serve(store=w.sqlite(), config=config) as s:
        job = s.post("/v1/jobs", {"input": "in.ndjson", "output": "out.ndjson"})
        w.equal(job.status, 202)
        where = "/v1/jobs/" + job.json()["id"]
        for _ in range(4):
            time.sleep(0.25)
            s.kill()
            s.start()
        until(w, "the job is done", lambda: s.get(where).json()["state"] not in ("waiting", "running"), 60)
        done = s.get(where).json()
        w.equal((done["state"], done["rows"], done["bad_rows"]), ("done", len(pairs), 0))
        with open(os.path.join(folder, "out.ndjson"), "rb") as f:
            lines = f.read().splitlines()
        w.equal(len(lines), len(pairs), "lines of the output")
        for at, (line, (_, want)) in enumerate(zip(lines, pairs)):
            w.true(want in line, f"line {at + 1} is not the answer to its request")


# ---- no room ----


def no_bigger_file_than(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@claim
def a_prediction_log_that_takes_no_more_spoils_no_answer(w):
    pairs = w.bank.requests()[:60]
    file = os.path.join(w.work, "predictions.ndjson")
    config = {"predictions": {"file": file}, "log": {"level": "error"}}
    with w.serve(config=config, limits=no_bigger_file_than(20000)) as s, s.session() as session:
        for request, want in pairs:
            same(w, session.post("/v1/score", request), want)
        w.equal(s.get("/readyz").status, 200)
        until(w, "what is lost is counted", lambda: metric(s, "assay_predictions_dropped_total") > 0)


@claim
def a_store_that_takes_no_more_says_503_and_comes_back(w):
    path = os.path.join(w.work, "store.db")
    request, want = w.bank.requests()[0]
    row = dict(w.bank.typical()["transactions"][0], user_id="somebody")

    def fill(session):
        for n in range(4000):
            reply = session.post("/v1/transactions", {"transactions": [dict(row, id=f"t{n}-{i}") for i in range(20)]})
            if reply.status >= 400:
                return reply
        return None

    with w.serve(store="sqlite:" + path, limits=no_bigger_file_than(1_500_000), config={"log": {"level": "error"}}) as s:
        with s.session() as session:
            reply = fill(session)
            w.true(reply is not None, "a file of 1.5 MB took everything")
            w.equal(reply.status, 503)
            w.equal(reply.problem()["code"], "store_unavailable")
            w.true("Retry-After" in reply.headers, "503 without Retry-After")
            w.equal(session.get("/healthz").status, 200)
            w.equal(session.get("/v1/model").status, 200)
    # With room again all that was accepted is there, and more is.
    with w.serve(store="sqlite:" + path) as s:
        same(w, s.post("/v1/score", request), want)
        w.true(s.post("/v1/transactions", {"transactions": [dict(row, id="later")]}).status < 300, "it did not come back")


@claim
def a_spool_that_takes_no_more_fails_the_batch_and_nothing_else(w):
    request, want = w.bank.requests()[0]
    small = {"customer_id": "x", "transactions": [], "as_of": "2024-08-27"}
    with w.serve(limits=no_bigger_file_than(300_000), config={"log": {"level": "error"}}) as s:
        w.equal(s.batch([small] * 10).status, 200)
        reply = s.batch([small] * 2000)
        w.true(reply.status in (500, 503), repr(reply))
        reply.problem()
        same(w, s.post("/v1/score", request), want)


@claim
def a_disk_that_is_really_full_ends_nothing(w):
    """A tiny file system of its own, where this machine lets us have one (as root)."""
    folder = os.path.join(w.work, "small")
    os.makedirs(folder)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        print(f"        !!! no file system of our own ({mounted.stderr.strip()}): a full disk was only simulated", flush=True)
        return
    try:
        request, want = w.bank.requests()[0]
        config = {"predictions": {"file": os.path.join(folder, "predictions")}, "spool": folder, "log": {"level": "error"}}
        with w.serve(store="sqlite:" + os.path.join(folder, "store.db"), config=config) as s, s.session() as session:
            statuses = set()
            for request, want in w.bank.requests() * 3:
                reply = session.post("/v1/score", request)
                statuses.add(reply.status)
                if reply.status == 200:
                    same(w, reply, want)
            w.equal(statuses, {200, 503}, "statuses while the disk fills")
            w.equal(session.get("/healthz").status, 200)
            os.remove(os.path.join(folder, "predictions"))
            until(w, "room again", lambda: session.post("/v1/score", w.bank.requests()[5][0]).status == 200)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


# ---- who listens has gone ----


@claim
def a_closed_log_pipe_spoils_no_answer(w):
    pairs = w.bank.requests()[:40]
    config = {"predictions": {"file": "-"}}
    with w.serve(config=config) as s:
        command = s.process.args
        s.stop()
        # The same with pipes whose other end is closed at once.
        read, write = os.pipe()
        s.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=write, stderr=write)
        os.close(write)
        os.close(read)
        s.wait_ready()
        with s.session() as session:
            for request, want in pairs:
                same(w, session.post("/v1/score", request), want)


@claim
def callers_that_hang_up_leave_nothing_behind(w):
    import socket

    request = json.dumps(w.bank.typical()).encode()
    head = b"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with w.serve(config={"limits": {"request": "2s", "idle": "2s"}}) as s:
        before = s.files()
        for n in range(300):
            with socket.create_connection((s.host, s.port), timeout=10) as c:
                c.sendall((head % len(request) + request)[: 20 + n * 37 % (len(request) + 100)])
                if n % 3 == 0:
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # a reset
        until(w, "connections are closed", lambda: s.files() <= before + 2)
        w.equal(s.post("/v1/score", w.bank.typical()).status, 200)


# ---- time ----


@claim
def a_clock_that_jumps_changes_no_answer_and_cuts_nobody(w):
    library = next(
        (p for p in ("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1") if os.path.exists(p)),
        None,
    )
    assert library, "libfaketime is not there; run script/bootstrap --test"
    clock = os.path.join(w.work, "clock")

    def jump(to):
        with open(clock + ".new", "w") as f:
            f.write(to)
        os.replace(clock + ".new", clock)

    jump("+0")
    fake = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    pairs = w.bank.requests()
    with w.serve(store=w.sqlite(), environment=fake) as s, s.session() as session:
        for to in ("+0", "+400d", "-400d", "@2038-01-19 03:14:00", "+0"):
            jump(to)
            for request, want in pairs[:10]:
                same(w, session.post("/v1/score", request), want)
            now = session.post("/v1/score", {**pairs[0][0], "as_of": "now"})
            w.true(now.status == 200, repr(now))
        year = session.post("/v1/score", {**pairs[0][0], "as_of": "now"}).json()["as_of"][:4]
        w.equal(year, time.strftime("%Y"), "now")
        jump("+4000d")
        w.equal(session.post("/v1/score", {**pairs[0][0], "as_of": "now"}).json()["as_of"][:4] > year, True)


# ---- bundles ----


@claim
def a_hundred_reloads_under_load_fail_no_request(w):
    first, second = w.bank.requests(), dict((r["customer_id"], want) for r, want in w.bank.forest.requests())
    place = os.path.join(w.work, "bundle")
    os.symlink(w.bank.bundle, place)

    def ask(session, caller):
        request, want = random.choice(first)
        request = {k: request[k] for k in ("customer_id", "customer", "transactions", "as_of")}
        reply = session.post("/v1/score", request)
        if reply.status == 200:
            which = reply.json()["bundle"]
            w.true(which in bundles, f"a bundle that is none of the two: {which}")
            if which == bundles[0]:
                same(w, reply, want)
        return reply

    bundles = []
    with w.serve(bundle=place) as s:
        bundles.append(s.get("/v1/model").json()["bundle"])
        with open(os.path.join(w.bank.forest.bundle, "bundle.json")) as f:
            bundles.append(json.loads(w.bank.forest.lines[0])["bundle"])
        w.true(bundles[0] != bundles[1] and len(second) > 0, "the two bundles are one")
        with Load(s, ask, callers=8) as load:
            for n in range(100):
                os.symlink(w.bank.forest.bundle if n % 2 == 0 else w.bank.bundle, place + ".new")
                os.replace(place + ".new", place)
                s.signal(signal.SIGHUP)
                time.sleep(0.03)
        w.true(not load.wrong, repr(load.wrong[:1]))
        w.equal(set(load.outcomes), {200}, f"outcomes {dict(load.outcomes)}")
        s.signal(signal.SIGHUP)
        until(w, "the last bundle", lambda: s.get("/v1/model").json()["bundle"] == bundles[0])


@claim
def a_bad_bundle_is_refused_and_the_old_one_stays(w):
    place = os.path.join(w.work, "bundle")
    shutil.copytree(w.bank.bundle, place)
    request, want = w.bank.requests()[0]

    def spoil(name, change):
        path = os.path.join(place, name)
        with open(path, "rb") as f:
            data = f.read()
        with open(path, "wb") as f:
            f.write(change(data))

    with w.serve(bundle=place) as s:
        for n, (name, change) in enumerate(
            (
                ("model.json", lambda d: d[: len(d) // 2]),
                ("bundle.json", lambda d: b""),
                ("policy.yaml", lambda d: d + b"\nnonsense: ["),
                ("SHA256SUMS", lambda d: d.replace(d[:8], b"00000000")),
            )
        ):
            shutil.rmtree(place)
            shutil.copytree(w.bank.bundle, place)
            spoil(name, change)
            s.signal(signal.SIGHUP)
            until(w, f"refusal of a spoilt {name}", lambda: s.said(None).count("refused") > n)
            same(w, s.post("/v1/score", request), want)
        shutil.rmtree(place)
        shutil.copytree(w.bank.forest.bundle, place)
        s.signal(signal.SIGHUP)
        want = w.bank.forest.requests()[0][1]
        until(w, "a good one is taken", lambda: s.post("/v1/score", request).body[1:].startswith(want.split(b",")[0]) or s.get("/v1/model").json()["bundle"] == json.loads(w.bank.forest.lines[0])["bundle"])


@claim
def a_bundle_that_is_bad_at_the_start_is_said_and_nothing_is_served(w):
    place = os.path.join(w.work, "bundle")
    shutil.copytree(w.bank.bundle, place)
    os.truncate(os.path.join(place, "model.json"), 100)
    done = subprocess.run(
        [w.program, "serve", "--bundle", place, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30
    )
    w.true(done.returncode in (1, 3), f"it ended with {done.returncode}")
    w.true("model.json" in done.stderr, done.stderr)


# ---- keys ----


@claim
def a_jwks_file_that_is_half_written_leaves_the_old_keys(w):
    one, two = Issuer(w.work, "one"), Issuer(w.work, "two")
    path = os.path.join(w.work, "jwks.json")

    def write(text):
        with open(path, "w") as f:
            f.write(text)

    write(one.jwks())
    config = {"auth": {"kind": "jwt", "jwks": path, "issuer": "https://bank", "audience": "assay"}}
    claims = {"iss": "https://bank", "aud": "assay", "sub": "caller", "scope": "assay.score", "exp": int(time.time()) + 3600}
    first, second = ({"Authorization": "Bearer " + i.token(**claims)} for i in (one, two))
    request = w.bank.typical()
    with w.serve(config=config) as s:
        w.equal(s.post("/v1/score", request).status, 401)
        w.equal(s.post("/v1/score", request, headers=first).status, 200)
        whole = one.jwks(two)
        for end in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
            write(whole[:end])
            began = time.monotonic()
            while time.monotonic() - began < 0.7:
                w.equal(s.post("/v1/score", request, headers=first).status, 200, f"{end} of {len(whole)} bytes")
            w.equal(s.post("/v1/score", request, headers=second).status, 401, f"{end} of {len(whole)} bytes")
        os.remove(path)
        time.sleep(0.7)
        w.equal(s.post("/v1/score", request, headers=first).status, 200, "without the file")
        write(whole)
        until(w, "the new key is known", lambda: s.post("/v1/score", request, headers=second).status == 200, 15)


# ---- the store ----


@claim
def postgresql_stopped_and_restarted_is_503_and_then_well_again(w):
    request, want = w.bank.requests()[0]
    rows = [dict(w.bank.typical()["transactions"][0], user_id="somebody", id="one")]
    with Postgres(w) as p, w.serve(store=p.url, config={"log": {"level": "error"}}) as s:
        same(w, s.post("/v1/score", request), want)
        for stop, start in (("stop", "start"), ("kill", "start"), ("stop", "start")):
            p.call(stop)
            reply = s.post("/v1/transactions", {"transactions": rows}, timeout=60)
            w.equal(reply.status, 503, f"after {stop}: {reply!r}")
            w.equal(reply.problem()["code"], "store_unavailable")
            w.true(s.post("/v1/score", request, timeout=60).status in (200, 503), "a score without a store")
            w.equal(s.get("/healthz").status, 200)
            w.equal(s.get("/v1/model").status, 200)
            p.call(start)
            until(w, f"well again after {start}", lambda: s.post("/v1/transactions", {"transactions": rows}).status < 300, 30)
            same(w, s.post("/v1/score", request), want)


@claim
def postgresql_that_hangs_costs_time_and_no_process(w):
    request, want = w.bank.requests()[0]
    with Postgres(w) as p, w.serve(store=p.url, config={"log": {"level": "error"}}) as s:
        same(w, s.post("/v1/score", request), want)
        p.call("freeze")
        try:
            began = time.monotonic()
            reply = s.post("/v1/score", {**request, "as_of": "now"}, timeout=90)
            w.equal(reply.status, 503, repr(reply))
            w.within(time.monotonic() - began, 0, 60, "seconds until the reply")
            w.equal(s.get("/healthz").status, 200)
        finally:
            p.call("thaw")
        until(w, "well again", lambda: s.post("/v1/score", request).status == 200, 60)


# ---- told to stop ----


@claim
def sigterm_under_load_cuts_no_request_that_was_accepted(w):
    pairs = w.bank.requests()
    for round_ in range(3):
        received = [0]
        lock = threading.Lock()

        def ask(session, caller):
            request, want = random.choice(pairs)
            reply = session.post("/v1/score", request)
            if reply.status == 200:
                same(w, reply, want)
                with lock:
                    received[0] += 1
            return reply

        with w.serve() as s:
            with Load(s, ask, callers=16, fresh=round_ == 1) as load:
                time.sleep(0.7)
                w.equal(s.stop(), 0, "exit code")
            w.true(not load.wrong, repr(load.wrong[:1]))
            w.equal(load.outcomes["cut"], 0, "replies cut short")
            other = {k for k in load.outcomes if k not in (200, 503, "refused", "closed", None)}
            w.equal(other, set(), f"outcomes {dict(load.outcomes)}")
            answered = sum(
                1 for l in s.log() if l.get("httpRequest", {}).get("requestUrl") == "/ai/v1/score" and l["httpRequest"]["status"] == 200
            )
            w.equal(received[0], answered, "answers received, answers that the log says were given")


@claim
def sigterm_at_any_time_after_ready_ends_it_well(w):
    """Also when it comes twice, as from who stops a process and then its group."""
    with w.serve() as s:
        w.equal(s.stop(), 0, "exit code")
        for n in range(50):
            s.start(wait=False)
            began = time.monotonic()
            while "ready on port" not in open(s.stderr).read():
                w.true(s.alive() and time.monotonic() - began < 20, f"not ready:\n{s.said()}")
                time.sleep(0.0005)
            s.signal(signal.SIGTERM)
            if n % 2:
                time.sleep(0.001 * (n % 7))
                s.signal(signal.SIGTERM)
            w.equal(s.process.wait(20), 0, f"exit code of stop {n}:\n{s.said(10)}")
            w.true("stopped before the end" not in open(s.stderr).read(), s.said(10))


@claim
def sigterm_waits_for_a_request_that_is_still_arriving(w):
    import socket

    request = json.dumps(w.bank.typical()).encode()
    head = b"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with w.serve() as s:
        with socket.create_connection((s.host, s.port), timeout=20) as c:
            c.sendall(head % len(request) + request[:1000])
            time.sleep(0.3)
            s.signal(signal.SIGTERM)
            time.sleep(0.7)
            w.true(s.alive(), "it did not wait")
            c.sendall(request[1000:])
            got = b""
            while piece := c.recv(65536):
                got += piece
            w.true(got.startswith(b"HTTP/1.1 200 "), repr(got[:300]))
        w.equal(s.process.wait(10), 0, "exit code")


if __name__ == "__main__":
    main()
