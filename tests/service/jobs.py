"""Batches in files and in object storage: the same answers, once each, whatever happens on the way."""

import gzip
import json
import os
import random
import signal
import subprocess
import time

from harness import claim, main
from harness.postgres import Postgres
from harness.storage import Storage


def until(w, what, holds, seconds=60):
    began = time.monotonic()
    while True:
        got = holds()
        if got:
            return got
        w.true(time.monotonic() - began < seconds, f"not within {seconds} s: {what}")
        time.sleep(0.05)


def config(w, **jobs):
    folder = os.path.join(w.work, "jobs")
    os.makedirs(folder, exist_ok=True)
    return {"jobs": {"folder": folder, "lease": "2s", **jobs}}


def rows(w, count, seed=1):
    """So many requests, some of which cannot be answered, and the lines that must come of them."""
    pairs = w.bank.requests()
    draw = random.Random(seed)
    lines, want = [], []
    for n in range(count):
        if n % 50 == 17:
            lines.append(b'{"customer_id": "x", "colour": %d}' % n)
            want.append(n + 1)
        else:
            request, decision = pairs[draw.randrange(len(pairs))]
            lines.append(json.dumps(request).encode())
            want.append(decision)
    return lines, want


def check(w, output, want):
    lines = output.splitlines()
    w.equal(len(lines), len(want), "lines of the output")
    for number, (line, wanted) in enumerate(zip(lines, want), 1):
        if isinstance(wanted, int):
            error = json.loads(line)["error"]
            w.equal((error["line"], error["status"]), (wanted, 422), f"line {number}")
        else:
            w.true(line[1 : 1 + len(wanted)] == wanted, f"line {number} is another answer: {line[:200]!r}")


def start(w, s, wanted=202, **job):
    reply = s.post("/v1/jobs", job)
    w.equal(reply.status, wanted, reply.body)
    return reply


def ended(w, s, job, seconds=90):
    return until(w, "the job ends", lambda: (
        lambda j: j if j["state"] in ("done", "failed", "cancelled") else None)(s.get(f"/v1/jobs/{job}").json()), seconds)


def write(w, name, content):
    with open(os.path.join(w.work, "jobs", name), "wb") as f:
        f.write(content)


def read(w, name):
    with open(os.path.join(w.work, "jobs", name), "rb") as f:
        return f.read()


@claim
def a_job_answers_each_line_as_a_batch_does(w):
    lines, want = rows(w, 300)
    text = b"\r\n".join(lines[:150]) + b"\n\n" + b"\n".join(lines[150:])  # the last without a newline
    want = want[:150] + [one + 1 if isinstance(one, int) else one for one in want[150:]]
    with w.serve(w.sqlite(), config=config(w)) as s:
        s.hold_to_contract()
        for name, content in (("in.ndjson", text), ("in.ndjson.gz", gzip.compress(text)),
                              ("in.zst", subprocess.run(["zstd", "-qc"], input=text, stdout=subprocess.PIPE, check=True).stdout)):
            write(w, name, content)
            reply = start(w, s, input=name, output=f"{name}.out")
            job = reply.json()
            w.equal(reply.headers["Location"], f"/ai/v1/jobs/{job['id']}")
            job = ended(w, s, job["id"])
            w.equal((job["state"], job["rows"], job["bad_rows"], job["share"]), ("done", 300, 6, 1), job)
            check(w, read(w, f"{name}.out"), want)
        w.equal(sorted(os.listdir(os.path.join(w.work, "jobs"))),
                sorted(["in.ndjson", "in.ndjson.gz", "in.zst", "in.ndjson.out", "in.ndjson.gz.out", "in.zst.out"]))
        page = s.get("/v1/jobs?limit=2").json()
        w.equal(len(page["jobs"]), 2)
        w.equal([j["input"] for j in s.get(f"/v1/jobs?limit=2&after={page['next']}").json()["jobs"]], ["in.ndjson"])


