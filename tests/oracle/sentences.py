"""Compute every sentence of every decision once more from the CSV files, and compare.

    python tests/oracle/sentences.py --customers labelled_users.csv \
        --transactions labelled_transactions.csv --score-customers unlabelled_users.csv \
        --score-transactions unlabelled_transactions.csv [--as-of TIME] --run FOLDER

Values come from the files by pandas and the catalogue of hand-written features, numbers for
people are written here once more, and the sentences are the policy book's. A sentence of a
decision that no sentence of the book gives with these values is a failure, to the cent and the
minute. So is a transaction behind a reason that is not the customer's, or that does not add up
to the value: counts and sums exactly; of matched flows each outflow lies within the window
after an inflow shown with it, and either side holds at least the matched amount.
"""
import argparse
import json
import re
import sys
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal

import yaml
from bank import CENT, DAY, HOUR, MINUTE, Customer, instant, read_events, read_profiles
from catalogue import FEATURES

# ---- numbers for people ----


def rounded(value, digits):
    """Half away from zero; of a binary number as the program does, by its scaled value."""
    if isinstance(value, float):
        scaled = abs(value) * 10**digits
        whole = int(scaled + 0.5)
        return Decimal(-whole if value < 0 else whole) / 10**digits
    return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def grouped(value, digits):
    return f"{rounded(value, digits):,.{digits}f}"


def money(value):
    amount = Decimal(value) if not isinstance(value, float) else rounded(value, 2)
    return ("-" if amount < 0 else "") + "€" + f"{abs(amount):,.2f}"


def percent(value):
    tenths = rounded(value, 3)
    if tenths == 0:
        return "0 %"
    return (grouped(tenths * 100, 1) if abs(tenths) < Decimal("0.1")
            else grouped(rounded(value, 2) * 100, 0)) + " %"


def amount_of(value, one, many):
    tenths = rounded(value, 1)
    text = f"{tenths:,.1f}" if tenths % 1 else f"{tenths:,.0f}"
    return text + (one if abs(tenths) == 1 else many)


