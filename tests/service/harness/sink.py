"""Who takes events, and who pushes them: an HTTP sink that fails as it is told, and a push subscription."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time


class Sink:
    """what: called with the number of the post (from 1); answers a status, or "hang", or "cut"."""

    def __init__(self, what=lambda n: 200, port=0):
        self.what, self.posts, self.taken = what, [], []
        self.lock = threading.Lock()
        handler = type("Handler", (Handler,), {"sink": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def ids(self):
        with self.lock:
            return [json.loads(body)["id"] for _, body in self.taken]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sink = None

    def log_message(self, *ignored):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        s = self.sink
        with s.lock:
            s.posts.append((dict(self.headers), body))
            what = s.what(len(s.posts))
            if what == 200:
                s.taken.append((dict(self.headers), body))
        if what == "hang":
            time.sleep(30)
        if what in ("hang", "cut"):
            self.close_connection = True
            return
        self.send_response(what)
        self.send_header("Content-Length", "0")
        self.end_headers()


def signature(secret, headers, body):
    """As Standard Webhooks has it."""
    text = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()


class Subscription:
    """Pushes messages as Pub/Sub does: again and again until 2xx, counting deliveries where there is a dead-letter topic."""

    def __init__(self, session, dead_letter_after=None, name="projects/p/subscriptions/s"):
        self.session, self.most, self.name = session, dead_letter_after, name
        self.number, self.dead = 0, []

    def envelope(self, data, attributes=None, attempt=None, id=None):
        self.number += 1
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        message = {"data": base64.b64encode(data).decode(), "messageId": id or str(1000 + self.number),
                   "publishTime": "2024-08-26T09:00:00Z"}
        message["message_id"] = message["messageId"]
        if attributes:
            message["attributes"] = attributes
        out = {"message": message, "subscription": self.name}
        if attempt is not None:
            out["deliveryAttempt"] = attempt
        return out

    def push(self, data, attributes=None, id=None, tries=8):
        """The last reply; None: it went to the dead-letter topic."""
        id = id or f"m{self.number + 1}"
        for attempt in range(1, tries + 1):
            counted = attempt if self.most else None
            reply = self.session.post("/v1/pubsub", self.envelope(data, attributes, counted, id))
            if 200 <= reply.status < 300:
                return reply
            if self.most and attempt >= self.most:
                self.dead.append(id)
                return None
            time.sleep(0.05)
        raise AssertionError(f"never acknowledged: {reply!r}")
