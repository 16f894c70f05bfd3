"""Tokens, judged by the room auth and by PyJWT: for a few hundred made at random the two must agree.

    python tests/oracle/tokens.py build/release/token_check

Where assay is stricter on purpose, PyJWT's word does not count: a name of more than 127 bytes or with control
characters, dates that are no numbers or beyond the year 9999, claims that stand twice, base64 that is not canonical, `crit`,
and a token of more than 8 KiB. Each of those must be refused.
"""

import base64
import json
import random
import subprocess
import sys
import tempfile
import os

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

NOW = 1_700_000_000
ISSUER, AUDIENCE, SKEW = "https://id.bank.example", "assay", 60
SCOPES = ["assay.score", "assay.model", "assay.feedback", "assay.data", "assay.jobs", "assay.erase", "assay.metrics"]
COUNT = 600


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims, key, algorithm, header):
    """Also what PyJWT would not write as a token: an issuer that is a number."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm=algorithm, headers=header)


class Keys:
    def __init__(self):
        make = {"RS256": lambda: rsa.generate_private_key(65537, 2048), "ES256": lambda: ec.generate_private_key(ec.SECP256R1())}
        named = [("r1", "RS256"), ("r2", "RS256"), ("e1", "ES256")]
        self.known = {kid: (alg, make[alg]()) for kid, alg in named}
        self.strangers = {alg: f() for alg, f in make.items()}

    def jwks(self):
        out = []
        for kid, (alg, key) in self.known.items():
            kind = RSAAlgorithm if alg == "RS256" else ECAlgorithm
            out.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid})
        for one in out:
            one.pop("key_ops", None)
        return json.dumps({"keys": out})


def claims_of(draw):
    c = {
        "iss": draw.choice([ISSUER] * 12 + [ISSUER + "/", "https://evil.example", 7, None]),
        "aud": draw.choice([AUDIENCE] * 8 + [[AUDIENCE], ["other", AUDIENCE], ["other"], "other", [], [AUDIENCE, 7], None]),
        "sub": draw.choice(["back-office"] * 8 + ["user:é", "x" * 127, 7, None]),
        "exp": NOW + draw.choice([600] * 8 + [-59, -60, -61, 1, 0, -4000]),
    }
    if draw.random() < 0.6:
        c["nbf"] = NOW + draw.choice([-5] * 6 + [59, 60, 61, 4000])
    if draw.random() < 0.6:
        c["iat"] = NOW + draw.choice([-5] * 6 + [59, 60, 61, 4000])
    if draw.random() < 0.8:
        c["scope"] = " ".join(draw.sample(SCOPES + ["openid"], draw.randrange(4)))
    if draw.random() < 0.4:
        c["scp"] = draw.sample(SCOPES, draw.randrange(3))
    if draw.random() < 0.2:
        c["extra"] = {"deep": [1, 2, {"é": None}]}
    return {name: value for name, value in c.items() if value is not None}


def token_of(draw, keys):
    """A token, the instant it is shown, and whether assay must refuse whatever PyJWT says."""
    kid = draw.choice(list(keys.known))
    alg, key = keys.known[kid]
    claims = claims_of(draw)
    header = {"kid": kid}
    kind = draw.random()
    strict = False
    if kind < 0.05:
        key = keys.strangers[alg]
    elif kind < 0.10:
        header["kid"] = draw.choice(["nobody", "e1" if alg == "RS256" else "r1"])
    elif kind < 0.13:
        return signed(claims, None, "none", header), strict
    elif kind < 0.17:
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        body = text(json.dumps({"alg": "HS256", "typ": "JWT", **header}).encode()) + "." + text(json.dumps(claims).encode())
        return body + "." + text(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body.encode(), pem)), strict
    elif kind < 0.20:
        header["crit"], strict = ["unheard-of"], True
    elif kind < 0.23:
        claims["sub"], strict = draw.choice(["x" * 128, "a\nb", "a\0b", ""]), True
    elif kind < 0.26:
        claims["exp"], strict = draw.choice([str(NOW + 600), 10**15, True]), True
    elif kind < 0.28:
        claims["extra"], strict = "x" * 9000, True
    made = signed(claims, key, alg, header)
    kind = draw.random()
    if kind < 0.06:
        at = draw.randrange(len(made))
        made = made[:at] + draw.choice([c for c in "ABCxyz019" if c != made[at]]) + made[at + 1 :]
        strict = True  # whatever it was: the last characters of a part may not change its bytes for PyJWT
    elif kind < 0.10:
        made, strict = made[: draw.randrange(1, len(made))], True
    elif kind < 0.12:
        made, strict = made + "=", True
    return made, strict


def pyjwt_says(token, keys):
    try:
        header = jwt.get_unverified_header(token)
        if header.get("kid") not in keys.known:
            return "invalid"
        alg, key = keys.known[header["kid"]]
        got = jwt.decode(
            token,
            key.public_key(),
            algorithms=[alg],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=SKEW,
            options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        return "invalid"
    # PyJWT takes the time from the clock; its own checks of dates are asked for with the instant of the test.
    validator = jwt.PyJWT()
    options = {"verify_exp": True, "verify_nbf": True, "verify_iat": True}
    try:
        for name, check in (("exp", validator._validate_exp), ("nbf", validator._validate_nbf), ("iat", validator._validate_iat)):
            if name in got and options["verify_" + name]:
                check(got, now=NOW, leeway=SKEW)
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        return "expired"
    words = got.get("scope", "").split() + got.get("scp", [])
    bits = sum(1 << (["", *SCOPES].index(s)) for s in set(words) & set(SCOPES))
    return f"ok {got['sub']} {bits}"


def timed(tool, jwks, keys, kid, folder):
    """What the tool says a verification costs; 6000 tokens are more than its cache holds."""
    alg, key = keys.known[kid]
    path = os.path.join(folder, "many")
    with open(path, "w") as f:
        for n in range(6000):
            claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"caller-{n}", "exp": NOW + 600, "scope": "assay.score"}
            f.write(f"{NOW} {jwt.encode(claims, key, algorithm=alg, headers={'kid': kid})}\n")
    with open(path) as f:
        said = subprocess.run([tool, jwks, ISSUER, AUDIENCE, "2"], stdin=f, check=True, capture_output=True, text=True).stdout
    print(f"{alg}: {'; '.join(said.splitlines())}")


def main():
    tool = sys.argv[1]
    draw = random.Random(20260101)
    keys = Keys()
    wrong = 0
    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        jwks = os.path.join(folder, "jwks.json")
        with open(jwks, "w") as f:
            f.write(keys.jwks())
        made = [token_of(draw, keys) for _ in range(COUNT)]
        lines = "".join(f"{NOW} {token}\n" for token, _ in made)
        said = subprocess.run([tool, jwks, ISSUER, AUDIENCE], input=lines, check=True, capture_output=True, text=True).stdout
        said = said.splitlines()
        if "--time" in sys.argv:
            for kid in ("r1", "e1"):
                timed(tool, jwks, keys, kid, folder)
    if len(said) != COUNT:
        sys.exit(f"{len(said)} verdicts on {COUNT} tokens")
    for got, (token, strict) in zip(said, made):
        want = "invalid" if strict else pyjwt_says(token, keys)
        seen[want.split()[0]] = seen.get(want.split()[0], 0) + 1
        if got != want:
            wrong += 1
            print(f"assay says {got!r}, PyJWT {want!r}: {token}")
    print(f"{COUNT - wrong} of {COUNT} tokens are judged alike: {seen}")
    if wrong or min(seen.get(k, 0) for k in ("ok", "invalid", "expired")) < 50:
        sys.exit(1)


if __name__ == "__main__":
    main()
