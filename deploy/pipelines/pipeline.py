"""What the programs of this folder share: limits, verdicts, HTTP, and Google's tokens.

A program says one line a claim, `ok ...` or `REFUSED ...`, and ends with 0 when all hold, 1 when one does not, and
2 when it was called wrongly. What cannot be known is refused: a gate without evidence is no gate.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


def limits(part, path=None):
    """The limits of a part; every program reads them from the one file that people review."""
    with open(path or os.path.join(HERE, "limits.json"), encoding="utf-8") as f:
        return json.load(f)[part]


class Verdict:
    def __init__(self, name):
        self.name, self.lines, self.refused = name, [], []

    def claim(self, holds, text):
        """One line; holds None means that it cannot be known."""
        if holds is None:
            text = f"not known: {text}"
        word = "ok" if holds else "REFUSED"
        self.lines.append(f"{word} {text}")
        if not holds:
            self.refused.append(text)
        print(self.lines[-1], flush=True)
        return bool(holds)

    def note(self, text):
        self.lines.append(f"note {text}")
        print(self.lines[-1], flush=True)

    def end(self, report=None):
        """Writes the report, if one is wanted, says the sum, and ends the program."""
        word = "passed" if not self.refused else f"refused, {len(self.refused)} of its claims do not hold"
        if not any(line.startswith(("ok", "REFUSED")) for line in self.lines):
            word, self.refused = "refused: nothing was measured", ["nothing was measured"]
        if report:
            with open(report, "w", encoding="utf-8") as f:
                f.write(f"# {self.name}: {word}\n\n" + "".join(f"- {line}\n" for line in self.lines))
        print(f"{self.name}: {word}")
        sys.exit(1 if self.refused else 0)


class Service:
    """A service under its base path: Service("https://prod.deblock.com/ai", token)."""

    def __init__(self, url, token=None, timeout=10):
        self.url, self.token, self.timeout = url.rstrip("/"), token, timeout

    def ask(self, path, body=None):
        """(status, parsed reply). A connection that fails is status 0 and the reason."""
        request = urllib.request.Request(self.url + path)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                return reply.status, parsed(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, parsed(error.read())
        except (OSError, ValueError) as error:
            return 0, str(error)


def parsed(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def golden(path):
    """[(request, expected)] of a file that `golden` wrote."""
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    if not rows:
        sys.exit(f"{path} holds no request; make it with deploy/pipelines/golden")
    return [(row["request"], row["expected"]) for row in rows]


def google_api(name):
    """Where a service of Google's is; gcloud's own variable says another place, as tests do."""
    return os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name.upper()}", f"https://{name}.googleapis.com/")


def google_token():
    """An access token of the machine's service account, from the metadata server; no key is kept anywhere."""
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    request = urllib.request.Request(
        f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token",
        headers={"Metadata-Flavor": "Google"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)["access_token"]


def service_token(path):
    """The bearer token of a file, or None; never on a command line, where others on the machine can read it."""
    if not path:
        return None
    with open(path, encoding="utf-8") as f:
        return f.read().strip() or sys.exit(f"{path} is empty: put the caller's token there")


def json_file(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError) as error:
        sys.exit(f"cannot read {path}: {error}")
