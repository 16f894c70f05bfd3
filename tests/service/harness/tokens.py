"""Keys, a JWKS file and signed tokens, by the openssl program."""

import base64
import json
import os
import subprocess


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An RSA key in a folder, and tokens signed with it (RS256)."""

    def __init__(self, folder, name="one"):
        self.name = name
        self.key = os.path.join(folder, name + ".pem")
        self.openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.key)

    @staticmethod
    def openssl(*words, given=None):
        return subprocess.run(["openssl", *words], input=given, check=True, capture_output=True).stdout

    def jwk(self):
        said = self.openssl("rsa", "-in", self.key, "-noout", "-modulus").decode()
        modulus = bytes.fromhex(said.strip().split("=")[1])
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": text(modulus), "e": "AQAB"}

    def jwks(self, *others):
        return json.dumps({"keys": [i.jwk() for i in (self, *others)]})

    def token(self, **claims):
        head = {"alg": "RS256", "typ": "JWT", "kid": self.name}
        signed = ".".join(text(json.dumps(part).encode()) for part in (head, claims)).encode()
        signature = self.openssl("dgst", "-sha256", "-sign", self.key, given=signed)
        return signed.decode() + "." + text(signature)
