"""A challenger in the shadow: it answers behind the champion, which no caller notices."""

import json
import os
import re
import time

from harness import claim, main
from harness.bank import large_forest


def metric(s, name):
    said = re.search(rf"^{name} (\d+)$", s.get("/metrics").body.decode(), re.M)
    return int(said[1]) if said else 0


def until(w, what, holds, seconds=20):
    began = time.monotonic()
    while not holds():
        w.true(time.monotonic() - began < seconds, f"not within {seconds} s: {what}")
        time.sleep(0.05)


def beside(w, challenger, **more):
    path = os.path.join(w.work, "predictions.ndjson")
    config = {"challenger": {"bundle": challenger}, "predictions": {"file": path}, **more}
    return w.serve(config=config), path


def roles(path):
    with open(path) as f:
        return [json.loads(line)["role"] for line in f]


@claim
def every_customer_is_compared_and_no_answer_changes(w):
    service, _ = beside(w, w.bank.forest.bundle)
    pairs = w.bank.requests()[:50]
    with service as s, s.session() as session:
        for request, want in pairs:
            reply = session.post("/v1/score", request)
            w.true(reply.status == 200 and reply.body[1 : 1 + len(want)] == want, f"another answer: {reply!r}")
        until(w, "all are compared", lambda: metric(s, "assay_challenger_compared_total") == len(pairs))
        w.equal(s.batch([request for request, _ in pairs]).status, 200)
        until(w, "lines of a batch are compared too", lambda: metric(s, "assay_challenger_compared_total") == 2 * len(pairs))
        w.equal(metric(s, "assay_challenger_dropped_total"), 0)


@claim
def what_waits_for_the_challenger_is_compared_before_the_service_ends(w):
    slow = large_forest(w.bank, w.assay, os.path.join(w.work, "large"))
    service, path = beside(w, slow)
    pairs = w.bank.requests()[:60]
    with service as s, s.session() as session:
        for request, _ in pairs:
            w.equal(session.post("/v1/score", request).status, 200)
        waiting = len(pairs) - metric(s, "assay_challenger_compared_total") - metric(s, "assay_challenger_dropped_total")
        dropped = metric(s, "assay_challenger_dropped_total")
        print(f"        {waiting} of {len(pairs)} waited when the service was told to stop")
        w.equal(s.stop(), 0)
    got = roles(path)
    w.equal((got.count("champion"), got.count("challenger")), (len(pairs), len(pairs) - dropped))


@claim
def a_batch_does_not_wait_for_a_heavy_challenger_and_every_line_is_counted(w):
    service, path = beside(w, large_forest(w.bank, w.assay, os.path.join(w.work, "large")))
    pairs = (3 * w.bank.requests())[:500]
    with service as s:
        reply = s.batch([request for request, _ in pairs])
        compared, dropped = (metric(s, f"assay_challenger_{what}_total") for what in ("compared", "dropped"))
        print(f"        of {len(pairs)} lines {compared} were compared when the batch was answered, {dropped} found no room")
        lines = reply.body.splitlines()
        w.true(all(line[1 : 1 + len(want)] == want for line, (_, want) in zip(lines, pairs, strict=True)), "another answer")
        w.true(compared + dropped < len(pairs), "the batch waited for the challenger")
        w.true(dropped >= len(pairs) - compared - 129, f"{len(pairs) - compared - dropped} wait, which is more than half of the queue and one in hand")
        w.equal(s.post("/v1/score", pairs[0][0]).status, 200)
        until(w, "all are counted", lambda: metric(s, "assay_challenger_compared_total") == len(pairs) + 1 - dropped)
        w.equal(metric(s, "assay_challenger_dropped_total"), dropped, "one customer found room beside the batch")
    got = roles(path)
    w.equal((got.count("champion"), got.count("challenger")), (len(pairs) + 1, len(pairs) + 1 - dropped))


@claim
def what_finds_no_room_is_answered_and_counted(w):
    service, _ = beside(w, w.bank.forest.bundle, limits={"body": "16M"})
    request, want = w.bank.requests()[0]
    with service as s:
        large = json.dumps(request)[:-1] + " " * (9 << 20) + "}"
        reply = s.post("/v1/score", large)
        w.true(reply.status == 200 and reply.body[1 : 1 + len(want)] == want, f"another answer: {reply!r}")
        until(w, "it is counted", lambda: metric(s, "assay_challenger_dropped_total") == 1)
        w.equal(s.post("/v1/score", request).status, 200)
        until(w, "the next one is compared", lambda: metric(s, "assay_challenger_compared_total") == 1)
        w.equal(metric(s, "assay_challenger_dropped_total"), 1)


@claim
def a_bundle_that_is_replaced_is_compared_to_its_end(w):
    service, _ = beside(w, w.bank.forest.bundle)
    pairs = w.bank.requests()
    with service as s, s.session() as session:
        for n in range(200):
            w.equal(session.post("/v1/score", pairs[n % len(pairs)][0]).status, 200)
            if n % 20 == 0:
                s.signal(1)
        until(w, "all are compared", lambda: metric(s, "assay_challenger_compared_total") + metric(s, "assay_challenger_dropped_total") == 200)


if __name__ == "__main__":
    main()
