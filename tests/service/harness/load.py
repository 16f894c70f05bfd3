"""Callers that ask all the time, on threads, and count what came of it."""

import collections
import http.client
import threading


class Load:
    """with Load(service, ask, callers=8) as load: ...; ask(session, number) answers a Reply or None.

    outcomes counts statuses; a connection that is refused counts as "refused", one that ends before a reply has begun as
    "closed" and one that ends within a reply as "cut"; what ask raises otherwise is in `wrong`.
    """

    def __init__(self, service, ask, callers=8, fresh=False):
        self.service, self.ask, self.fresh = service, ask, fresh
        self.outcomes = collections.Counter()
        self.wrong = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(callers)]

    def run(self, number):
        session = self.service.session()
        while not self.over.is_set():
            try:
                reply = self.ask(session, number)
                outcome = None if reply is None else reply.status
            except ConnectionRefusedError:
                outcome = "refused"
                self.over.wait(0.01)
            except http.client.IncompleteRead:
                outcome = "cut"
            except (http.client.HTTPException, OSError):
                outcome = "closed"
            except Exception as e:  # noqa: BLE001
                with self.lock:
                    self.wrong.append(e)
                return
            with self.lock:
                self.outcomes[outcome] += 1
            if self.fresh or outcome in ("refused", "closed", "cut"):
                session.close()
        session.close()

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(60)
        assert not any(t.is_alive() for t in self.threads), "a caller still waits for its reply after 60 s"

    def __exit__(self, *ignored):
        self.stop()
