"""Requests to the service, by the standard library."""

import http.client
import json
import ssl


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]

    def problem(self):
        """The problem of an error; it must be one, and say its own status."""
        kind = self.headers.get("Content-Type", "")
        assert kind == "application/problem+json", f"{self.status} came as {kind or 'nothing'}: {self.body[:300]!r}"
        said = self.json()
        assert said["status"] == self.status, f"the problem says {said['status']}, the reply {self.status}"
        assert said["code"] and said["detail"] and said["title"], said
        return said

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Session:
    """One connection, kept open between requests. Not for several threads."""

    def __init__(self, host, port, base_path="", headers=None, timeout=30, contract=None, certificate=None):
        """certificate: a PEM file; then TLS is spoken, and this is whom it trusts."""
        self.base_path = base_path
        self.headers = dict(headers or {})
        self.contract = contract  # every reply is held to it
        if certificate:
            trusted = ssl.create_default_context(cafile=certificate)
            self.connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=trusted)
        else:
            self.connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, headers=None, root=False):
        """A body that is no bytes becomes JSON. root: the path is not under the base path."""
        sent = dict(self.headers)
        if body is not None and not isinstance(body, (bytes, str)) and not hasattr(body, "__next__"):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if isinstance(body, str):
            body = body.encode()
        sent.update(headers or {})
        self.connection.request(method, ("" if root else self.base_path) + path, body=body, headers=sent)
        got = self.connection.getresponse()
        reply = Reply(got.status, got.headers, got.read())
        if self.contract is not None and not root and "Content-Encoding" not in got.headers:
            self.contract.check(method, path, reply)
        return reply

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def put(self, path, body, **more):
        return self.request("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def batch(self, lines, **more):
        """NDJSON of lines that are bytes or will be JSON."""
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines) + b"\n"
        headers = {"Content-Type": "application/x-ndjson", **more.pop("headers", {})}
        return self.request("POST", "/v1/score:batch", text, headers=headers, **more)
