"""TLS that the service ends itself, for where nothing in front of it does."""

import http.client
import os
import ssl
import subprocess
import time
import warnings

from harness import claim, main
from harness.process import free_port


def certificate(w, name, host="localhost"):
    """(certificate, key): PEM files, signed by itself."""
    pem, key = os.path.join(w.work, name + ".pem"), os.path.join(w.work, name + ".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=" + host, "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1", "-keyout", key, "-out", pem],
        check=True, capture_output=True,
    )  # fmt: skip
    return pem, key




def serving(w, pem, key):
    """The service with TLS on its own port; the admin port stays plain, and says when it is ready."""
    admin = free_port()
    config = {"tls": {"certificate": pem, "key": key}, "admin_listen": f"127.0.0.1:{admin}"}
    return w.serve(config=config, certificate=pem), admin


@claim
def a_caller_who_checks_the_certificate_gets_the_same_bytes(w):
    pem, key = certificate(w, "good")
    request, want = w.bank.requests()[0]
    service, admin = serving(w, pem, key)
    with service as s:
        reply = s.post("/v1/score", request)
        w.true(reply.status == 200 and reply.body[1 : 1 + len(want)] == want, f"another answer: {reply!r}")
        plain = http.client.HTTPConnection("127.0.0.1", admin, timeout=5)
        plain.request("GET", "/readyz")
        w.equal(plain.getresponse().status, 200, "the admin port is plain")
        for _ in range(50):  # handshakes leave nothing behind
            s.get("/v1/model")
        before = s.files()
        for _ in range(50):
            s.get("/v1/model")
        w.true(s.files() <= before + 3, f"{s.files()} files open after fifty connections more, {before} before")


@claim
def who_trusts_another_authority_is_not_answered(w):
    pem, key = certificate(w, "good")
    other, _ = certificate(w, "other")
    service, _ = serving(w, pem, key)
    with service as s:
        context = ssl.create_default_context(cafile=other)
        try:
            http.client.HTTPSConnection(s.host, s.port, timeout=5, context=context).request("GET", "/readyz")
            w.true(False, "the handshake went through")
        except ssl.SSLCertVerificationError:
            pass


@claim
def old_protocols_and_plain_text_are_refused_and_end_nothing(w):
    pem, key = certificate(w, "good")
    service, _ = serving(w, pem, key)
    with service as s:
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(pem)
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that they are old is the point
                context.minimum_version = context.maximum_version = version
            try:
                http.client.HTTPSConnection(s.host, s.port, timeout=5, context=context).request("GET", "/readyz")
                w.true(False, f"{version.name} was taken")
            except OSError as e:  # ssl.SSLError is one
                w.true(isinstance(e, (ssl.SSLError, ConnectionError)), repr(e))
        said = s.raw(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", seconds=3)
        w.true(b"200" not in said[:20] and b"ready" not in said, f"plain text was answered: {said[:80]!r}")
        w.equal(s.get("/v1/model").status, 200, "and whoever speaks TLS is answered as before")


@claim
def a_certificate_that_cannot_serve_is_said_before_anything_is_served(w):
    pem, key = certificate(w, "good")
    _, other = certificate(w, "other")
    broken = os.path.join(w.work, "broken.pem")
    with open(broken, "w") as f:
        f.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    for what, a, b in (("missing", os.path.join(w.work, "none.pem"), key), ("broken", broken, key), ("another's key", pem, other)):
        path = os.path.join(w.work, "serve.yaml")
        with open(path, "w") as f:
            f.write(f'tls:\n  certificate: "{a}"\n  key: "{b}"\n')
        for check in ([], ["--check"]):
            ended = subprocess.run(
                [w.program, "serve", "--bundle", w.bank.bundle, "--listen", "127.0.0.1:0", "--config", path, *check],
                capture_output=True, text=True, timeout=20,
            )  # fmt: skip
            w.equal(ended.returncode, 1, f"{what} {check}: {ended.stderr}")
            w.true(a in ended.stderr or b in ended.stderr, f"{what} {check}: {ended.stderr}")


def shown(s):
    """The certificate that a new connection is shown."""
    return ssl.get_server_certificate((s.host, s.port), timeout=5).strip()


def text(path):
    with open(path) as f:
        return f.read().strip()


def put(path, content):
    """As a careful writer does: beside it, then renamed."""
    with open(path + ".new", "w") as f:
        f.write(content)
    os.replace(path + ".new", path)


def until(w, what, holds, seconds=15):
    began = time.monotonic()
    while not holds():
        w.true(time.monotonic() - began < seconds, f"not within {seconds} s: {what}")
        time.sleep(0.2)


def told(s, message):
    return s.said(None).count(message)


@claim
def a_new_certificate_is_taken_without_a_restart_and_old_connections_go_on(w):
    pem, key = certificate(w, "good")
    first = text(pem)
    service, _ = serving(w, pem, key)
    with service as s:
        w.equal(shown(s), first, "the first certificate")
        trusted = ssl.create_default_context(cafile=pem)
        old = http.client.HTTPSConnection(s.host, s.port, timeout=10, context=trusted)
        old.request("GET", "/readyz")
        w.equal(old.getresponse().read()[:9], b'{"status"', "before")
        for name in ("second", "third"):
            fresh, its_key = certificate(w, name)
            put(key, text(its_key) + "\n")  # for a while the two do not belong together
            put(pem, text(fresh) + "\n")
            until(w, f"the {name} certificate is shown", lambda fresh=fresh: shown(s) == text(fresh))
            reply = http.client.HTTPSConnection(s.host, s.port, timeout=10, context=ssl.create_default_context(cafile=fresh))
            reply.request("GET", "/readyz")
            w.equal(reply.getresponse().status, 200, f"with the {name} certificate")
            old.request("GET", "/readyz")
            w.equal(old.getresponse().read()[:9], b'{"status"', f"the connection of before, after the {name}")
        w.equal(told(s, "certificate reloaded"), 2, "said in the log")


@claim
def a_certificate_that_cannot_serve_is_refused_once_and_the_old_one_stays(w):
    pem, key = certificate(w, "good")
    first, its_key = text(pem), text(key)
    other, other_key = certificate(w, "other")
    service, _ = serving(w, pem, key)
    refused = "a new certificate was refused"
    with service as s:
        bad = (
            ("half written", lambda: put(pem, text(other)[:200])),
            ("empty", lambda: put(pem, "")),
            ("of another key", lambda: put(pem, text(other))),
            ("gone", lambda: os.remove(pem)),
            ("with a key that is none", lambda: (put(pem, first), put(key, "nothing"))),
        )
        for n, (what, spoil) in enumerate(bad, 1):
            spoil()
            until(w, f"a certificate that is {what} is refused", lambda n=n: told(s, refused) >= n)
            w.equal(shown(s), first, f"after one that is {what}")
        before = told(s, refused)
        time.sleep(5)  # two looks more
        w.equal(told(s, refused), before, "each content is refused once")
        w.true(its_key.splitlines()[1] not in s.said(None), "the key stands in the log")
        put(key, text(other_key))
        put(pem, text(other))
        until(w, "a good pair is taken after all", lambda: shown(s) == text(other))


if __name__ == "__main__":
    main()
