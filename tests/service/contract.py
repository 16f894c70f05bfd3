"""The service keeps to the document that it serves: linted, answered by, fuzzed with, made a client of."""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec

from harness import Session, claim, main
from harness.process import free_port

NODE = "tests/contract/node_modules"


def tool(w, name):
    path = os.path.join(w.root, NODE, ".bin", name)
    assert os.path.exists(path), f"{name} is not there; run script/bootstrap --contract"
    return path


def run(w, *command, ok=(0,), seconds=300, **more):
    environment = {**os.environ, "REDOCLY_TELEMETRY": "off", "PATH": "/usr/local/bin:/usr/bin:/bin:" + os.environ["PATH"]}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=w.work, timeout=seconds, env={**environment, **more.pop("env", {})}
    )
    said = (done.stdout + done.stderr)[-6000:]
    assert done.returncode in ok, f"{os.path.basename(command[0])} ended with {done.returncode}:\n{said}"
    return said


def document(w, s, name="openapi.json"):
    path = os.path.join(w.work, name)
    reply = s.get("/openapi.json")
    w.equal(reply.status, 200)
    with open(path, "wb") as f:
        f.write(reply.body)
    return path, reply.json()


def everything(w, **more):
    """A service with all its parts: a store, a jobs folder."""
    folder = os.path.join(w.work, "jobs")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "requests.ndjson"), "w") as f:
        f.writelines(json.dumps(request) + "\n" for request, _ in w.bank.requests()[:5])
    config = {"jobs": {"folder": folder}, "log": {"level": "error"}, **more.pop("config", {})}
    return w.serve(store=w.sqlite(), config=config, **more)


@claim
def the_document_is_without_a_flaw_to_two_linters(w):
    with everything(w) as s:
        path, _ = document(w, s)
    rules = os.path.join(w.root, "tests", "contract")
    run(w, tool(w, "redocly"), "lint", "--config", os.path.join(rules, "redocly.yaml"), path)
    run(w, tool(w, "spectral"), "lint", "--fail-severity", "warn", "-r", os.path.join(rules, "spectral.yaml"), path)


@claim
def the_document_has_the_bundle_s_columns_and_the_base_path(w):
    for base in ("", "/ai", "/risk/v7"):
        with everything(w, base_path=base) as s:
            _, d = document(w, s)
        w.equal(d["servers"][0]["url"], base or "/")
        request = w.bank.typical()
        schemas = d["components"]["schemas"]
        for name, sent in (("Customer", request["customer"]), ("Transaction", request["transactions"][0])):
            w.equal(set(schemas[name]["properties"]) >= set(sent), True, f"{name}: {set(schemas[name]['properties'])}")
            w.equal(schemas[name]["additionalProperties"], False, name)


@claim
def every_path_of_the_document_is_there_and_no_other(w):
    with everything(w) as s:
        _, d = document(w, s)
        for path, item in d["paths"].items():
            there = {m.upper() for m in item if m in ("get", "put", "post", "delete")}
            reply = s.request("OPTIONS", re.sub(r"\{\w+\}", "assay", path))
            w.equal(reply.status, 204, f"OPTIONS {path}")
            allowed = set(reply.headers["Allow"].replace(" ", "").split(",")) - {"HEAD", "OPTIONS"}
            w.equal(allowed, there, path)
        routes = set()
        for name in os.listdir(os.path.join(w.root, "src", "serve")):
            if name.endswith(".c"):
                with open(os.path.join(w.root, "src", "serve", name)) as f:
                    routes |= set(re.findall(r'\{"(?:GET|PUT|POST|DELETE)",\s*"(/[^"]*)"', f.read()))
        shape = lambda p: re.sub(r"\{\w+\}", "{}", p)  # noqa: E731
        unsaid = {shape(r) for r in routes} - {shape(p) for p in d["paths"]} - {"/"}
        w.equal(unsaid, set(), "routes without a word in the document")


