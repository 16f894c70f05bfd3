"""What those send who wish it ill: slow, huge, deep, cut, twofold. None of it may end the service, be answered wrongly or keep
others from being served. Beside every attack a good caller asks all the time; what it waited is printed."""

import gzip
import json
import os
import random
import socket
import subprocess
import threading
import time

from harness import claim, main

PATIENCE = 5.0  # seconds that no good caller may wait, on a machine that others use as well
QUICK = {"limits": {"idle": "2s", "request": "3s"}}


class Good:
    """Asks for one customer again and again; every answer must have the run's own bytes."""

    def __init__(self, w, s, least=20, busy=False):
        """busy: he may be told to try again."""
        self.w, self.s, self.least, self.busy = w, s, least, busy
        self.pairs = w.bank.requests()[:20]
        self.waits, self.wrong = [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        n = 0
        with self.s.session(timeout=30) as session:
            while not self.over.is_set() or n < self.least:
                request, want = self.pairs[n % len(self.pairs)]
                began = time.monotonic()
                try:
                    reply = session.post("/v1/score", request)
                except Exception as e:  # noqa: BLE001
                    self.wrong.append(e)
                    return
                self.waits.append(time.monotonic() - began)
                if self.busy and reply.status == 503 and "Retry-After" in reply.headers:
                    time.sleep(0.2)
                elif reply.status != 200 or reply.body[1 : 1 + len(want)] != want:
                    self.wrong.append(reply)
                n += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *ignored):
        self.over.set()
        self.thread.join(60)
        if kind is not None:
            return
        waits = sorted(self.waits)
        self.w.true(not self.wrong, f"a good caller was answered wrongly: {self.wrong[:1]!r}")
        self.w.true(len(waits) >= self.least, f"a good caller had {len(waits)} answers")
        p50, p99 = (1e3 * waits[int(share * (len(waits) - 1))] for share in (0.5, 0.99))
        print(f"        a good caller meanwhile: {len(waits)} answers, p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {1e3 * waits[-1]:.0f} ms")
        self.w.true(waits[-1] < PATIENCE, f"a good caller waited {waits[-1]:.1f} s")


def connect(s, seconds=20):
    return socket.create_connection((s.host, s.port), timeout=seconds)


def read_all(c):
    """Until the other side closes; with what came before, where it does not in time."""
    out = b""
    try:
        while piece := c.recv(65536):
            out += piece
    except OSError:
        pass
    return out


def statuses(raw):
    """Of all the replies in a row; a reply that is not whole ends the list with None."""
    out = []
    while raw:
        head, sep, rest = raw.partition(b"\r\n\r\n")
        if not sep or not head.startswith(b"HTTP/1."):
            return [*out, None]
        status = int(head.split()[1])
        fields = dict(l.lower().split(b":", 1) for l in head.split(b"\r\n")[1:])
        if status == 100:
            raw = rest
            continue
        size = int(fields.get(b"content-length", b"0"))
        out.append(status)
        if len(rest) < size:
            return [*out, None]
        raw = rest[size:]
    return out


def post(path, body, *fields, length=None):
    lines = [f"POST /ai{path} HTTP/1.1", "Host: x", "Content-Type: application/json", *fields]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refused(w, raw, codes, what):
    got = statuses(raw)
    w.true(got and all(g is None or 400 <= g < 500 for g in got), f"{what}: {got} {raw[:200]!r}")
    w.true(got[0] in codes, f"{what}: {got[0]} and not one of {codes}: {raw[:300]!r}")


def settled(w, s, before, seconds=20):
    """Connections that ended leave no file open."""
    began = time.monotonic()
    while s.files() > before + 4:
        w.true(time.monotonic() - began < seconds, f"{s.files()} files open, {before} before")
        time.sleep(0.05)


# ---- slow ----


