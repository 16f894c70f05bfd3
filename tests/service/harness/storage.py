"""A stand-in for Cloud Storage's JSON API, as far as the service uses it, that fails on purpose.

With `trouble` every so many requests go wrong in one of the ways of the real thing: 503 or 429, a connection cut before
or after the work was done, half of a chunk taken. What was written is in `objects`.
"""

import base64
import hashlib
import http.server
import json
import re
import threading
import urllib.parse


class Storage:
    def __init__(self, bucket="bank", trouble=0, forgets_composing=False):
        self.bucket, self.trouble, self.forgets_composing = bucket, trouble, forgets_composing
        self.forgot = set()  # addresses whose first reply was lost though the work was done
        self.objects = {}  # name: (bytes, generation, metadata)
        self.sessions = {}  # id: [name, md5, bytearray]
        self.requests = self.faults = self.generation = 0
        self.seen = []  # names that object was ever there under, in order
        self.lock = threading.RLock()
        handler = type("Handler", (Handler,), {"storage": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()

    def put(self, name, content, metadata=None):
        with self.lock:
            self.generation += 1
            self.objects[name] = (bytes(content), self.generation, metadata or {})
            self.seen.append(name)

    def about(self, name):
        content, generation, metadata = self.objects[name]
        return {"name": name, "size": str(len(content)), "generation": str(generation), "metadata": metadata}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage = None

    def log_message(self, *ignored):
        pass

    def reply(self, status, body=b"", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fault(self):
        """Whether this request goes wrong, and how."""
        s = self.storage
        with s.lock:
            s.requests += 1
            if s.trouble == 0 or s.requests % s.trouble:
                return None
            s.faults += 1
            return ("refuse", "cut", "half", "limit", "late")[s.faults % 5]

    def answer(self):
        s, how = self.storage, self.fault()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if how in ("refuse", "limit"):
            return self.reply(503 if how == "refuse" else 429, b"busy", Retry_After="0")
        if how == "cut":
            self.close_connection = True
            return None
        with s.lock:
            reply = self.work(body, how)
            if s.forgets_composing and "/compose" in self.path and self.path not in s.forgot:
                s.forgot.add(self.path)
                how = "late"
        if how == "late":  # done, and nobody hears of it
            self.close_connection = True
            return None
        return self.reply(*reply[:2], **(reply[2] if len(reply) > 2 else {}))

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def work(self, body, how):
        s = self.storage
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        upload = re.fullmatch(r"/upload/storage/v1/b/([^/]+)/o", url.path)
        if upload and "upload_id" in query:
            return self.chunk(query["upload_id"], body, how)
        if upload:
            said = json.loads(body or b"{}")
            number = str(len(s.sessions) + 1)
            s.sessions[number] = [query["name"], said.get("md5Hash"), bytearray()]
            return 200, b"", {"Location": f"{s.url}{url.path}?uploadType=resumable&upload_id={number}"}
        path = re.fullmatch(r"/storage/v1/b/([^/]+)/o(?:/([^/]+))?(/compose)?", url.path)
        if not path or urllib.parse.unquote(path[1]) != s.bucket:
            return 404, {"error": {"code": 404}}
        name = urllib.parse.unquote(path[2]) if path[2] else None
        if name is None:
            found = sorted(n for n in s.objects if n.startswith(query.get("prefix", "")))
            return 200, {"items": [s.about(n) for n in found[: int(query.get("maxResults", 1000))]]}
        if path[3]:
            return self.compose(name, query, json.loads(body))
        if name not in s.objects:
            return 404, {"error": {"code": 404}}
        if self.command == "DELETE":
            del s.objects[name]
            return 204, b""
        if query.get("alt") == "media":
            return self.media(name, query)
        return 200, s.about(name)

    def media(self, name, query):
        content, generation, _ = self.storage.objects[name]
        if query.get("generation") not in (None, str(generation)):
            return 404, b""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            return 200, content
        first, last = int(wanted[1]), int(wanted[2])
        return 206, content[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(content)}"}

    def chunk(self, number, body, how):
        name, md5, held = self.storage.sessions[number]
        said = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", self.headers["Content-Range"])
        total = int(said[3])
        if said[1] is not None:
            first = int(said[1])
            assert first <= len(held), f"a chunk from {first} where {len(held)} bytes are held"
            assert int(said[2]) - first + 1 == len(body)
            last = int(said[2]) + 1 == total
            assert last or len(body) % (256 << 10) == 0, "a chunk that is no multiple of 256 KiB"
            body = body[len(held) - first :]  # what is held already is ignored, as the real one does
            held += body[: (len(body) // 2) >> 18 << 18] if how == "half" else body
        if len(held) == total:
            sum_of = base64.b64encode(hashlib.md5(held).digest()).decode()
            if md5 is not None and md5 != sum_of:
                return 400, b"another md5"
            self.storage.put(name, held)
            return 200, self.storage.about(name)
        return 308, b"", {"Range": f"bytes=0-{len(held) - 1}"} if held else {}

    def compose(self, name, query, said):
        s = self.storage
        if query.get("ifGenerationMatch") == "0" and name in s.objects:
            return 412, b""
        sources = [one["name"] for one in said["sourceObjects"]]
        assert 1 <= len(sources) <= 32, f"{len(sources)} objects to compose"
        if any(one not in s.objects for one in sources):
            return 404, b""
        s.put(name, b"".join(s.objects[one][0] for one in sources), said.get("destination", {}).get("metadata"))
        return 200, s.about(name)
