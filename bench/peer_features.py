"""The row that the model reads, from a request's own transactions, in plain Python: tests/oracle has each feature by hand.

Only what the model reads is computed; the service computes every feature of its book, for the policy and the record.
"""

import os
import re
import sys
from decimal import Decimal

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))

from bank import DAY, TEXTS, TRUTHS, Customer, Event, Row, cents, collapse, instant  # noqa: E402
from catalogue import FEATURES  # noqa: E402


def functions(names):
    """What gives each of the model's columns; `feature=VALUE` is whether the feature is that value."""
    return [one(*re.fullmatch(r"([^=]+)(?:=(.*))?", name).groups()) for name in names]


def one(name, value):
    kind, function = FEATURES[name]
    if value is not None:
        return lambda customer: float(function(customer) == value)
    unit = {"money": 100, "duration": DAY}.get(kind, 1)
    return lambda customer: float("nan") if (got := function(customer)) is None else got / unit


def row(columns, request):
    customer = customer_of(request)
    return [column(customer) for column in columns]


def customer_of(request):
    as_of = instant(request.as_of)
    versions = {}
    for given in map(row_of, request.transactions):
        if given.created <= as_of:
            versions.setdefault(given.id, []).append(given)
    events = []
    for key, rows in versions.items():
        r, final, records = collapse(rows, as_of)
        state, done = (r.state, r.completed) if final else ("PENDING", None)
        events.append(Event(key, r.created, done, state, r.type, r.amount, r.direction, r.reference, records))
    events.sort(key=lambda e: (e.created, e.id.encode()))
    profile = {"records": 1, **{name: request.customer.get(name) for name in TEXTS + TRUTHS}}
    return Customer(profile, events, as_of)


def row_of(given):
    at = [instant(given.get(name) or "") for name in ("created_at", "completed_at")]
    amount = given.get("amount")
    texts = [given.get(name) for name in ("type", "direction", "reference_transaction_id")]
    kind, direction, reference = texts
    return Row(
        given["id"], given["user_id"], *at, given.get("state") or "", kind,
        cents("" if amount is None else str(Decimal(str(amount)))), direction, reference,
        tuple(map(str, given.values())),
    )