def plain(value):
    if isinstance(value, str):
        return value
    if value == 0:
        return "0"
    digits, size = 4, abs(value)
    while size < 0.1 and digits < 13:
        size, digits = size * 10, digits + 1
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def shown(kind, value, style):
    """The text of a value; kind says its unit as in the catalogue: cents, microseconds, 0 or 1."""
    if value is None:
        return "unknown"
    if kind == "truth" and style == "plain":
        return "true" if value else "false"
    if kind == "money":
        value = Decimal(value) * CENT
    if kind == "duration":
        unit = {"days": DAY, "hours": HOUR, "minutes": MINUTE}.get(style)
        value = Decimal(value) / unit if unit else value
    if style in ("eur", "money"):
        return money(value)
    if style == "percent":
        return percent(value)
    if style == "count":
        return grouped(value, 0)
    if style == "days":
        return amount_of(value, " day", " days")
    if style == "hours":
        return amount_of(value, " h", " h")
    if style == "minutes":
        return amount_of(value, " min", " min")
    if style == "ratio":
        return amount_of(value, " time", " times")
    if style == "date":
        at = datetime.fromtimestamp(value // 10**6, timezone.utc)
        return f"{at.day} {at:%B} {at.year}"
    return plain(value)


# ---- the book's sentences ----


class Sentences:
    """Every text of the policy book, by where it stands."""

    def __init__(self, policy):
        self.rule = {r["id"]: r for r in policy["rules"]}
        self.text = []
        self.gather(policy)

    def gather(self, part):
        if isinstance(part, dict):
            for key, value in part.items():
                if isinstance(value, str) and key not in ("id", "when", "family", "name"):
                    self.text.append(value)
                else:
                    self.gather(value)
        elif isinstance(part, list):
            for value in part:
                self.gather(value)


class Unknown(Exception):
    pass


class Values:
    """A customer's features and what the decision itself states."""

    def __init__(self, customer, decision, thresholds):
        self.customer, self.decision, self.thresholds = customer, decision, thresholds
        self.used = 0

    def of(self, name):
        self.used += 1
        if name in FEATURES:
            kind, function = FEATURES[name]
            return kind, function(self.customer)
        if name in self.thresholds:
            return "real", self.thresholds[name]
        if name in ("rules", "severe_rules", "families", "exposure", "probability",
                    "probability_low", "probability_high"):
            return "real", self.decision[name]
        raise Unknown(name)

    def fill(self, text):
        shares = {}
        for name in re.findall(r"\{(\w+):percent\}", text):
            shares[name] = self.of(name)[1]

        def one(match):
            if match.group(0) in ("{{", "}}"):
                return match.group(0)[0]
            name, _, style = match.group(1).partition(":")
            kind, value = self.of(name)
            # Two shares that differ must not read alike: then they have a decimal.
            if style == "percent" and value is not None and any(
                    v is not None and v != value and percent(v) == percent(value)
                    for v in shares.values()):
                return grouped(rounded(value, 3) * 100, 1) + " %"
            return shown(kind, value, style or "plain")
        return re.sub(r"\{\{|\}\}|\{([^{}]+)\}", one, text)


# ---- transactions behind a reason ----


def check_transactions(reason, feature, customer):
    """What is wrong with the transactions that stand behind a reason."""
    ids = reason["evidence"]["transaction_ids"]
    own = {e.id: e for e in customer.events}
    strange = [i for i in ids if i not in own]
    if strange or len(set(ids)) != len(ids):
        return "transactions that are not the customer's, or twice"
    events = [own[i] for i in ids]
    if [e.id for e in events] != [e.id for e in customer.events if e.id in set(ids)]:
        return "transactions are not in time order"
    name, expression = feature["name"], str(feature["expr"])
    if name not in FEATURES:
        return None
    kind, function = FEATURES[name]
    value = function(customer)
    flow = re.fullmatch(r"matched\(\w+ to \w+ within (\d+)([hd])\)", expression)
    if flow:
        within = int(flow.group(1)) * (HOUR if flow.group(2) == "h" else DAY)
        into = [e for e in events if e.direction == "IN"]
        out = [e for e in events if e.direction == "OUT"]
        late = [e for e in out if not any(
            0 <= e.created - max(i.created, i.completed or i.created) <= within for i in into)]
        if late:
            return f"{len(late)} outflows lie outside the window of every inflow shown"
        if min(sum(e.amount for e in into), sum(e.amount for e in out)) < value:
            return "the transactions hold less than the matched amount"
    elif re.fullmatch(r"sum\(amount where [^()]*\)", expression):
        if sum(e.amount or 0 for e in events) != value:
            return "the transactions do not add up to the sum"
    elif re.fullmatch(r"count\([^()]*\)", expression):
        if len(events) != value:
            return "the transactions are not as many as counted"
    else:
        return None
    return True


# ---- a decision ----


def texts_of(decision):
    """Sentences of the book in a decision: where, and the text."""
    for key in ("because", "segment_because"):
        if decision.get(key):
            yield key, decision[key]
    for key in ("safeguards", "mitigating"):
        for text in decision.get(key, []):
            yield key, text
    for measure in decision.get("measures", []):
        yield "measures", measure["sentence"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("customers", "transactions", "score-customers", "score-transactions"):
        parser.add_argument("--" + name, action="append", default=[])
    parser.add_argument("--as-of", type=instant)
    parser.add_argument("--engine", default="tests/oracle/engine_sentences.txt")
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()

    with open(args.run + "/bundle/policy.yaml", encoding="utf-8") as file:
        policy = yaml.safe_load(file)
    with open(args.run + "/bundle/features.yaml", encoding="utf-8") as file:
        book = {f["name"]: f for f in yaml.safe_load(file)["features"]}
    with open(args.engine, encoding="utf-8") as file:
        engine = {line.rstrip("\n") for line in file if line.strip()}
    costs = policy["costs"]
    thresholds = {"threshold_medium": costs["monitor"] / costs["missed_risk"],
                  "threshold_high": costs["review"] / costs["missed_risk"],
                  "threshold_offboarding":
                      costs["wrong_exit"] / (costs["wrong_exit"] + costs["missed_risk"])}
    sentences = Sentences(policy)
    profiles = read_profiles(args.customers, args.score_customers)
    events, as_of = read_events(args.transactions + args.score_transactions, profiles, args.as_of)
    with open(args.run + "/decisions.jsonl", encoding="utf-8") as file:
        decisions = [json.loads(line) for line in file]

    wrong, count, added, values = [], 0, 0, 0
    proposed = 0
    for decision in decisions:
        key = decision["customer_id"]
        proposed += decision["action"] == "PROPOSE_OFFBOARDING"
        customer = Customer(profiles[key], events.get(key, []), as_of)
        say = Values(customer, decision, thresholds)
        possible = set()
        for text in sentences.text:
            try:
                possible.add(say.fill(text))
            except Unknown:
                pass
        say.used = 0

        def check(where, text, mine):
            nonlocal count
            count += 1
            if text != mine:
                wrong.append(f"{where}: the program says {text!r}, the oracle {mine!r}")

        for where, text in texts_of(decision):
            count += 1
            if text not in possible and text not in engine:
                wrong.append(f"{where}: no sentence of the book gives {text!r}")
        for reason in decision["reasons"]:
            evidence = reason["evidence"]
            feature = book[evidence["feature"]]
            style = feature.get("format", "plain")
            known = evidence["feature"] in FEATURES
            if known:
                check("value of " + reason["code"], evidence["value"],
                      shown(*say.of(evidence["feature"]), style))
            if reason["source"] == "rule":
                rule = sentences.rule[reason["code"]]
                for part, field in (("because", "sentence"), ("also", "also"),
                                    ("missing_proof", "missing_proof"),
                                    ("next_step", "next_step")):
                    check(f"{part} of {reason['code']}", reason[field],
                          say.fill(rule.get(part, "")))
            elif known:
                push = rounded(reason["contribution"], 2)
                check("model's " + reason["code"], reason["sentence"],
                      f"{feature['says']}: {shown(*say.of(evidence['feature']), style)} "
                      f"(raises the log-odds by {push:.2f}).")
            problem = check_transactions(reason, feature, customer)
            if problem is True:
                added += 1
            elif problem is not None:
                wrong.append(f"{reason['code']}: {problem}")
        values += say.used
    for line in wrong[:20]:
        print("wrong: " + line)
    print(f"sentences: {len(decisions)} decisions ({proposed} proposed), {count} sentences with "
          f"{values} values, {added} sets of transactions added up, {len(wrong)} mismatches")
    return 1 if wrong or count == 0 or added == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
