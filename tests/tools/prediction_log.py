#!/usr/bin/env python3
"""Make up what a service would have written down: a prediction log, labels, verdicts, groups.

    prediction_log.py RUN OUT [--copies N] [--days D] [--shift FEATURE] [--worse]

Decisions of a run folder are repeated over D days before 2026-11-20, each copy under a name and a
customer of its own. --shift makes one feature greater in the last week, --worse makes half of the
positives negative and reviewers hasty. Standard library only, and the same bytes every time.
"""
import argparse
import csv
import datetime
import hashlib
import json
import os
import random
import re

UNIT_US = {"us": 1, "ms": 1e3, "s": 1e6, "min": 6e7, "h": 3.6e9, "d": 8.64e10, "w": 6.048e11}
END = datetime.datetime(2026, 11, 20, 12)


def value(text, by_value):
    """A cell of features.csv as the prediction log has it."""
    if text == "":
        return None
    if by_value:
        return text
    if text in ("true", "false"):
        return text == "true"
    duration = re.fullmatch(r"(-?\d+(?:\.\d+)?)(us|ms|s|min|h|d|w)", text)
    if duration:
        return round(float(duration[1]) * UNIT_US[duration[2]])
    return json.loads(text) if re.fullmatch(r"-?\d+", text) else float(text)


def when(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("out")
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--shift")
    parser.add_argument("--worse", action="store_true")
    args = parser.parse_args()
    draw = random.Random(5)
    bundle = json.load(open(os.path.join(args.run, "bundle", "bundle.json")))
    by_value = {d["name"] for d in bundle["distributions"]["list"] if "values" in d}
    with open(os.path.join(args.run, "features.csv"), newline="") as file:
        features = {row["customer_id"]: row for row in csv.DictReader(file)}
    os.makedirs(args.out, exist_ok=True)
    lines, labels, verdicts, groups = [], [], [], []
    for text in open(os.path.join(args.run, "decisions.jsonl")):
        d = json.loads(text)
        for copy in range(args.copies):
            row = features[d["customer_id"]]
            time = END - datetime.timedelta(days=draw.random() * args.days)
            recent = time > END - datetime.timedelta(days=7)
            name = hashlib.sha256(f"{d['decision_id']}{copy}".encode()).hexdigest()
            values = {k: value(v, k in by_value) for k, v in row.items()
                      if k not in ("customer_id", "cohort")}
            if args.shift and recent and values[args.shift] is not None:
                values[args.shift] = values[args.shift] * 3 + 1
            lines.append((time, {
                "time": when(time), "decision_id": name[:32], "customer": name[32:48],
                "as_of": d["as_of"].replace(" UTC", "Z").replace(" ", "T"), "bundle": d["bundle"],
                "version": "0.1.0", "policy_sha256": d["policy_sha256"], "role": "champion",
                "probability": d["probability"], "probability_low": d["probability_low"],
                "probability_high": d["probability_high"], "segment": d["segment"],
                "action": d["action"], "insufficient_data": d["insufficient_data"],
                "features": values}))
            positive = draw.random() < d["probability"]
            if args.worse and positive and draw.random() < 0.5:
                positive = False
            if draw.random() < 0.8:
                labels.append((name[:32], int(positive), when(time + datetime.timedelta(
                    days=5 + 50 * draw.random()))))
            if d["action"] != "RETAIN":
                verdicts.append({
                    "decision_id": name[:32], "at": when(time + datetime.timedelta(hours=1)),
                    "verdict": "overrule" if draw.random() < (0.4 if args.worse else 0.1)
                    else "agree",
                    "reviewed_seconds": 60 if args.worse else 300 + int(600 * draw.random())})
            groups.append((name[32:48], "AB"[draw.random() < 0.4]))
    lines.sort(key=lambda one: (one[0], one[1]["decision_id"]))
    with open(os.path.join(args.out, "predictions.ndjson"), "w") as file:
        for _, line in lines:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
    with open(os.path.join(args.out, "labels.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["decision_id", "label", "known_at"])
        out.writerows(labels)
    with open(os.path.join(args.out, "feedback.ndjson"), "w") as file:
        for verdict in verdicts:
            file.write(json.dumps(verdict) + "\n")
    with open(os.path.join(args.out, "groups.csv"), "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["customer_id", "channel"])
        out.writerows(groups)


if __name__ == "__main__":
    main()
