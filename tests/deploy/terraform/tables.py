#!/usr/bin/env python3
"""tables.py - hold deploy/bigquery to what it promises, with rows of the real program and DuckDB in BigQuery's place.

A made-up bank is scored by a run and by the service; every file of both becomes rows, every query of deploy/bigquery/sql is parsed as
BigQuery's and run over them (sqlglot turns it into DuckDB's), and what is extracted is read by the program again.
"""
import contextlib
import csv
import datetime
import decimal
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import duckdb
import sqlglot
from sqlglot import exp

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIGQUERY = ROOT / "deploy/bigquery"
ASSAY = ROOT / "build/release/assay"
sys.path.insert(0, str(ROOT / "tests/service"))
from harness.process import free_port  # noqa: E402
from harness.sink import Sink  # noqa: E402

failed = 0


def claim(says, holds, why=""):
    global failed
    if holds:
        print(f"ok terraform: {says}", flush=True)
    else:
        failed = 1
        print(f"FAILED terraform: {says}\n{str(why)[:2000]}", flush=True)


def call(*command, **more):
    return subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=120, **more)


def must(*command, **more):
    done = call(*command, **more)
    if done.returncode:
        raise SystemExit(f"FAILED terraform: {' '.join(map(str, command))} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


# ---- tables

TYPES = {"STRING": "VARCHAR", "BOOLEAN": "BOOLEAN", "INTEGER": "BIGINT", "FLOAT": "DOUBLE", "NUMERIC": "DECIMAL(38, 9)",
         "BIGNUMERIC": "DECIMAL(38, 12)", "TIMESTAMP": "TIMESTAMP", "DATE": "DATE", "JSON": "JSON"}


def type_of(field):
    if field["type"] == "RECORD":
        kind = "STRUCT(" + ", ".join(f'"{one["name"]}" {type_of(one)}' for one in field["fields"]) + ")"
    else:
        kind = TYPES[field["type"]]
    return kind + "[]" if field["mode"] == "REPEATED" else kind


def make_tables(database):
    database.execute("CREATE SCHEMA assay")
    for path in sorted((BIGQUERY / "schemas").glob("*.json")):
        fields = json.loads(path.read_text())
        columns = ", ".join(f'"{one["name"]}" {type_of(one)}{" NOT NULL" if one["mode"] == "REQUIRED" else ""}' for one in fields)
        database.execute(f"CREATE TABLE assay.{path.stem} ({columns})")


def load(database, table, file):
    """As a load job of newline-delimited JSON does it: typed by the table's schema, an unknown column is an error."""
    fields = {one["name"]: one for one in json.loads((BIGQUERY / f"schemas/{table}.json").read_text())}
    lines = [json.loads(line) for line in pathlib.Path(file).read_text().splitlines()]
    strange = {name for line in lines for name in line} - fields.keys()
    if strange:
        raise ValueError(f"{table} has no column {strange}")
    columns = "{" + ", ".join(f"'{name}': '{type_of(one)}'" for name, one in fields.items()) + "}"
    # BigQuery reads `2024-08-27 00:00:00.000000 UTC`; DuckDB wants it without the zone, and all of it is UTC.
    text = re.sub(r'(\d\d:\d\d:\d\d(?:\.\d+)?)(?: UTC|Z)"', r'\1"', pathlib.Path(file).read_text())
    plain = pathlib.Path(str(file) + ".plain")
    plain.write_text(text)
    database.execute(f"INSERT INTO assay.{table} BY NAME SELECT * FROM read_json('{plain}', format='newline_delimited', columns={columns}, "
                     "maximum_object_size=16777216)")
    return len(lines)


def statements(name, text=None):
    return [one for one in sqlglot.parse(text or (BIGQUERY / f"sql/{name}.sql").read_text(), read="bigquery") if one]


def typed(kind, value):
    return {"TIMESTAMP": f"TIMESTAMP '{value}'", "DATE": f"DATE '{value}'", "INT64": str(value)}.get(kind, "'" + str(value).replace("'", "''") + "'")


def run(database, name, text=None, **parameters):
    """A query of deploy/bigquery/sql; its head says the types of its parameters."""
    kinds = dict(re.findall(r"^--\s+@(\w+)\s+([A-Z0-9]+)", (BIGQUERY / f"sql/{name}.sql").read_text(), re.M))
    if kinds.keys() != parameters.keys():
        raise ValueError(f"{name} wants {sorted(kinds)}")

    def put_in(node):
        if isinstance(node, exp.Parameter):
            word = node.name
            return sqlglot.parse_one(typed(kinds[word], parameters[word]), read="bigquery")
        return node

    cursor = None
    for statement in statements(name, text):
        cursor = database.execute(statement.transform(put_in).sql(dialect="duckdb"))
    return [column[0] for column in cursor.description], cursor.fetchall()


def cell(value):
    """As BigQuery writes CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") + (f".{value.microsecond:06d}" if value.microsecond else "") + " UTC"
    text = format(value, "f") if isinstance(value, decimal.Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", text) else text


def extract(database, name, path, **parameters):
    header, rows = run(database, name, **parameters)
    with open(path, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([cell(value) for value in row] for row in rows)
    return len(rows)


# ---- the service

@contextlib.contextmanager
def service(work, bundle, config):
    port = free_port()
    (work / "serve.yaml").write_text(json.dumps({"bundle": str(bundle), "listen": f"127.0.0.1:{port}", **config}))
    log = open(work / "serve.log", "w")
    process = subprocess.Popen([str(ASSAY), "serve", "--config", str(work / "serve.yaml")], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).read()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("FAILED terraform: the service does not start\n" + (work / "serve.log").read_text()[-2000:]) from None
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(40)
        log.close()


def score_all(url, data, as_of):
    transactions = {}
    for row in csv.DictReader(open(data / "unlabelled_transactions.csv")):
        transactions.setdefault(row["user_id"], []).append({name: value for name, value in row.items() if value != ""})
    customers = {}
    for row in csv.DictReader(open(data / "unlabelled_users.csv")):
        customers.setdefault(row["user_id"], []).append({name: value for name, value in row.items() if value != ""})
    lines = "\n".join(json.dumps({"customer": versions, "transactions": transactions.get(name, []), "as_of": as_of}) for name, versions in customers.items())
    request = urllib.request.Request(url + "/v1/score:batch", lines.encode(), {"Content-Type": "application/x-ndjson"})
    return urllib.request.urlopen(request, timeout=60).read().decode()


# ---- erasure

BQ = """#!/bin/sh
printf '%s\\n' "$*" >>"$TOLD"
case "$*" in *--format=csv*) cat "$DAYS" ;; esac
"""
# A bucket that is a folder.
GCLOUD = """#!/bin/sh
case "$*" in
"secrets versions access latest --secret=assay-log-hash-key "*) cat "$KEY" ;;
"storage ls "*) folder=$BUCKET/${3#gs://*/}; [ -d "$folder" ] || { echo "ERROR: One or more URLs matched no objects." >&2; exit 1; }
    for one in "$folder"*; do echo "gs://assay-test-assay-runs/${one#"$BUCKET"/}"; done ;;
"storage cp --do-not-decompress "*) cp "$BUCKET/${4#gs://*/}" "$5" ;;
"storage cp "*) cp "$3" "$BUCKET/${4#gs://*/}" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""


