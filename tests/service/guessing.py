"""Those who guess keys: an address that fails too often is not looked at for a while, and nobody else suffers for it."""

import os
import subprocess

from harness import claim, main


def key(w, name="good"):
    """A key that opens scoring, and the file that knows it."""
    path = os.path.join(w.work, "keys")
    made = subprocess.run(
        [w.program, "key", "new", "--name", name, "--scopes", "score,model", "--add-to", path], check=True, capture_output=True, text=True
    )
    return made.stdout.strip(), path


def asked(s, key, forwarded=None):
    """(status, code of the problem, Retry-After)."""
    headers = {"X-API-Key": key}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    reply = s.get("/v1/model", headers=headers)
    code = reply.problem()["code"] if reply.status >= 400 else None
    return reply.status, code, int(reply.headers.get("Retry-After", 0))


@claim
def who_guesses_keys_is_stopped_by_his_address_and_nobody_else_is(w):
    good, path = key(w)
    auth = {"kind": "keys", "keys": path, "failures_per_minute": 2, "forwarded": 1}
    with w.serve(config={"auth": auth}) as s, s.session() as session:
        s.hold_to_contract()

        def tries(key, address):
            return asked(s, key, address)[0]

        for n in range(2):
            w.equal(tries("assay_guess", f"10.0.0.{n}, 192.0.2.1"), 401, "what a caller says of himself does not count")
        status, code, seconds = asked(s, "assay_guess", "192.0.2.1")
        w.equal((status, code), (429, "too_many_failures"))
        w.within(seconds, 1, 30, "Retry-After")
        w.equal(tries(good, "192.0.2.1"), 429, "nothing of that address is looked at")
        w.equal(tries(good, "192.0.2.2"), 200, "another address")
        w.equal(tries(good, None), 200, "and who comes by no proxy")
        # Whoever has one address of a /64 has them all.
        for n in range(2):
            w.equal(tries("assay_guess", f"2001:db8:1:2::{n}"), 401)
        w.equal(tries("assay_guess", "2001:db8:1:2:9999::1"), 429)
        w.equal(tries("assay_guess", "[2001:db8:1:2::abcd]:443"), 429)
        w.equal(tries(good, "2001:db8:1:3::1"), 200, "the next network")
        # Ten thousand fresh addresses push nobody out of the table.
        for n in range(10000):
            session.get("/v1/model", headers={"X-API-Key": "assay_guess", "X-Forwarded-For": f"10.{n >> 8}.{n & 255}.1"})
        w.equal(tries(good, "2001:db8:1:2::1"), 429, "after ten thousand others")


@claim
def a_forwarded_address_is_believed_only_where_it_is_said_so(w):
    good, path = key(w)
    for limit, statuses in ((3, [401, 401, 401, 429, 429]), (0, [401] * 5)):
        auth = {"kind": "keys", "keys": path, "failures_per_minute": limit}
        with w.serve(config={"auth": auth}) as s:
            got = [asked(s, "assay_guess", f"192.0.2.{n}")[0] for n in range(5)]
            w.equal(got, statuses, f"failures_per_minute: {limit}")
            w.equal(asked(s, good)[0], 429 if limit else 200, "the same address with a good key")


if __name__ == "__main__":
    main()