@claim
def no_path_leads_out_of_the_folder(w):
    with w.serve(w.sqlite(), config=config(w, objects=["gs://bank/jobs/"])) as s:
        s.hold_to_contract()
        secret = os.path.join(w.work, "secret")
        with open(secret, "w") as f:
            f.write("{}\n")
        os.symlink(secret, os.path.join(w.work, "jobs", "link"))
        os.symlink(w.work, os.path.join(w.work, "jobs", "way"))
        for name in ("../secret", "/etc/passwd", "a/../../secret", "", ".hidden", "a//b", "file:///etc/passwd", "a\nb",
                     "gs://bank/other/x", "gs://bank/jobs", "gs://other/jobs/x", "gs://bank/jobs/", "gs://bank/jobsx/y"):
            reply = start(w, s, 422, input=name, output="out")
            w.equal(reply.problem()["pointer"], "/input", name)
            w.equal(start(w, s, 422, input="in", output=name).problem()["pointer"], "/output", name)
        for n, name in enumerate(("link", "way/secret", "nothing")):
            job = ended(w, s, start(w, s, input=name, output=f"out{n}").json()["id"])
            w.equal(job["state"], "failed")
            w.true("cannot read" in job["problem"] and w.work not in job["problem"], job["problem"])
        write(w, "in", b"")
        for name in ("way/out", "nowhere/out", "link"):
            w.equal(ended(w, s, start(w, s, input="in", output=name).json()["id"])["state"], "failed", name)
        w.equal(open(secret).read(), "{}\n")


@claim
def what_a_job_may_not_say_is_refused_by_its_place(w):
    with w.serve(w.sqlite(), config=config(w, waiting_max=2, workers=0)) as s:
        s.hold_to_contract()
        for job, status, pointer in (
            ({"output": "o"}, 422, "/input"), ({"input": "i"}, 422, "/output"), ({"input": "i", "output": "i"}, 422, "/output"),
            ({"input": "i", "output": "o", "colour": 1}, 422, ""),
            ({"input": "i", "output": "o", "options": {"reasons": 1}}, 422, "/options/reasons"),
            ({"input": "i", "output": "o", "options": []}, 422, "/options"), ([], 400, "")):
            reply = s.post("/v1/jobs", job)
            w.equal((reply.status, reply.problem()["pointer"]), (status, pointer), job)
        one = start(w, s, input="i", output="o").json()["id"]
        start(w, s, input="i", output="p")
        reply = start(w, s, 429, input="i", output="q")
        w.true(int(reply.headers["Retry-After"]) > 0, "Retry-After")
        w.equal(s.delete(f"/v1/jobs/{one}").json()["state"], "cancelled")
        start(w, s, input="i", output="q")
        w.equal(s.get("/v1/jobs/none").status, 404)
    with w.serve() as s:
        w.equal(start(w, s, 501, input="i", output="o").problem()["code"], "store_needed")


@claim
def options_hold_for_each_line_that_does_not_say_otherwise(w):
    request = w.bank.typical()
    request.pop("options", None)
    lines = [request, {**request, "options": {"language": "en", "reasons": True}}]
    with w.serve(w.sqlite(), config=config(w)) as s:
        write(w, "in", b"\n".join(json.dumps(one).encode() for one in lines))
        job = start(w, s, input="in", output="out", options={"language": "fr", "reasons": False}).json()
        w.equal(ended(w, s, job["id"])["state"], "done")
        first, second = read(w, "out").splitlines()
        w.equal(first, s.post("/v1/score", {**request, "options": {"language": "fr", "reasons": False}}).body)
        w.equal(second, s.post("/v1/score", lines[1]).body)