@claim
def every_code_of_a_problem_in_the_source_is_in_the_document(w):
    said = set()
    for room in ("serve", "answer"):
        for folder, _, names in os.walk(os.path.join(w.root, "src", room)):
            for name in names:
                with open(os.path.join(folder, name)) as f:
                    text = re.sub(r'S\("[^"]*"\)', "S()", f.read())
                said |= set(re.findall(r'reply_problem\(\s*\w+,\s*[^,"]+,\s*"([a-z_0-9]+)"', text))
                said |= set(re.findall(r'fault_set\(\s*[^;"]*?"([a-z_0-9]+)"', text))
                said |= set(re.findall(r'\.code = "([a-z_0-9]+)"', text))
                said |= set(re.findall(r'\brefuse\(\s*x,\s*\d+,\s*"([a-z_0-9]+)"', text))
                said |= set(re.findall(r'\b(?:fault|refuse)\(\s*(?:f|out|why|fault),\s*"([a-z_0-9]+)"', text))
                # Codes of rows are handed on from the reading of files; a table says which.
                for table in re.findall(r"\bknown\[\] = \{([^}]*\"missing_key\"[^}]*)\}", text):
                    said |= set(re.findall(r'"([a-z_0-9]+)"', table))
                said |= set(re.findall(r'\*stable = "([a-z_0-9]+)"', text))
    w.true("missing_key" in said and "bad_row" in said, "the table of rows' codes was not found")
    w.true(len(said) > 20, f"found only {said} in the source")
    with everything(w) as s:
        _, d = document(w, s)
    w.equal(said - set(d["components"]["schemas"]["ProblemCode"]["enum"]), set(), "codes that the document lacks")


@claim
def the_examples_of_the_document_are_answered_as_it_says(w):
    with everything(w) as s:
        _, d = document(w, s)
        contract = s.hold_to_contract()
        tried = 0
        for path, item in d["paths"].items():
            for method, operation in item.items():
                if method not in ("put", "post"):
                    continue
                for kind, content in operation["requestBody"]["content"].items():
                    for name, example in content.get("examples", {}).items():
                        body = contract.resolve(example)["value"]
                        reply = s.request(method.upper(), path, body, headers={"Content-Type": kind})
                        w.true(reply.status < 300, f"{path}, example {name}: {reply}")
                        tried += 1
        w.true(tried >= 5, f"only {tried} examples")


@claim
def all_endpoints_answer_as_the_document_says(w):
    with everything(w) as s:
        contract = s.hold_to_contract()
        request = w.bank.typical()
        who, rows = request["customer_id"], request["transactions"]

        def ok(reply, *status):
            w.true(reply.status in (status or (200,)), repr(reply))
            return reply

        for path in ("/healthz", "/readyz", "/v2", "/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json"):
            ok(s.get(path))
        model = ok(s.get("/v1/model")).json()
        for tail in ("", "/ready", f"/versions/{model['bundle']}", f"/versions/{model['bundle'][:8]}/ready"):
            ok(s.get("/v2/models/assay" + tail))
        ok(s.get("/v2/models/none"), 404)
        answer = ok(s.post("/v1/score", request)).json()
        everything_asked = {
            **request,
            "facts": [{"name": "cdd_failed", "since": "2024-07-01", "evidence": "case 1"}],
            "earlier": {"segment": "High", "since": "2024-06-01T00:00:00Z", "lower_since": None},
            "options": {"counterfactual": True, "language": "fr", "allow_unknown_fields": True},
        }
        ok(s.post("/v1/score", everything_asked))
        ok(s.post("/v1/score", {**request, "as_of": "now", "options": {"reasons": False}}))
        ok(s.batch([request, {**request, "colour": 1}, b"{", b"", request]))
        ok(s.post("/v1/predict", {"instances": [request, request]}))
        ok(s.get("/v1/decisions/" + answer["decision_id"]))
        ok(s.get("/v1/decisions/" + 32 * "0"), 404)
        ok(s.put(f"/v1/customers/{who}", request["customer"]))
        ok(s.post("/v1/transactions", {"transactions": rows}))
        ok(s.post("/v1/transactions", {"transactions": rows}))
        ok(s.post("/v1/transactions", ndjson(rows), headers=NDJSON))
        ok(s.post("/v1/score", {"customer_id": who, "as_of": request["as_of"]}))
        key = {"Idempotency-Key": "one"}
        ok(s.post("/v1/score", request, headers=key))
        w.equal(ok(s.post("/v1/score", request, headers=key)).headers.get("Idempotency-Replayed"), "true")
        ok(s.post("/v1/score", {**request, "as_of": "now"}, headers=key), 422)
        verdict = {"decision_id": answer["decision_id"], "verdict": "agree"}
        ok(s.post("/v1/feedback", verdict), 200, 201, 202)
        job = ok(s.post("/v1/jobs", {"input": "requests.ndjson", "output": "answers.ndjson"}), 202).json()
        ok(s.get("/v1/jobs"))
        ok(s.get("/v1/jobs?limit=1"))
        ok(s.get("/v1/jobs/" + job["id"]))
        ok(s.get("/v1/jobs/none"), 404)
        ok(s.delete("/v1/jobs/" + job["id"]), 200, 202)
        event = {"transactions": [dict(row, id="new") for row in rows[:1]]}
        message = {"message": {"messageId": "1", "data": base64.b64encode(json.dumps(event).encode()).decode()}}
        for outcome in ("scored", "seen_before"):
            w.equal(ok(s.post("/v1/pubsub", message)).json()["outcome"], outcome)
        message["message"] = {"messageId": "2", "data": "AAAA"}
        w.equal(ok(s.post("/v1/pubsub", message)).json()["outcome"], "dead_letter")
        for path in ("/docs", "/docs/style.css", "/openapi.yaml"):
            ok(s.get(path))
        ok(s.delete(f"/v1/customers/{who}"), 200, 204)
        ok(s.get("/v1/decisions/" + answer["decision_id"]), 410)
        metadata = s.get("/v2/models/assay").json()
        tensors = [{"name": t["name"], "shape": [2], "datatype": t["datatype"], "data": [None, None]} for t in metadata["inputs"]]
        ok(s.post("/v2/models/assay/infer", {"inputs": tensors}))
        ok(s.post("/v2/models/assay/infer", {"inputs": []}), 400, 422)
        missing = {f"{m.upper()} {p}" for p, i in contract.document["paths"].items() for m in i if m in METHODS} - {
            o for o, status in contract.seen if status < 300
        }
        missing -= {"POST /v2/models/{model}/versions/{version}/infer"}
        w.equal(missing, set(), "never answered with 2xx here")


