"""What every test of the running service shares.

A file tests/service/NAME.py is a program: claims, each a function that is handed the World, and main().

    from harness import claim, main

    @claim
    def an_unknown_field_is_refused_by_name(w):
        with w.serve() as s:
            r = s.post("/v1/score", {"colour": 1})
            w.equal(r.status, 422)
            w.equal(r.problem()["pointer"], "/colour")

    if __name__ == "__main__":
        main()

A claim that returns holds; one that raises does not. `@claim(long=True)` is for those that take minutes: they run
with --long alone. Leaving `with w.serve()` sends SIGTERM, waits, and is a failure when the service does not end with 0, or
when a sanitizer has said something. `python tests/service/NAME.py` runs one file with build/release (BUILD=...);
`BANK=FOLDER` takes a bank and run that are there already (harness/bank.py makes them).
"""

from harness.bank import Bank
from harness.claims import World, claim, main
from harness.http import Reply, Session
from harness.process import Service

__all__ = ["Bank", "Reply", "Service", "Session", "World", "claim", "main"]