@claim
def a_job_killed_again_and_again_loses_and_doubles_nothing(w):
    lines, want = rows(w, 2500, seed=4)
    draw = random.Random(9)
    with w.serve(w.sqlite(), config=config(w, part="32K")) as s:
        for name, content in (("plain", b"\n".join(lines)), ("packed", gzip.compress(b"\n".join(lines), 1))):
            write(w, name, content)
            job = start(w, s, input=name, output=f"{name}.out").json()["id"]
            kills, before = 0, -1
            while kills < 4:
                state = until(w, "it gets on", lambda: (
                    lambda j: j if j["rows"] > before or j["state"] == "done" else None)(s.get(f"/v1/jobs/{job}").json()))
                if state["state"] == "done":
                    break
                before = state["rows"]
                time.sleep(draw.random() * 0.3)
                s.kill()
                s.start()
                kills += 1
            w.true(kills > 1, f"it was done after {kills} kills: too quick to prove anything")
            done = ended(w, s, job)
            w.equal((done["state"], done["rows"], done["bad_rows"]), ("done", 2500, 50), done)
            check(w, read(w, f"{name}.out"), want)
        w.equal(sorted(os.listdir(os.path.join(w.work, "jobs"))), ["packed", "packed.out", "plain", "plain.out"])


@claim
def a_job_that_is_told_to_stop_is_given_back_at_once(w):
    lines, want = rows(w, 3000, seed=5)
    with w.serve(w.sqlite(), config=config(w, lease="600s")) as s:
        write(w, "in", b"\n".join(lines))
        job = start(w, s, input="in", output="out").json()["id"]
        until(w, "it runs", lambda: s.get(f"/v1/jobs/{job}").json()["state"] == "running")
        w.equal(s.stop(), 0)
        s.start()
        done = ended(w, s, job)
        w.equal((done["state"], done["rows"]), ("done", 3000), done)
        check(w, read(w, "out"), want)


@claim
def a_cancelled_job_ends_and_leaves_nothing(w):
    lines, _ = rows(w, 3000, seed=6)
    with w.serve(w.sqlite(), config=config(w)) as s:
        write(w, "in", b"\n".join(lines))
        job = start(w, s, input="in", output="out").json()["id"]
        until(w, "it runs", lambda: s.get(f"/v1/jobs/{job}").json()["state"] == "running")
        w.equal(s.delete(f"/v1/jobs/{job}").status, 202)
        w.equal(ended(w, s, job)["state"], "cancelled")
        until(w, "nothing is left", lambda: os.listdir(os.path.join(w.work, "jobs")) == ["in"])
        w.equal(s.delete(f"/v1/jobs/{job}").json()["state"], "cancelled")


@claim
def what_is_there_already_is_never_written_over(w):
    with w.serve(w.sqlite(), config=config(w)) as s:
        write(w, "in", b"\n")
        write(w, "out", b"mine")
        job = ended(w, s, start(w, s, input="in", output="out").json()["id"])
        w.equal((job["state"], read(w, "out")), ("failed", b"mine"), job)


@claim
def two_processes_share_the_jobs_of_one_store(w):
    lines, want = rows(w, 400, seed=7)
    settings = config(w, workers=2)
    with w.serve(w.sqlite(), config=settings) as s, w.serve(w.sqlite(), config=settings) as other:
        write(w, "in", b"\n".join(lines))
        ids = [start(w, s if n % 2 else other, input="in", output=f"out{n}").json()["id"] for n in range(6)]
        for job in ids:
            w.equal(ended(w, s, job)["state"], "done")
        for n in range(6):
            check(w, read(w, f"out{n}"), want)


@claim
def replicas_on_one_postgresql_take_over_from_one_that_is_killed_or_frozen(w):
    lines, want = rows(w, 1500, seed=12)
    settings = config(w, part="32K")
    with Postgres(w) as p, w.serve(p.url, config=settings) as one, w.serve(p.url, config=settings) as two:
        write(w, "in", b"\n".join(lines))
        jobs = [start(w, one, input="in", output=f"out{n}").json()["id"] for n in range(2)]
        until(w, "both run", lambda: all(one.get(f"/v1/jobs/{j}").json()["rows"] > 0 for j in jobs))
        two.signal(signal.SIGSTOP)  # for longer than its lease: it is taken for dead, and is not
        time.sleep(4)
        two.signal(signal.SIGCONT)
        time.sleep(0.5)
        one.kill()
        for n, job in enumerate(jobs):
            done = ended(w, two, job)
            w.equal((done["state"], done["rows"]), ("done", 1500), done)
            check(w, read(w, f"out{n}"), want)
        w.equal(sorted(os.listdir(os.path.join(w.work, "jobs"))), ["in", "out0", "out1"])