METHODS = ("get", "put", "post", "delete")


@claim
def mistakes_get_problems_that_the_document_names(w):
    with everything(w) as s:
        s.hold_to_contract()
        request = w.bank.typical()
        bad = [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b"\xff\xfe",
            b'{"customer":1}',
            b'{"customer_id":"a","customer_id":"b"}',
            json.dumps({**request, "colour": "red"}).encode(),
            json.dumps({**request, "as_of": "yesterday"}).encode(),
            json.dumps({**request, "transactions": None}).encode(),
            json.dumps({**request, "transactions": [1]}).encode(),
            json.dumps({**request, "options": {"language": "xx"}}).encode(),
            json.dumps({**request, "options": {"policy": "version: 1\nrules: 7"}}).encode(),
            json.dumps({**request, "facts": [{"name": "no_such"}]}).encode(),
            b"[" * 10000,
        ]
        for body in bad:
            for path in ("/v1/score", "/v1/feedback", "/v1/jobs", "/v1/transactions", "/v1/predict"):
                reply = s.post(path, body, headers={"Content-Type": "application/json"})
                w.within(reply.status, 400, 499, f"{path} {body[:60]!r} -> {reply!r}")
                reply.problem()
            w.equal(s.batch([body]).status, 200)
        for body in bad:
            w.true(s.post("/v1/pubsub", body, headers={"Content-Type": "application/json"}).status < 500, body[:60])
        for headers, status in (
            ({"Content-Type": "text/plain"}, 415),
            ({"Content-Encoding": "br"}, 415),
            ({"Accept": "image/png"}, 406),
            ({"Idempotency-Key": "two words"}, 400),
        ):
            reply = s.post("/v1/score", json.dumps(request), headers={"Content-Type": "application/json", **headers})
            w.equal(reply.status, status, str(headers))
            reply.problem()
        for method, path, status in (("GET", "/v1/score", 405), ("PATCH", "/v1/model", 405), ("GET", "/nothing", 404)):
            reply = s.request(method, path)
            w.equal(reply.status, status)
            reply.problem()


NDJSON = {"Content-Type": "application/x-ndjson"}


def ndjson(lines):
    """Lines that are bytes stay as they are."""
    return b"\n".join(l if isinstance(l, bytes) else json.dumps(l).encode() for l in lines)