def erase_from_logs(work, database, person, lines):
    """deploy/bigquery/erase over a bucket with the service's log: his lines go, and nothing else of it changes. Gives the hash that it made."""
    bucket, tools = work / "bucket", work / "tools"
    tools.mkdir()
    for name, text in (("bq", BQ), ("gcloud", GCLOUD)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    day = json.loads(lines[0])["time"][:10]
    next_day = str(datetime.date.fromisoformat(day) + datetime.timedelta(days=1))
    half = len(lines) // 2
    of_person = [line for line in lines if json.loads(line)["decision_id"] in
                 {row[0] for row in database.execute("SELECT decision_id FROM assay.decisions WHERE customer_id = ?", [person]).fetchall()}]
    others = [line for line in lines if line not in of_person]
    # An earlier key made this line: only the tables can tell whose it is.
    foreign = of_person[0].replace(json.loads(of_person[0])["customer"], "feedfeedfeedfeed")
    objects = {f"date={day}/a": lines[:half], f"date={day}/b": lines[half:], f"date={next_day}/c": [foreign, *others[:3]], f"date={day}/d": others[:2],
               f"date={day}/e": of_person}
    for name, part in objects.items():
        (bucket / "predictions" / name).parent.mkdir(parents=True, exist_ok=True)
        (bucket / "predictions" / name).write_bytes(gzip.compress("".join(part).encode()))
    before = (bucket / f"predictions/date={day}/d").read_bytes()
    header, rows = run(database, "predictions_of_customer", customer=person, customer_hash="0")
    (work / "days.csv").write_text(",".join(header) + "\n" + "".join(f"{one},{decision}\n" for one, decision in rows))

    def erase(environment):
        return call(BIGQUERY / "erase", person, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PROJECT": "assay-test", "BUCKET": str(bucket), "KEY":
                                                     str(work / "key"), "TOLD": str(work / "told"), "DAYS": str(work / "days.csv"), **environment})
    refused = erase({"KEY": str(work / "no such key")})
    claim("planted: an erasure that cannot read the key erases nothing and says so", refused.returncode != 0 and not (work / "told").exists(), refused.stderr)
    done = erase({})
    left = {name: gzip.decompress((bucket / "predictions" / name).read_bytes()).decode().splitlines(keepends=True) for name in objects}
    want = {name: [line for line in part if line in others] for name, part in objects.items()}
    claim("the lines of a person who is erased are in no object of the prediction log, and all others stay as they were",
          done.returncode == 0 and left == want and (bucket / f"predictions/date={day}/d").read_bytes() == before and len(of_person) > 0,
          done.stderr + str({name: (len(objects[name]), len(left[name]), len(want[name])) for name in objects}))
    told = (work / "told").read_text()
    found = re.search(r"customer_hash:STRING:(\S+)", told).group(1)
    claim("his keyed hash is the one that the service writes", found == json.loads(of_person[0])["customer"], found)
    claim("and then the tables are asked to forget him", "DELETE FROM assay.customers" in told and told.index("SELECT DISTINCT") < told.index("DELETE FROM"), told[:500])
    return found


