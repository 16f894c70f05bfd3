"""A decision through HTTP is, byte for byte, the one that a batch run writes."""

import gzip
import json
import os
import random
import threading

import harness
from harness import claim, main

# REAL=FOLDER: a run folder of one's own, instead of the made-up one (by hand; nothing of it is printed).
REAL = os.environ.get("REAL")


def runs(w):
    return [harness.bank.Run(REAL)] if REAL else [w.bank, w.bank.forest]


def same(w, reply, want, at):
    w.equal(reply.status, 200, f"customer {at}: {reply.body[:300]!r}")
    got = reply.body[1 : 1 + len(want)]
    if got != want:
        n = next((i for i in range(min(len(got), len(want))) if got[i] != want[i]), min(len(got), len(want)))
        raise AssertionError(f"customer {at} from byte {n}: {got[n - 60 : n + 60]!r} is not {want[n - 60 : n + 60]!r}")
    w.equal(reply.body[1 + len(want) : 2 + len(want)], b",", f"customer {at}: what follows the decision")


@claim
def every_customer_scored_is_answered_with_the_bytes_of_the_run(w):
    for run in runs(w):
        with w.serve(bundle=run.bundle) as s, s.session() as session:
            for at, (request, want) in enumerate(run.requests()):
                same(w, session.post("/v1/score", request), want, at)


@claim
def numbers_and_truths_as_json_has_them_change_no_byte(w):
    for run in runs(w):
        with w.serve(bundle=run.bundle, base_path="") as s, s.session() as session:
            for at, (request, want) in enumerate(run.requests(typed=True)):
                same(w, session.post("/v1/score", request), want, at)


@claim
def the_order_of_transactions_and_fields_changes_no_byte(w):
    draw = random.Random(1)
    run = runs(w)[-1]
    with w.serve(bundle=run.bundle) as s, s.session() as session:
        for at, (request, want) in enumerate(run.requests()):
            draw.shuffle(request["transactions"])
            mixed = []
            for row in request["transactions"]:
                names = list(row)
                draw.shuffle(names)
                mixed.append({n: row[n] for n in names})
            request["transactions"] = mixed
            same(w, session.post("/v1/score", request), want, at)


@claim
def a_batch_has_the_bytes_of_the_run_in_the_order_of_its_lines(w):
    for run in runs(w):
        with w.serve(bundle=run.bundle) as s:
            pairs = run.requests()
            reply = s.batch([request for request, _ in pairs])
            w.equal(reply.status, 200)
            lines = reply.body.splitlines()
            w.equal(len(lines), len(pairs), "lines")
            for at, (line, (_, want)) in enumerate(zip(lines, pairs)):
                w.true(want in line, f"line {at + 1} is another decision: {line[:300]!r}")
                json.loads(line)


@claim
def a_compressed_body_changes_no_byte(w):
    run = runs(w)[0]
    pairs = run.requests()
    forms = {"gzip": gzip.compress}
    try:
        import zstandard

        forms["zstd"] = zstandard.ZstdCompressor().compress
    except ImportError:
        raise AssertionError("zstandard is missing from .venv; run script/bootstrap --oracle") from None
    with w.serve(bundle=run.bundle) as s, s.session() as session:
        for name, pack in forms.items():
            sent = {"Content-Type": "application/json", "Content-Encoding": name}
            for at, (request, want) in enumerate(pairs[:40]):
                body = pack(json.dumps(request).encode())
                same(w, session.post("/v1/score", body, headers=sent), want, at)
            for at, (request, want) in enumerate(pairs[:40]):
                reply = session.post("/v1/score", request, headers={"Accept-Encoding": name})
                w.equal(reply.headers.get("Content-Encoding"), name)
                unpack = gzip.decompress if name == "gzip" else zstandard.ZstdDecompressor().decompressobj().decompress
                reply.body = unpack(reply.body)
                same(w, reply, want, at)


@claim
def many_callers_at_once_get_the_bytes_of_the_run(w):
    run = runs(w)[-1]
    pairs = run.requests()
    wrong = []
    with w.serve(bundle=run.bundle) as s:

        def ask(first):
            draw = random.Random(first)
            try:
                with s.session() as session:
                    for _ in range(40):
                        at = draw.randrange(len(pairs))
                        same(w, session.post("/v1/score", pairs[at][0]), pairs[at][1], at)
            except Exception as e:  # noqa: BLE001
                wrong.append(e)

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    w.true(not wrong, f"{len(wrong)} of 16 callers, the first: {wrong[:1]}")


@claim
def histories_in_the_store_give_the_bytes_of_the_run(w):
    draw = random.Random(2)
    run = runs(w)[0]
    with w.serve(store=w.sqlite(), bundle=run.bundle) as s, s.session() as session:
        kept = 0
        for at, (request, want) in enumerate(run.requests()):
            if len(request["customer"]) != 1:
                continue  # a store holds one record of a customer
            versions = {(r["id"], r["state"]): r for r in request["transactions"]}
            if any(versions[r["id"], r["state"]] != r for r in request["transactions"]):
                continue  # and one version of a transaction in a state: that is how it is idempotent
            who = request.pop("customer_id")
            reply = session.put(f"/v1/customers/{who}", request["customer"][0])
            w.true(reply.status in (200, 201, 204), f"customer {at}: {reply}")
            rows = request["transactions"]
            draw.shuffle(rows)
            half = len(rows) // 2
            for part in (rows[:half], rows[half:], rows[: half // 2]):
                if part:
                    reply = session.post("/v1/transactions", {"transactions": part})
                    w.true(reply.status in (200, 201, 202), f"transactions of customer {at}: {reply}")
            ask = {k: request[k] for k in ("as_of", "facts", "earlier", "options") if k in request}
            if not rows:
                ask["transactions"] = []
            same(w, session.post("/v1/score", {"customer_id": who, **ask}), want, at)
            kept += 1
        w.true(kept > 20, f"only {kept} customers have one record")


@claim
def a_decision_that_was_kept_is_the_one_that_was_answered(w):
    run = runs(w)[0]
    with w.serve(store=w.sqlite(), bundle=run.bundle) as s, s.session() as session:
        for at, (request, want) in enumerate(run.requests()[:50]):
            first = session.post("/v1/score", request)
            same(w, first, want, at)
            again = session.get("/v1/decisions/" + first.json()["decision_id"])
            w.equal(again.body, first.body, f"customer {at}")


@claim
def what_would_change_is_what_the_run_found(w):
    run = runs(w)[0]
    found = 0
    with w.serve(bundle=run.bundle) as s, s.session() as session:
        for line in run.lines:
            line = json.loads(line)
            if "would_change" not in line or found == 6:
                continue
            request = run.request(line)
            request.setdefault("options", {})["counterfactual"] = True
            w.equal(session.post("/v1/score", request).json()["would_change"], line["would_change"])
            found += 1
    w.true(found > 0, "the run has nobody with what would change the outcome")


if __name__ == "__main__":
    main()