@claim
def transactions_by_the_line_are_kept_and_each_is_told_what_became_of_it(w):
    request = w.bank.typical()
    who, rows = request["customer_id"], request["transactions"]
    owned = [dict(row, user_id=who) for row in rows]
    plain = {"customer_id": who, "as_of": request["as_of"]}
    with everything(w) as s:
        s.hold_to_contract()
        lines = [owned[0], {**owned[1], "colour": 1}, b"", owned[0], b"{", [owned[1], owned[2]], b" \r", owned[1]]
        reply = s.post("/v1/transactions", ndjson(lines), headers=NDJSON)
        w.equal(reply.status, 200, repr(reply))
        w.equal(reply.headers["Content-Type"], "application/x-ndjson")
        got = [json.loads(line) for line in reply.body.splitlines()]
        added, held = {"received": 1, "added": 1}, {"received": 1, "added": 0}
        w.equal([got[0], got[2], got[5]], [added, held, added])
        wrong = [(g["error"]["line"], g["error"]["status"], g["error"]["code"], g["error"]["pointer"]) for g in got if "error" in g]
        w.equal(wrong, [(2, 422, "unknown_field", "/colour"), (5, 400, "not_json", ""), (6, 413, "too_many", "")])
        # Many blocks, with what is wrong in some of them; twice.
        for turn, one in enumerate((added, held)):
            many = []
            for n in range(1000):
                many.append({**owned[0], "id": f"n{n}"} if n % 300 else b"[")
            got = [json.loads(line) for line in s.post("/v1/transactions", ndjson(many), headers=NDJSON).body.splitlines()]
            w.equal(len(got), 1000)
            for n, g in enumerate(got):
                w.true(g == one if n % 300 else g["error"]["line"] == n + 1, f"turn {turn}, line {n + 1}: {g}")
        packed = s.post("/v1/transactions", gzip.compress(ndjson(owned)), headers={**NDJSON, "Content-Encoding": "gzip"})
        w.equal((packed.status, packed.body.count(b'"received":1')), (200, len(owned)))
        w.equal((s.post("/v1/transactions", b"", headers=NDJSON).body), b"")
        w.equal(s.post("/v1/transactions", ndjson(owned), headers={**NDJSON, "Accept": "text/html"}).status, 406)
        w.equal(s.post("/v1/score", ndjson(owned), headers=NDJSON).status, 415)
    # They are the same history that JSON makes.
    answers = []
    for by_line in (True, False):
        with w.serve(store=w.sqlite(f"history{by_line}.db")) as s:
            w.equal(s.put(f"/v1/customers/{who}", request["customer"]).status, 200)
            if by_line:
                w.equal(s.post("/v1/transactions", ndjson(owned), headers=NDJSON).status, 200)
            else:
                w.equal(s.post("/v1/transactions", {"transactions": owned}).status, 200)
            answers.append(s.post("/v1/score", plain).body)
    w.equal(answers[0], answers[1])
    with w.serve() as s:
        w.equal(s.post("/v1/transactions", ndjson(owned), headers=NDJSON).problem()["code"], "store_needed")


@claim
def an_unknown_field_is_named_with_its_place(w):
    with everything(w) as s:
        request = w.bank.typical()
        for where, pointer in (
            (request, "/colour"),
            (request["customer"], "/customer/colour"),
            (request["transactions"][3], "/transactions/3/colour"),
        ):
            where["colour"] = "red"
            said = s.post("/v1/score", request).problem()
            w.equal((said["code"], said["pointer"]), ("unknown_field", pointer))
            w.true("colour" in said["detail"] and "red" not in said["detail"], said["detail"])
            del where["colour"]


@claim
def schemathesis_finds_no_reply_that_breaks_the_document(w):
    schemathesis(w, 20, 10, "examples,coverage")
    schemathesis(w, 10, 40, "fuzzing")


@claim(long=True)
def schemathesis_finds_none_in_half_an_hour(w):
    schemathesis(w, 1500, 2000)


