"""Requests that may be done once only: the same key from many callers at the same moment."""

import threading

from harness import claim, main
from harness.postgres import Postgres


def at_once(s, count, ask):
    """The replies of `count` callers, each on a connection that is open already, let go together."""
    gate, replies = threading.Barrier(count), [None] * count

    def run(i):
        with s.session() as session:
            session.get("/readyz")
            gate.wait(20)
            replies[i] = ask(session, i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    return replies


def one_key_is_done_once(w, store):
    row = w.bank.typical()["transactions"][0]
    with w.serve(store=store) as s:
        s.hold_to_contract()
        busy = replayed = 0
        for turn in range(12):
            body = {"transactions": [dict(row, id=f"e{turn}-{n}", user_id=f"c{turn}") for n in range(40)]}
            key = {"Idempotency-Key": f"turn-{turn}"}
            replies = at_once(s, 8, lambda session, i: session.post("/v1/transactions", body, headers=key))
            for r in replies:
                w.true(r.status in (200, 409), f"turn {turn}: {r!r}")
            done = [r for r in replies if r.status == 200]
            w.true(done, f"turn {turn}: nobody was answered")
            w.equal({r.body for r in done}, {b'{"received":40,"added":40}'}, f"turn {turn}: a second one found them there")
            first = [r for r in done if r.headers.get("Idempotency-Replayed") is None]
            w.equal(len(first), 1, f"turn {turn}: how many did the work")
            for r in replies:
                if r.status == 409:
                    w.equal(r.problem()["code"], "idempotency_busy")
                    w.equal(r.headers["Retry-After"], "1")
                    busy += 1
            replayed += len(done) - 1
            again = s.post("/v1/transactions", body, headers=key)
            w.equal((again.status, again.body, again.headers["Idempotency-Replayed"]), (200, done[0].body, "true"))
            other = s.post("/v1/transactions", {"transactions": body["transactions"][:1]}, headers=key)
            w.equal((other.status, other.problem()["code"]), (422, "idempotency_mismatch"))
        print(f"        of {12 * 7} that came too late {busy} were told to wait and {replayed} got the reply of the first")


@claim
def one_key_from_many_callers_at_once_is_done_once_by_sqlite(w):
    one_key_is_done_once(w, w.sqlite())


@claim
def one_key_from_many_callers_at_once_is_done_once_by_postgresql(w):
    with Postgres(w) as p:
        one_key_is_done_once(w, p.url)


@claim
def the_same_customer_at_once_is_one_decision(w):
    request, want = w.bank.requests()[0]
    with w.serve(store=w.sqlite()) as s:
        replies = at_once(s, 8, lambda session, i: session.post("/v1/score", request))
        w.equal({r.status for r in replies}, {200})
        w.equal(len({r.body for r in replies}), 1, "answers to one request")
        w.true(replies[0].body[1 : 1 + len(want)] == want, "and the answer that the run gives")


if __name__ == "__main__":
    main()
