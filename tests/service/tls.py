"""TLS that the service ends itself, for where nothing in front of it does."""

import http.client
import os
import ssl
import subprocess
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


if __name__ == "__main__":
    main()