def schemathesis(w, seconds, examples, phases="examples,coverage,fuzzing"):
    assert find_spec("schemathesis"), "schemathesis is missing from .venv; run script/bootstrap --oracle"
    with everything(w) as s:
        path, _ = document(w, s)
        # What a valid request means to the bank is not in the schema: an order of an instant and a history, say.
        checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
        checks += "response_schema_conformance,unsupported_method"
        command = [sys.executable, "-m", "schemathesis.cli", "run", path, "--url", f"http://127.0.0.1:{s.port}/ai"]
        bounds = ["--checks", checks, "--max-examples", str(examples), "--max-time", str(seconds), "--seed", "7"]
        hooks = {"SCHEMATHESIS_HOOKS": "harness.schemathesis_hooks", "PYTHONPATH": os.path.dirname(__file__)}
        run(w, *command, *bounds, "--no-color", "--warnings", "off", "--phases", phases, env=hooks, seconds=seconds + 120)


@claim
def prism_between_caller_and_service_finds_no_violation(w):
    with everything(w) as s:
        path, d = document(w, s)
        port = free_port()
        node = [tool(w, "prism"), "proxy", path, f"http://127.0.0.1:{s.port}/ai", "--errors", "--port", str(port)]
        with open(os.path.join(w.work, "prism.log"), "w") as log:
            proxy = subprocess.Popen(node, stdout=log, stderr=log)
        try:
            session = Session("127.0.0.1", port, "", {"X-API-Key": "any"}, timeout=60)
            for _ in range(300):
                try:
                    if session.get("/healthz").status == 200:
                        break
                except OSError:
                    session.close()
                    time.sleep(0.1)
            request = w.bank.typical()
            calls = [
                ("GET", "/readyz", None),
                ("GET", "/v1/model", None),
                ("GET", "/v2/models/assay", None),
                ("POST", "/v1/score", request),
                ("POST", "/v1/score", {**request, "options": {"counterfactual": True}}),
                ("POST", "/v1/score", {**request, "as_of": "now"}),
                ("PUT", f"/v1/customers/{request['customer_id']}", request["customer"]),
                ("POST", "/v1/transactions", {"transactions": request["transactions"]}),
                ("GET", "/v1/jobs", None),
                ("POST", "/v1/feedback", {"customer_id": request["customer_id"], "verdict": "negative"}),
            ]
            for method, where, body in calls:
                reply = session.request(method, where, body)
                w.true(reply.status < 300, f"{method} {where} through prism: {reply!r}")
                w.true("sl-violations" not in reply.headers, f"{method} {where}: {reply.headers.get('sl-violations')}")
            # The proxy does see what is wrong: else it would prove nothing.
            w.equal(session.post("/v1/score", {"colour": 1}).status >= 400, True)
        finally:
            proxy.terminate()
            proxy.wait(30)


CLIENT = """import createClient from "openapi-fetch";
import type { components, paths } from "./client";

const api = createClient<paths>({ baseUrl: "https://example.com/ai" });

export async function ask(customer: components["schemas"]["Customer"]): Promise<string> {
  const { data, error } = await api.POST("/v1/score", {
    params: { header: { "Idempotency-Key": "one" } },
    body: { customer, transactions: [], as_of: "now", options: { reasons: true } },
  });
  if (error) {
    const code: components["schemas"]["ProblemCode"] = error.code;
    return code;
  }
  const action: "RETAIN" | "MONITOR" | "ENHANCED_DUE_DILIGENCE" | "RESTRICT" | "PROPOSE_OFFBOARDING" = data.action;
  return action + data.reasons.map((r) => r.sentence).join(" ");
}
"""


@claim
def a_client_made_from_the_document_compiles(w):
    with everything(w) as s:
        path, _ = document(w, s)
    run(w, tool(w, "openapi-typescript"), path, "-o", os.path.join(w.work, "client.ts"))
    with open(os.path.join(w.work, "ask.ts"), "w") as f:
        f.write(CLIENT)
    os.symlink(os.path.join(w.root, NODE), os.path.join(w.work, "node_modules"))
    compiler = [tool(w, "tsc"), "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
    run(w, *compiler, "--moduleResolution", "bundler", "ask.ts")
    # It would not, if the schemas said nothing.
    with open(os.path.join(w.work, "wrong.ts"), "w") as f:
        f.write(CLIENT.replace("data.action;", "data.acton;"))
    run(w, *compiler, "--moduleResolution", "bundler", "wrong.ts", ok=(1, 2))


if __name__ == "__main__":
    main()