@claim
def two_hundred_slow_senders_of_headers_are_cut_and_hinder_nobody(w):
    with w.serve(config=QUICK) as s, Good(w, s):
        before = s.files()
        slow = [connect(s) for _ in range(200)]
        began = time.monotonic()
        for c in slow:
            c.sendall(b"POST /ai/v1/score HTTP/1.1\r\nHost: x\r\n")
        alive = set(slow)
        while alive:
            w.true(time.monotonic() - began < 20, f"{len(alive)} of 200 are still open after 20 s")
            for c in list(alive):
                try:
                    c.sendall(b"X-a: b\r\n")
                except OSError:
                    alive.discard(c)
            time.sleep(0.3)
        print(f"        the last one was cut after {time.monotonic() - began:.1f} s")
        for c in slow:
            c.close()
        settled(w, s, before)


@claim
def two_hundred_slow_senders_of_bodies_are_cut_and_hinder_nobody(w):
    with w.serve(config=QUICK) as s, Good(w, s):
        before = s.files()
        slow = [connect(s) for _ in range(200)]
        began = time.monotonic()
        for i, c in enumerate(slow):
            kind = "/v1/score" if i % 2 else "/v1/score:batch"
            c.sendall(post(kind, b"{", length=5000).replace(b"json", b"x-ndjson" if i % 2 == 0 else b"json"))
        alive = set(slow)
        while alive:
            w.true(time.monotonic() - began < 20, f"{len(alive)} of 200 are still open after 20 s")
            for c in list(alive):
                try:
                    c.sendall(b" ")
                except OSError:
                    alive.discard(c)
            time.sleep(0.3)
        print(f"        the last one was cut after {time.monotonic() - began:.1f} s")
        for c in slow:
            c.close()
        settled(w, s, before)


@claim
def those_who_read_no_reply_are_cut_and_hinder_nobody(w):
    ask = b"GET /ai/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"  # a large reply
    with w.serve(config=QUICK) as s, Good(w, s):
        before = s.files()
        callers = []
        for _ in range(50):
            c = connect(s)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.setblocking(False)
            callers.append(c)
        began = time.monotonic()
        while time.monotonic() - began < 8:
            for c in callers:
                try:
                    c.send(ask)
                except OSError:  # its buffer is full, or it was cut
                    pass
            time.sleep(0.02)
        settled(w, s, before, 60)  # though they hold their ends open; a large reply has its seconds
        print(f"        all were cut {time.monotonic() - began:.1f} s after they began")
        for c in callers:
            c.close()


# ---- huge ----


@claim
def a_gigabyte_that_is_only_declared_is_refused_at_once(w):
    with w.serve() as s, Good(w, s):
        for length, codes in ((1 << 30, {413}), (1 << 62, {413}), (1 << 64, {400, 413}), (-1, {400}), ("0x10", {400}), ("1e3", {400}), ("+5", {400})):
            began = time.monotonic()
            raw = s.raw(post("/v1/score", b"{}", length=length), shutdown=True)
            refused(w, raw, codes, f"Content-Length: {length}")
            w.true(time.monotonic() - began < PATIENCE, f"{length}: the refusal took {time.monotonic() - began:.1f} s")


@claim
def a_gigabyte_in_chunks_is_cut_and_takes_no_memory(w):
    with w.serve() as s, Good(w, s):
        before = s.memory()
        piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
        sent = 0
        with connect(s) as c:
            try:
                c.sendall(post("/v1/score", b"", "Transfer-Encoding: chunked"))
                while sent < 1 << 30:
                    c.sendall(piece)
                    sent += 65536
            except OSError:
                pass
            raw = read_all(c)
        w.true(sent < 64 << 20, f"{sent >> 20} MiB were taken")
        if raw:
            refused(w, raw, {413}, "a gigabyte in chunks")
        w.true(s.memory() - before < 64 << 20, f"memory grew by {(s.memory() - before) >> 20} MiB")


