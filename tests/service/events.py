"""Events out: decisions as CloudEvents, at least once. Events in: what Pub/Sub pushes, once."""

import base64
import json
import os
import sqlite3
import time

from harness import claim, main
from harness.sink import Sink, Subscription, signature

KEY = b"0123456789abcdef0123456789abcdef"


def until(w, what, holds, seconds=30):
    began = time.monotonic()
    while True:
        got = holds()
        if got:
            return got
        w.true(time.monotonic() - began < seconds, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def metric(s, name, label=""):
    text = s.get("/metrics").body.decode()
    return sum(float(l.rsplit(" ", 1)[1]) for l in text.splitlines() if l.startswith(name) and label in l)


def secret(w, text="whsec_" + base64.b64encode(KEY).decode()):
    path = os.path.join(w.work, "secret")
    with open(path, "w") as f:
        f.write(text + "\n")
    return path


def ask(w, s, count, start=0):
    out = {}
    for request, _ in w.bank.requests()[start : start + count]:
        reply = s.post("/v1/score", request)
        w.equal(reply.status, 200)
        out[reply.json()["decision_id"]] = reply.json()
    return out


# ---- out ----


@claim
def a_decision_is_published_as_a_signed_cloud_event(w):
    with Sink() as sink, w.serve(config={"sink": {"url": sink.url, "secret": secret(w)}}) as s:
        answers = ask(w, s, 5)
        until(w, "all are sent", lambda: len(sink.ids()) == 5)
        for headers, body in sink.taken:
            event = json.loads(body)
            answer = answers[event["id"]]
            w.equal(headers["Content-Type"], "application/cloudevents+json; charset=utf-8")
            w.equal((event["specversion"], event["type"], event["source"], event["datacontenttype"]),
                    ("1.0", "com.deblock.assay.decision.v1", "/assay", "application/json"))
            w.true(event["subject"] != answer["customer_id"] and len(event["subject"]) == 16, event["subject"])
            w.true(abs(time.time() - time.mktime(time.strptime(event["time"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone)
                   < 60, event["time"])
            contributions = answer.pop("contributions")
            w.true(len(contributions) > 0, "an answer has contributions")
            w.equal(event["data"], answer)
            w.equal(headers["webhook-signature"], signature(KEY, headers, body))
            w.equal(headers["webhook-id"], event["id"])
            w.true(abs(time.time() - int(headers["webhook-timestamp"])) < 60, "the time of the signature")


@claim
def settings_say_what_an_event_holds(w):
    with Sink() as sink:
        more = {"url": sink.url, "type": "t", "source": "urn:s", "plain_ids": True, "whole": True, "secret": secret(w, "s" * 20)}
        with w.serve(config={"sink": more}) as s:
            (answer,) = ask(w, s, 1).values()
            until(w, "it is sent", lambda: sink.taken)
            headers, body = sink.taken[0]
            event = json.loads(body)
            w.equal((event["type"], event["source"], event["subject"], event["data"]), ("t", "urn:s", answer["customer_id"], answer))
            w.equal(headers["webhook-signature"], signature(b"s" * 20, headers, body))


@claim
def a_sink_that_fails_loses_nothing(w):
    faults = [500, 200, "cut", 429, 200, 404, 503]
    with Sink(lambda n: faults[n % 7] if n < 18 else 200) as sink:
        for store in ("none", w.sqlite()):
            sink.posts.clear(), sink.taken.clear()
            with w.serve(store, config={"sink": {"url": sink.url, "timeout": "2s"}}) as s:
                answers = ask(w, s, 12)
                until(w, f"all are sent ({store})", lambda: set(sink.ids()) == set(answers), 60)
                w.equal(len(sink.ids()), 12, "a sink that said 200 was asked again")


@claim
def a_dead_sink_slows_no_answer(w):
    request = w.bank.typical()
    def many(s):
        took = []
        for _ in range(100):
            began = time.monotonic()
            w.equal(s.post("/v1/score", request).status, 200)
            took.append(time.monotonic() - began)
        return sorted(took)[50]
    with w.serve() as s:
        alone = many(s)
    with Sink(lambda n: "hang") as sink:
        with w.serve(config={"sink": {"url": sink.url, "waiting_max": 50, "timeout": "1s"}}) as s:
            dead = many(s)
            w.true(metric(s, "assay_events", 'dropped') >= 40, "what did not fit is counted")
        w.true(dead < 2 * alone + 0.002, f"{dead * 1000:.1f} ms with a dead sink, {alone * 1000:.1f} ms without one")


@claim
def what_was_answered_is_published_though_the_service_is_killed(w):
    with Sink(lambda n: 503) as sink:
        port = sink.port
        with w.serve(w.sqlite(), config={"sink": {"url": sink.url, "timeout": "1s"}}) as s:
            answers = ask(w, s, 10)
            s.kill()
            sink.close()
            with Sink(port=port) as back:
                s.start()
                until(w, "all are sent", lambda: set(back.ids()) == set(answers), 150)


# ---- in ----


def parts(w):
    request = w.bank.typical()
    rows = request["transactions"]
    return request["customer_id"], request["customer"], rows


def count(w, sql):
    with sqlite3.connect(os.path.join(w.work, "store.db")) as d:
        return d.execute(sql).fetchone()[0]


@claim
def what_is_pushed_is_kept_and_scored_as_of_the_latest_event(w):
    customer, row, transactions = parts(w)
    with Sink() as sink, w.serve(w.sqlite(), config={"sink": {"url": sink.url}}) as s:
        s.hold_to_contract()
        push = Subscription(s)
        w.equal(push.push({"customer_id": customer, "customer": row}).json()["outcome"], "kept")  # no event yet
        w.equal(push.push(row, {"type": "customer"}).json()["outcome"], "kept")
        w.equal(push.push({"customer": row, "as_of": "2024-08-01"}).json()["outcome"], "scored")
        w.equal(push.push(transactions[0]).json()["outcome"], "scored")
        w.equal(push.push(transactions[1:3]).json()["outcome"], "scored")
        last = push.push({"transactions": transactions[3:]}, {"type": "transactions"}).json()
        want = s.post("/v1/score", {"customer_id": customer})
        w.equal(s.get(f"/v1/decisions/{last['decision_ids'][0]}").body, want.body)
        until(w, "it is published", lambda: last["decision_ids"][0] in sink.ids())


@claim
def a_message_delivered_twice_changes_nothing(w):
    customer, row, transactions = parts(w)
    with w.serve(w.sqlite()) as s:
        push = Subscription(s)
        w.equal(push.push(transactions[:5], id="7").json()["outcome"], "scored")
        before = count(w, "SELECT count(*) FROM assay_transactions"), count(w, "SELECT count(*) FROM assay_decisions")
        w.equal(push.push(transactions[:5], id="7").json()["outcome"], "seen_before")
        w.equal(push.push(transactions[:5], id="8").json()["outcome"], "scored")  # published twice
        w.equal((count(w, "SELECT count(*) FROM assay_transactions"), count(w, "SELECT count(*) FROM assay_decisions")), before)


@claim
def a_payload_without_its_envelope_is_the_same(w):
    customer, row, transactions = parts(w)
    with w.serve(w.sqlite()) as s:
        headers = {"x-goog-pubsub-subscription-name": "projects/p/subscriptions/s", "x-goog-pubsub-message-id": "1",
                   "Content-Type": "text/plain; charset=utf-8"}  # the emulator sends no JSON's type
        w.equal(s.post("/v1/pubsub", transactions[:3], headers=headers).json()["outcome"], "scored")
        w.equal(s.post("/v1/pubsub", transactions[:3], headers=headers).json()["outcome"], "seen_before")
        w.equal(s.post("/v1/pubsub", transactions[3:5]).json()["outcome"], "scored")
        w.equal(s.post("/v1/pubsub", transactions[3:5]).json()["outcome"], "seen_before")
        w.equal(s.post("/v1/pubsub", b"no", headers={"Content-Type": "application/json"}).json()["outcome"], "dead_letter")


@claim
def a_message_whose_id_no_store_takes_is_kept_out(w):
    customer, row, transactions = parts(w)
    with w.serve(w.sqlite()) as s:
        # A header may hold any bytes: one that is no text says nothing, and the body names the message.
        headers = {"x-goog-pubsub-message-id": "\xff\xfe", "Content-Type": "application/json"}
        w.equal(s.post("/v1/pubsub", transactions[:3], headers=headers).json()["outcome"], "scored")
        w.equal(s.post("/v1/pubsub", transactions[:3], headers=headers).json()["outcome"], "seen_before")
        problem = s.post("/v1/pubsub", Subscription(s).envelope(transactions[3:5], id="a\0b")).json()["problem"]
        w.equal(problem["pointer"], "/message/messageId")


def peak(s):
    """KiB that were resident at once, at most."""
    with open(f"/proc/{s.process.pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1])


@claim
def a_message_that_names_many_customers_takes_the_memory_of_one(w):
    customer, row, transactions = parts(w)
    many = [dict(t, id=f"{t['id']}-{n}", user_id=f"many-{n}") for n in range(400) for t in transactions[:3]]
    with w.serve(w.sqlite(), config={"threads": 1}) as s:
        w.equal(len(s.post("/v1/pubsub", Subscription(s).envelope(many[:3])).json()["decision_ids"]), 1)
        before = peak(s)
        reply = s.post("/v1/pubsub", Subscription(s, name="many").envelope(many)).json()
        w.equal(len(set(reply["decision_ids"])), 400, reply)
        w.true(peak(s) - before < 24 << 10, f"{before} KiB became {peak(s)}")


@claim
def poison_is_left_to_the_dead_letter_topic_or_kept_for_a_person(w):
    customer, row, transactions = parts(w)
    poison = [b"{", b"\xff\xfe", b"", [], {"colour": 1}, dict(transactions[0], colour=1), {"customer": {}}, 7,
              {"transactions": [{}]}, [dict(transactions[0], created_at="yesterday")]]
    with w.serve(w.sqlite(), config={"pubsub": {"letters_max": 6}}) as s:
        s.hold_to_contract()
        counted, plain = Subscription(s, dead_letter_after=5), Subscription(s, name="plain")
        for n, data in enumerate(poison):
            w.equal(counted.push(data, id=f"c{n}"), None, data)
            reply = plain.push(data, id=f"p{n}").json()
            w.equal(reply["outcome"], "dead_letter", data)
            w.true(reply["problem"]["code"], reply)
        w.equal(len(counted.dead), len(poison))
        w.equal(count(w, "SELECT count(*) FROM assay_dead_letters"), 6)
        # as it was meant, so that an erasure finds whom it names
        w.equal(count(w, "SELECT count(*) FROM assay_dead_letters WHERE message LIKE '%\"yesterday\"%'"), 1)
        w.equal(count(w, "SELECT count(*) FROM assay_transactions"), 0)
        w.equal(plain.push(b"{}", {"type": "invoice"}).json()["problem"]["pointer"], "/message/attributes/type")
    with w.serve() as s:
        w.equal(s.post("/v1/pubsub", Subscription(s).envelope(transactions)).problem()["code"], "store_needed")


if __name__ == "__main__":
    main()