@claim
def object_storage_that_fails_now_and_then_spoils_nothing(w):
    lines, want = rows(w, 2500, seed=8)
    with Storage(trouble=4) as cloud:
        cloud.put("jobs/in.ndjson.gz", gzip.compress(b"\n".join(lines)))
        cloud.put("jobs/in", b"\n".join(lines))
        cloud.put("jobs/nothing", b"")
        with w.serve(w.sqlite(), config=config(w, objects=["gs://bank/jobs/"], part="128K"),
                     environment={"STORAGE_EMULATOR_HOST": cloud.url}) as s:
            for name in ("in", "in.ndjson.gz"):
                job = start(w, s, input=f"gs://bank/jobs/{name}", output=f"gs://bank/jobs/{name}.out é/#?").json()["id"]
                done = ended(w, s, job, 200)
                w.equal((done["state"], done["rows"]), ("done", 2500), done)
                check(w, cloud.objects[f"jobs/{name}.out é/#?"][0], want)
                parts = {n for n in cloud.seen if f".assay-{job}/" in n}
                w.true(len(parts) > 33, f"only {len(parts)} parts: composing in steps was not tried")
                until(w, "no part is left", lambda: not [n for n in cloud.objects if ".assay-" in n])
            job = start(w, s, input="gs://bank/jobs/nothing", output="gs://bank/jobs/empty").json()["id"]
            w.equal(ended(w, s, job)["state"], "done")
            w.equal(cloud.objects["jobs/empty"][0], b"")
            w.true(cloud.faults > 20, f"only {cloud.faults} faults")
            job = start(w, s, input="gs://bank/jobs/in", output="gs://bank/jobs/empty").json()["id"]
            w.equal(ended(w, s, job)["state"], "failed")


@claim
def a_reply_that_is_lost_while_parts_are_put_together_doubles_no_row(w):
    lines, want = rows(w, 2500, seed=21)
    with Storage(forgets_composing=True) as cloud:
        cloud.put("jobs/in", b"\n".join(lines))
        with w.serve(w.sqlite(), config=config(w, objects=["gs://bank/jobs/"], part="128K"),
                     environment={"STORAGE_EMULATOR_HOST": cloud.url}) as s:
            job = start(w, s, input="gs://bank/jobs/in", output="gs://bank/jobs/out").json()["id"]
            done = ended(w, s, job, 200)
            w.equal((done["state"], done["rows"]), ("done", 2500), done)
            w.true(len(cloud.forgot) > 2, f"only {len(cloud.forgot)} replies were lost")
            check(w, cloud.objects["jobs/out"][0], want)
            until(w, "no part is left", lambda: not [n for n in cloud.objects if ".assay-" in n])


@claim
def a_job_in_object_storage_killed_again_and_again_loses_and_doubles_nothing(w):
    lines, want = rows(w, 3000, seed=10)
    with Storage(trouble=7) as cloud:
        cloud.put("jobs/in", b"\n".join(lines))
        with w.serve(w.sqlite(), config=config(w, objects=["gs://bank/jobs"], part="128K"),
                     environment={"STORAGE_EMULATOR_HOST": cloud.url}) as s:
            job = start(w, s, input="gs://bank/jobs/in", output="gs://bank/jobs/out").json()["id"]
            for _ in range(4):
                before = s.get(f"/v1/jobs/{job}").json()["rows"]
                until(w, "it gets on", lambda: s.get(f"/v1/jobs/{job}").json()["rows"] > before)
                s.kill()
                s.start()
            done = ended(w, s, job, 200)
            w.equal((done["state"], done["rows"]), ("done", 3000), done)
            check(w, cloud.objects["jobs/out"][0], want)
            until(w, "no part is left", lambda: not [n for n in cloud.objects if ".assay-" in n])


if __name__ == "__main__":
    main()