def main():
    work = pathlib.Path(tempfile.mkdtemp())
    try:
        everything(work)
    finally:
        shutil.rmtree(work)
    return failed


def everything(work):
    data, bundle, scored = work / "data", work / "bundle", work / "scored"
    must(ASSAY, "synth", "--customers", "240", "--seed", "11", "--out", data, "--quiet")
    must(ASSAY, "train", "--customers", data / "labelled_users.csv", "--transactions", data / "labelled_transactions.csv", "--out", bundle,
         "--quiet", "--repeats", "1", "--trials", "1", "--folds", "2", "--shuffles", "1", "--ablation", "none")
    files = ["--customers", data / "unlabelled_users.csv", "--transactions", data / "unlabelled_transactions.csv"]
    must(ASSAY, "score", "--bundle", bundle, *files, "--out", scored, "--quiet")
    as_of = json.loads((scored / "decisions.jsonl").read_text().splitlines()[0])["as_of"]

    # schemas
    (work / "predictions.json").write_text(must(ASSAY, "monitor", "--bundle", bundle, "--schema"))
    check = call(sys.executable, BIGQUERY / "make-schemas", "--predictions", work / "predictions.json", "--check")
    claim("the schemas of BigQuery's tables are those of the product's contracts", check.returncode == 0, check.stdout + check.stderr)
    other = work / "schema.yaml"
    other.write_text((ROOT / "spec/schema.yaml").read_text().replace("name: has_biometrics", "name: has_passkey"))
    check = call(sys.executable, BIGQUERY / "make-schemas", "--predictions", work / "predictions.json", "--schema", other, "--check")
    claim("planted: a column that the schema book renamed is found", check.returncode == 1 and "customers.json" in check.stdout, check.stdout)

    # the service writes its log and its events, and takes verdicts
    predictions, key = work / "predictions.ndjson", work / "key"
    key.write_text("0123456789abcdef0123456789abcdef\n")
    with Sink() as sink, service(work, bundle, {"store": f"sqlite:{work}/store.db", "predictions": {"file": str(predictions)},
                                                "sink": {"url": sink.url}, "log": {"sample": 0, "hash_key": str(key)}}) as url:
        answers = score_all(url, data, as_of)
        count = len(answers.splitlines())
        until = time.monotonic() + 60
        while len(sink.ids()) < count and time.monotonic() < until:
            time.sleep(0.05)
        events = [json.loads(body) for _, body in sink.taken]
    decided = [json.loads(line) for line in answers.splitlines()]
    verdicts = work / "feedback.ndjson"
    verdicts.write_text("".join(json.dumps({"decision_id": one["decision_id"], "verdict": "overrule" if i % 5 == 0 else "agree", "at": "2026-11-01T10:00:00Z",
                                            "reviewed_seconds": 300 + i, "action": None}) + "\n" for i, one in enumerate(decided[:40])))
    (work / "labels.csv").write_text("customer_id,label,known_at\n" + "".join(
        f"{one['customer_id']},{'positive' if i % 3 == 0 else 'negative'},2027-05-01T00:00:00Z\n" for i, one in enumerate(decided)))

    # rows
    database = duckdb.connect()
    database.execute("SET TimeZone='UTC'; SET threads=1")
    make_tables(database)

    def rows(table, *arguments):
        out = work / f"{table}-{len(list(work.glob(table + '-*.json')))}.json"
        out.write_text(must(sys.executable, BIGQUERY / "rows", table, *arguments))
        return load(database, table, out)

    rows("customers", data / "labelled_users.csv", data / "unlabelled_users.csv")
    rows("transactions", data / "labelled_transactions.csv", data / "unlabelled_transactions.csv")
    rows("features", "--set", f"as_of={as_of}", scored / "features.csv")
    rows("decisions", scored / "decisions.jsonl")
    rows("feedback", verdicts)
    rows("labels", work / "labels.csv")
    logged = load(database, "predictions", predictions)
    (work / "events.ndjson").write_text("".join(json.dumps(
        {"subscription_name": "assay-decisions-bigquery", "message_id": str(i), "publish_time": event["time"].replace("T", " ").replace("Z", ""), "data": event,
         "attributes": {}}) + "\n" for i, event in enumerate(events)))
    load(database, "decision_events", work / "events.ndjson")
    claim(f"every file of a run and of the service becomes rows of its table ({logged} predictions, {len(events)} events)",
          logged == count == len(events) > 0, f"{logged} logged, {count} answered, {len(events)} published")
    broken = work / "broken.csv"
    broken.write_text((data / "unlabelled_transactions.csv").read_text().replace(" UTC", " Paris", 1))
    refused = call(sys.executable, BIGQUERY / "rows", "transactions", broken)
    claim("planted: a time that is none is named with file and line", refused.returncode == 1 and "broken.csv:2: " in refused.stderr, refused.stderr)
    broken.write_text((data / "unlabelled_transactions.csv").read_text().replace("amount", "amont", 1))
    refused = call(sys.executable, BIGQUERY / "rows", "transactions", broken)
    claim("planted: a column that the table has not is named", refused.returncode == 1 and "`amont`" in refused.stderr, refused.stderr[:300])

    # every query
    later = "2030-01-01 00:00:00"
    day = events[0]["time"][:10]
    today = f"{day} 23:59:59"
    given = {"labelled_users": {"as_of": later}, "labelled_transactions": {"as_of": later}, "unlabelled_users": {"as_of": later, "shards": 1, "shard": 0},
             "unlabelled_transactions": {"as_of": later, "shards": 1, "shard": 0}, "labels": {"as_of": later}, "feedback": {"as_of": later},
             "groups": {"as_of": later}, "decisions_by_day": {"since": "2020-01-01"}, "reasons_by_day": {"since": "2020-01-01"},
             "overrides": {"since": "2020-01-01"}, "freshness": {"now": today}, "features_parity": {"day": day}, "decision_events": {"day": day},
             "predictions_of_customer": {"customer": decided[1]["customer_id"], "customer_hash": "0"}}
    names = {path.stem for path in (BIGQUERY / "sql").glob("*.sql")}
    claim("every query of deploy/bigquery/sql is run here", names == given.keys() | {"erase_customer"}, names ^ (given.keys() | {"erase_customer"}))
    results = {}
    for name, parameters in given.items():
        try:
            header, found = run(database, name, **parameters)
            results[name] = [dict(zip(header, row)) for row in found]
        except Exception as problem:  # noqa: BLE001 - whatever a query ends with is what is told
            claim(f"query {name} runs", False, f"{type(problem).__name__}: {problem}")
    filled = [name for name in results if results[name] or name == "features_parity"]
    claim(f"{len(filled)} queries find rows that the program wrote", len(filled) == len(given), sorted(set(given) - set(filled)))
    claim("service and batch compute every feature alike, and both were compared", results.get("features_parity") == [], str(results.get("features_parity"))[:500])
    claim("decisions are counted once", sum(one["decisions"] for one in results["decisions_by_day"]) == count, results["decisions_by_day"])
    claim("verdicts are counted by what had been proposed", sum(one["judged"] for one in results["overrides"]) == 40
          and sum(one["overruled"] for one in results["overrides"]) == 8, results["overrides"])

    # planted errors in SQL
    for name, text in {"a column that is not": (BIGQUERY / "sql/overrides.sql").read_text().replace("reviewed_seconds", "review_time"),
                       "a table that is not": (BIGQUERY / "sql/overrides.sql").read_text().replace("assay.feedback", "assay.verdicts"),
                       "a broken query": (BIGQUERY / "sql/overrides.sql").read_text().replace("COUNT(*) AS judged,", "COUNT(* AS judged,")}.items():
        try:
            run(database, "overrides", text, since="2020-01-01")
            claim(f"planted: {name} in SQL is found", False)
        except (duckdb.Error, sqlglot.errors.ParseError):
            claim(f"planted: {name} in SQL is found", True)
    database.execute("UPDATE assay.features SET inflow = inflow + 0.01 WHERE inflow > 0")
    _, differing = run(database, "features_parity", day=day)
    claim("planted: a feature that the batch computes otherwise is found", [one[0] for one in differing] == ["inflow"], differing[:3])

    # there and back
    back = work / "back"
    back.mkdir()
    for shard in (0, 1):
        extract(database, "unlabelled_users", back / f"customers-{shard}.csv", as_of=later, shards=2, shard=shard)
        extract(database, "unlabelled_transactions", back / f"transactions-{shard}.csv", as_of=later, shards=2, shard=shard)
    sizes = [len((back / f"customers-{shard}.csv").read_text().splitlines()) - 1 for shard in (0, 1)]
    must(ASSAY, "score", "--bundle", bundle, "--customers", back / "customers-*.csv", "--transactions", back / "transactions-*.csv", "--out", work / "again", "--quiet")
    left, right = (work / "again/decisions.csv").read_text(), (scored / "decisions.csv").read_text()
    claim(f"customers extracted in two shards ({sizes[0]} and {sizes[1]} rows) are decided as from the bank's own files, to the byte",
          left == right and min(sizes) > 0, next((f"{a}\n{b}" for a, b in zip(left.splitlines(), right.splitlines()) if a != b), ""))
    extract(database, "labelled_users", back / "labelled_users.csv", as_of=later)
    extract(database, "labelled_transactions", back / "labelled_transactions.csv", as_of=later)
    # The bank's file of transactions to be scored holds some of labelled customers too, and the table has them all.
    matrices = [sorted(must(ASSAY, "features", "--customers", folder / "labelled_users.csv", *transactions, "--as-of", as_of, "--quarantine",
                            work / "quarantine.csv", "--quiet").splitlines())
                for folder, transactions in ((data, ["--transactions", data / "labelled_transactions.csv", "--transactions", data / "unlabelled_transactions.csv"]),
                                             (back, ["--transactions", back / "labelled_transactions.csv"]))]
    claim(f"customers extracted to learn from ({len(matrices[0]) - 1}) have the same features as in the bank's own files, to the byte",
          matrices[0] == matrices[1], next((f"{a}\n{b}" for a, b in zip(*matrices) if a != b), ""))
    (work / "exported.json").write_text("".join(json.dumps({"data": event}) + "\n" for event in events))
    made = must(sys.executable, BIGQUERY / "rows", "decisions", work / "exported.json")
    published = {json.loads(line)["decision_id"] for line in made.splitlines()}
    claim("events of decisions become decisions", published == {one["decision_id"] for one in decided}, f"{len(published)} of {count}")
    header, found = run(database, "feedback", as_of=later)
    (work / "exported.json").write_text("".join(json.dumps({name: cell(value) for name, value in zip(header, row) if value is not None}) + "\n" for row in found))
    (work / "feedback-back.ndjson").write_text(must(sys.executable, BIGQUERY / "rows", "feedback", work / "exported.json"))
    extract(database, "labels", work / "labels-back.csv", as_of=later)
    extract(database, "groups", work / "groups-back.csv", as_of=later)

    def monitor(labels, feedback, groups, out):
        more = ["--groups", groups] if groups else []
        must(ASSAY, "monitor", "--bundle", bundle, "--predictions", predictions, "--labels", labels, "--feedback", feedback, *more,
             "--hash-key", key, "--out", out, "--until", "2027-06-01T00:00:00Z", "--quiet")
        return json.loads((out / "monitor.json").read_text())
    first = monitor(work / "labels.csv", verdicts, None, work / "monitor-1")
    second = monitor(work / "labels-back.csv", work / "feedback-back.ndjson", None, work / "monitor-2")
    claim("assay monitor reads labels and verdicts from the tables as from the files",
          {k: v for k, v in first.items() if k != "inputs"} == {k: v for k, v in second.items() if k != "inputs"}, "monitor.json differs")
    monitor(work / "labels-back.csv", work / "feedback-back.ndjson", work / "groups-back.csv", work / "monitor-3")

    # erasure
    person = decided[0]["customer_id"]
    his = erase_from_logs(work, database, person, predictions.read_text().splitlines(keepends=True))
    run(database, "erase_customer", customer=person, customer_hash=his)
    stay = [table for table, where in {"customers": "user_id", "transactions": "user_id", "features": "customer_id", "decisions": "customer_id",
                                       "labels": "customer_id"}.items()
            if database.execute(f"SELECT COUNT(*) FROM assay.{table} WHERE {where} = ?", [person]).fetchone()[0]]
    for table in ("predictions", "feedback"):
        if database.execute(f"SELECT COUNT(*) FROM assay.{table} WHERE decision_id = ?", [decided[0]["decision_id"]]).fetchone()[0]:
            stay.append(table)
    if database.execute("SELECT COUNT(*) FROM assay.decision_events WHERE CAST(data AS VARCHAR) LIKE ?", [f"%{person}%"]).fetchone()[0]:
        stay.append("decision_events")
    others = database.execute("SELECT COUNT(*) FROM assay.decisions").fetchone()[0]
    claim("a person who is erased is in no table, and everybody else is", not stay and others == count - 1, f"still in {stay}; {others} of {count - 1} others")


sys.exit(main())