@claim
def a_hundred_large_bodies_at_once_stay_within_the_budget(w):
    with w.serve(config={"limits": {"memory": "16M", "request": "5s"}}) as s, Good(w, s, busy=True):
        before = s.memory()
        cs = [connect(s) for _ in range(100)]
        for c in cs:
            c.settimeout(5)
            try:
                c.sendall(post("/v1/score", b" " * 900_000, length=1_000_000))
            except OSError:
                pass
        grown = s.memory() - before
        print(f"        90 MB sent, memory grew by {grown / 1e6:.0f} MB")
        w.true(grown < 80 << 20, f"memory grew by {grown >> 20} MiB over a budget of 16")
        for c in cs:
            c.close()


@claim
def bombs_of_gzip_and_zstd_are_refused_before_they_burst(w):
    plain = b" " * (64 << 20)
    packed = {"gzip": gzip.compress(plain, 9), "zstd": subprocess.run(["zstd", "-19", "-q", "-c"], input=plain, check=True, capture_output=True).stdout}
    twice = gzip.compress(packed["gzip"], 9)
    with w.serve() as s, Good(w, s):
        before = s.memory()
        for coding, bomb in packed.items():
            for path, kind in (("/v1/score", "application/json"), ("/v1/score:batch", "application/x-ndjson")):
                for body in (bomb, bomb[: len(bomb) // 2], bomb + b"x"):
                    r = s.post(path, body, headers={"Content-Encoding": coding, "Content-Type": kind})
                    if path == "/v1/score":
                        w.true(r.status in (400, 413), f"{coding} to {path}: {r!r}")
                        r.problem()
                    else:  # one line that is too long, or what is damaged
                        w.true(r.status in (200, 400, 413), f"{coding} to {path}: {r!r}")
        r = s.post("/v1/score", twice, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        w.true(400 <= r.status < 500, repr(r))
        r = s.post("/v1/score", twice, headers={"Content-Encoding": "gzip, gzip", "Content-Type": "application/json"})
        w.equal(r.status, 415)
        w.true(s.memory() - before < 64 << 20, f"memory grew by {(s.memory() - before) >> 20} MiB")


# ---- headers and framing ----


@claim
def bombs_of_headers_are_refused(w):
    with w.serve() as s, Good(w, s):
        line = b"GET /ai/v1/model HTTP/1.1\r\nHost: x\r\n"
        bombs = {
            "one header of 1 MB": line + b"X-a: " + b"a" * (1 << 20) + b"\r\n\r\n",
            "100,000 headers": line + b"".join(b"X-%d: a\r\n" % i for i in range(100_000)) + b"\r\n",
            "a name of 1 MB": line + b"a" * (1 << 20) + b": b\r\n\r\n",
            "a target of 1 MB": b"GET /ai/" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            "a query of 100,000 arguments": b"GET /ai/v1/model?" + b"a=b&" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            "a cookie of 1 MB": line + b"Cookie: " + b"a=b; " * 200_000 + b"\r\n\r\n",
            "a method of 1 MB": b"A" * (1 << 20) + b" / HTTP/1.1\r\n\r\n",
        }
        for what, bomb in bombs.items():
            raw = s.raw(bomb, seconds=10)
            if raw:  # or cut over what was still unread
                refused(w, raw, {400, 413, 414, 431}, what)


@claim
def what_is_no_request_gets_what_the_documentation_says_and_ends_the_connection(w):
    line, host = b"GET /ai/v1/model HTTP/1.1\r\n", b"Host: x\r\n"
    post_line = b"POST /ai/v1/score HTTP/1.1\r\n" + host
    sent = {
        b"GET /ai/v1/model\r\n" + host + b"\r\n": 400,
        line + host + b"none\r\n\r\n": 400,
        line + b"\r\n": 400,
        post_line + b"Content-Length: x\r\n\r\n": 400,
        post_line + b"Content-Length: 99999999999999999999\r\n\r\n": 413,
        post_line + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
        b"GET /ai/" + b"a" * 20_000 + b" HTTP/1.1\r\n" + host + b"\r\n": 414,
        line + host + b"X-a: " + b"b" * 20_000 + b"\r\n\r\n": 431,
        line.replace(b"1.1", b"2.0") + host + b"\r\n": 505,
    }
    with w.serve() as s, Good(w, s):
        for what, status in sent.items():
            raw = s.raw(what + line + host + b"\r\n", seconds=5)  # what follows is not answered
            head = raw.partition(b"\r\n\r\n")[0]
            w.true(head.startswith(b"HTTP/1.1 %d " % status), f"{what[:60]!r}: {raw[:200]!r}")
            w.true(b"Connection: close" in head and b"bundle" not in raw, f"{what[:60]!r}: {raw[:400]!r}")


@claim
def two_readings_of_one_request_are_never_both_right(w):
    """Smuggling: what a proxy might take for one request and we for two, or the other way round."""
    inner = b"GET /ai/v1/model HTTP/1.1\r\nHost: x\r\n\r\n"
    head = "POST /ai/v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    def framed(fields, body):
        return (head + fields + "\r\n").encode() + body

    chunk = b"2\r\n{}\r\n0\r\n\r\n"
    tries = {
        "CL.CL differing": framed("Content-Length: 2\r\nContent-Length: %d\r\n" % (2 + len(inner)), b"{}" + inner),
        "CL.CL in one": framed("Content-Length: 2, 2\r\n", b"{}" + inner),
        "CL.TE": framed("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunk + inner),
        "TE.CL": framed("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunk + inner),
        "TE.TE": framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunk + inner),
        "TE twice": framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunk + inner),
        "TE list": framed("Transfer-Encoding: gzip, chunked\r\n", chunk + inner),
        "TE with a tab": framed("Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n", chunk + inner),
        "TE unknown": framed("Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n", chunk + inner),
        "space before the colon": framed("Content-Length : 2\r\n", b"{}" + inner),
        "folded": framed("X-a: b\r\n Content-Length: 2\r\n", b"{}" + inner),
        "folded length": framed("Content-Length:\r\n 2\r\n", b"{}" + inner),
        "CR in a header": framed("X-a: b\rContent-Length: 90\r\nContent-Length: 2\r\n", b"{}" + inner),
        "a chunk size of 2^64 + 2": framed("Transfer-Encoding: chunked\r\n", b"10000000000000002\r\n{}\r\n0\r\n\r\n" + inner),
        "a negative chunk": framed("Transfer-Encoding: chunked\r\n", b"-2\r\n{}\r\n0\r\n\r\n" + inner),
        "a chunk of 0x2": framed("Transfer-Encoding: chunked\r\n", b"0x2\r\n{}\r\n0\r\n\r\n" + inner),
        "a chunk too short": framed("Transfer-Encoding: chunked\r\n", b"1\r\n{}\r\n0\r\n\r\n" + inner),
    }
    with w.serve() as s, Good(w, s):
        for what, raw in tries.items():
            got = statuses(s.raw(raw, seconds=4, shutdown=True))
            # Refused as a whole, and what was hidden in it is never answered.
            first = got[0] if got else None
            w.true(first is None or 400 <= first < 500, f"{what}: {got}")
            w.true(200 not in got, f"{what}: the hidden request was answered: {got}")


@claim
def a_row_of_requests_is_answered_in_order(w):
    pairs = w.bank.requests()[:8]
    asks, wants = b"", []
    for request, want in pairs:
        body = json.dumps(request).encode()
        asks += post("/v1/score", body, length=len(body)) + b"GET /ai/nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
        wants += [200, 404]
    asks += b"GET /ai/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with w.serve() as s, Good(w, s):
        raw = s.raw(asks)
        w.equal(statuses(raw), [*wants, 200])
        at = 0
        for _, want in pairs:
            at = raw.find(want, at)
            w.true(at >= 0, "an answer is missing or out of order")


@claim
def a_request_that_is_cut_anywhere_leaves_nothing_behind(w):
    request, _ = w.bank.requests()[0]
    body = json.dumps(request).encode()
    whole = post("/v1/score", body, length=len(body))
    chunked = post("/v1/score", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked")
    draw = random.Random(1)
    with w.serve() as s, Good(w, s):
        before = s.files()
        for _ in range(300):
            text = draw.choice((whole, chunked))
            with connect(s) as c:
                c.sendall(text[: draw.randrange(len(text))])
                if draw.random() < 0.5:
                    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset
                elif draw.random() < 0.5:
                    c.shutdown(socket.SHUT_WR)
                    got = statuses(read_all(c))
                    w.true(200 not in got, f"half a request was answered: {got}")
        settled(w, s, before)


# ---- methods, targets, headers of ours ----


@claim
def odd_methods_and_targets_get_a_plain_no(w):
    targets = ["/ai/v1/decisions/%00", "/ai/v1/decisions/%", "/ai/v1/decisions/%zz", "/ai/v1/decisions/%ff%fe", "/ai/../etc/passwd",
               "/ai/v1/../../etc/passwd", "/ai/%2e%2e/%2e%2e/etc/passwd", "/ai/v1/decisions/..%2f..%2f..%2fetc%2fpasswd", "//ai//v1//score",
               "/ai/v1/decisions/" + "a" * 8000, "/ai\\v1\\model", "/ai/v1/model/", "/ai/v1/score%3abatch/x", "http://evil.example/ai/nowhere",
               "*", "/ai/v1/decisions/%c0%ae%c0%ae", "/ai/v1/decisions/a;b=c", "/ai/v1/customers/%ed%a0%80", "/aiv1/model", "/ai/v1/jobs/%0d%0aX-b:%20c"]
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G%45T", "A" * 500]
    with w.serve() as s, Good(w, s):
        for target in targets:
            for method in methods[:4]:
                raw = s.raw(f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode(), seconds=5)
                got = statuses(raw)
                w.true(got and got[0] is not None and 400 <= got[0] < 500 or got == [501], f"{method} {target[:60]}: {got} {raw[:200]!r}")
                w.true(b"root:" not in raw and b"X-b:" not in raw.partition(b"\r\n\r\n")[0], f"{target}: {raw[:300]!r}")
        for method in methods:
            for path in ("/ai/v1/score", "/ai/v1/model", "/ai/healthz", "/ai/nowhere"):
                raw = s.raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode(), seconds=5)
                status = raw.split()[1] if raw else b""
                w.true(raw and status in (b"200", b"204", b"400", b"404", b"405", b"422", b"501"), f"{method} {path}: {raw[:200]!r}")
                w.true(method in ("GET", "HEAD") or status != b"200", f"{method} {path}: {raw[:200]!r}")
        for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "XTTP/1.1", "HTTP/1.1 x", ""):
            s.raw(f"GET /ai/v1/model {version}\r\nHost: x\r\n\r\n".encode(), seconds=3, shutdown=True)
        for junk in (b"\0" * 1000, b"\r\n" * 1000, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 300, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", os.urandom(5000)):
            raw = s.raw(junk, seconds=3, shutdown=True)
            w.true(b" 200 " not in raw[:20], repr(raw[:100]))


@claim
def bad_headers_of_ours_are_refused_or_ignored_and_never_echoed(w):
    request, want = w.bank.requests()[0]
    body = json.dumps(request).encode()
    evil = ["", " ", "a" * 300, "é", "a\tb", "\x7f", "<script>", "' or 1=1 --", "%00", "../../x", ",,,", '"', "a" * 4000]
    with w.serve(store=w.sqlite()) as s, Good(w, s):
        for name in ("Idempotency-Key", "X-Request-Id", "traceparent", "Accept", "Accept-Encoding", "Content-Encoding", "Origin", "Authorization",
                     "X-API-Key", "Expect", "Accept-Language", "Host", "Range", "If-None-Match", "Upgrade", "Connection"):
            for value in evil:
                text = post("/v1/score", body, length=len(body)).replace(b"\r\n\r\n", f"\r\n{name}: {value}\r\nConnection: close\r\n\r\n".encode(), 1)
                raw = s.raw(text, seconds=10)
                got = statuses(raw)
                w.true(got and got[0] is not None and (got[0] == 200 or 400 <= got[0] < 500), f"{name}: {value[:40]!r}: {got} {raw[:200]!r}")
                w.true(b"<script>" not in raw and b"or 1=1" not in raw, f"{name} is echoed: {raw[:300]!r}")


# ---- bodies ----


def deep(n, a=b"[", z=b"]"):
    return a * n + z * n


@claim
def bodies_that_are_no_sound_json_are_refused_with_a_place(w):
    request = w.bank.typical()
    text = json.dumps(request)
    bodies = {
        "depth 100,000": deep(100_000),
        "depth 100,000 of objects": deep(100_000, b'{"a":', b"}"),
        "depth within a field": text.replace('"customer":', '"x":' + deep(400_000 // 4).decode() + ',"customer":').encode(),
        "never closed": b"[" * 900_000,
        "duplicate keys": ('{"as_of":"2020-01-01",' + text[1:]).encode(),
        "duplicate keys within": text.replace('"transactions": [{', '"transactions": [{"amount":1,').encode(),
        "invalid UTF-8": text.encode().replace(b'"customer_id": "', b'"customer_id": "\xff\xfe', 1),
        "overlong UTF-8": text.encode().replace(b'"customer_id": "', b'"customer_id": "\xc0\x80', 1),
        "a lone surrogate": text.replace('"customer_id": "', '"customer_id": "\\ud800', 1).encode(),
        "an escaped NUL": text.replace('"customer_id": "', '"customer_id": "\\u0000', 1).encode(),
        "a raw NUL": text.encode().replace(b'"customer_id": "', b'"customer_id": "\0', 1),
        "NaN": text.replace('"amount": ', '"amount": NaN, "x": ', 1).encode(),
        "1e999": text.replace('"amount": ', '"amount": 1e999, "x": ', 1).encode(),
        "a number of 100,000 digits": text.replace('"amount": ', '"amount": ' + "9" * 100_000 + ', "x": ', 1).encode(),
        "text after the end": (text + "{}").encode(),
        "a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "nothing": b"",
        "a number": b"7",
        "null": b"null",
        "a string of 900 kB": b'"' + b"a" * 900_000 + b'"',
        "an unknown field": ('{"colour":1,' + text[1:]).encode(),
        "a million empty lists": b"[" + b"[]," * 300_000 + b"[]]",
        "keys that collide": ("{" + ",".join(f'"{i}":0' for i in range(60_000)) + "}").encode(),
        "comments": ("/* x */" + text).encode(),
    }
    took = {}
    with w.serve(store=w.sqlite()) as s, Good(w, s):
        for path in ("/v1/score", "/v1/transactions", "/v1/feedback", "/v1/pubsub", "/v1/jobs", "/v2/models/assay/infer", "/v1/predict"):
            for what, body in bodies.items():
                began = time.monotonic()
                r = s.post(path, body, headers={"Content-Type": "application/json"})
                took[f"{what} to {path}"] = time.monotonic() - began
                # A push service is acknowledged where sending again would not help.
                w.true(400 <= r.status < 500 or (path == "/v1/pubsub" and r.status < 300) or (path == "/v1/jobs" and r.status == 501),
                       f"{what} to {path}: {r!r}")
                if r.status >= 400:
                    said = r.problem()
                    w.true(len(said["detail"]) < 600, f"{what} to {path}: a long detail: {r!r}")
                    w.true("/src/" not in said["detail"] and "0x" not in said["detail"], repr(r))
        lines = [b for b in bodies.values() if b and b"\n" not in b and len(b) < 500_000]
        good, want = w.bank.requests()[0]
        r = s.batch([one for bad in lines for one in (bad, good)], timeout=60)
        w.equal(r.status, 200)
        answers = r.body.splitlines()
        w.equal(len(answers), 2 * len(lines), "a bad line spoils no other")
        w.true(all(want in a for a in answers[1::2]), "a good line after a bad one is answered otherwise")
        longest = max(took, key=took.get)
        print(f"        the longest refusal: {longest}, {1e3 * took[longest]:.0f} ms")


@claim
def random_bytes_in_sound_requests_end_nothing(w):
    request = json.dumps(w.bank.typical()).encode()
    draw = random.Random(int(os.environ.get("SEED", "7")))
    counts = {}
    with w.serve() as s, Good(w, s), s.session() as session:
        for _ in range(1500):
            body = bytearray(request)
            for _ in range(draw.choice((1, 1, 2, 5, 50))):
                at = draw.randrange(len(body))
                what = draw.random()
                if what < 0.5:
                    body[at] = draw.randrange(256)
                elif what < 0.7:
                    del body[at : at + draw.randrange(1, 40)]
                elif what < 0.9:
                    body[at:at] = draw.choice((b"{", b"]", b'"', b",", b"\\u", b"null", b"-", b"1e400", b"[[[[", b"\0"))
                else:
                    part = body[draw.randrange(len(body)) :][: draw.randrange(1, 200)]
                    body[at:at] = part
            r = session.post("/v1/score", bytes(body), headers={"Content-Type": "application/json"})
            counts[r.status] = counts.get(r.status, 0) + 1
            w.true(r.status == 200 or 400 <= r.status < 500, f"{r!r} to {bytes(body)!r}")
            if r.status >= 400:
                r.problem()
    print(f"        {counts}")
    w.true(len(counts) > 1, repr(counts))


@claim
def transactions_by_the_line_take_no_memory_and_one_customer_too_many_spoils_nobody(w):
    row = json.loads(json.dumps(w.bank.typical()["transactions"][0]))
    lines = {"Content-Type": "application/x-ndjson"}
    with w.serve(store=w.sqlite()) as s, Good(w, s):
        s.post("/v1/transactions", json.dumps({**row, "user_id": "warm"}), headers=lines)
        before = s.memory()
        pad = " " * 200_000
        body = "".join(json.dumps({**row, "id": f"w{n}", "user_id": f"c{n}"})[:-1] + pad + "}\n" for n in range(300))
        reply = s.post("/v1/transactions", body.encode(), headers=lines, timeout=60)
        w.equal(reply.body.count(b'"added":1'), 300, repr(reply))
        grown = s.memory() - before
        print(f"        {len(body) >> 20} MiB of lines, memory grew by {grown / 1e6:.1f} MB")
        w.true(grown < 24 << 20, f"memory grew by {grown >> 20} MiB")
        # What one customer may have is 100,000; who stands in the same block is kept.
        one = json.dumps({**row, "id": "ID", "user_id": "much"})
        body = "".join(one.replace('"ID"', f'"m{n}"') + "\n" for n in range(100_000))
        body += one.replace('"ID"', '"over"') + "\n" + json.dumps({**row, "id": "other", "user_id": "little"}) + "\n"
        reply = s.post("/v1/transactions", body.encode(), headers=lines, timeout=120)
        told = reply.body.splitlines()
        w.equal((len(told), told[99_999], told[100_001]), (100_002, b'{"received":1,"added":1}', b'{"received":1,"added":1}'), repr(reply))
        w.true(b'"line":100001,"status":413,"code":"too_many"' in told[100_000], told[100_000])


if __name__ == "__main__":
    main()
