"""Compute every feature of the default book from the CSV files alone, and compare.

    python tests/oracle/features.py --customers labelled_users.csv \\
        --transactions labelled_transactions.csv --score-customers unlabelled_users.csv \\
        --score-transactions unlabelled_transactions.csv [--as-of TIME] --run FOLDER

The book is read for its names only: each feature is written here once more by hand, from what it
means, so that an error of the program's parser, evaluator, collapse or windows shows as a
mismatch. Counts, money, truths, texts and durations must be equal; other numbers within 1e-9.
The files must be clean: what cannot be read is not this program's subject and stops it.
"""
import argparse
import csv
import json
import math
import re
import sys
from collections import Counter, namedtuple
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd

HOUR = 3600 * 10**6  # all times and durations are whole microseconds
DAY = 24 * HOUR
CENT = Decimal("0.01")

# ---- what the files say ----


def instant(text):
    """Microseconds since 1970, UTC when no zone is written; None for an empty cell."""
    if text == "":
        return None
    at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def cents(text):
    if text == "":
        return None
    units = Decimal(text) / CENT
    if units != int(units):
        raise ValueError("an amount has more than two decimals")
    return int(units)


def truth(text):
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False,
            "": None}[text.strip().lower()]


def table(paths):
    """All files one under the other, every cell as text; a column that a file lacks is NaN."""
    parts = [pd.read_csv(p, dtype=str, keep_default_na=False, encoding="utf-8-sig") for p in paths]
    return pd.concat(parts, ignore_index=True)


# ---- from rows to customers ----


def settle(values):
    """The most frequent value; on a tie nobody can say which holds, so it is missing."""
    ranked = Counter(v for v in values if v is not None).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def text_or_missing(cell):
    return None if cell == "" else cell


def read_profiles(labelled, scored):
    rows = table(labelled + scored).fillna("")
    cohort = {}
    for name, paths in (("labelled", labelled), ("scored", scored)):
        for customer in set(table(paths).user_id) if paths else ():
            cohort[customer] = "both" if customer in cohort else name
    profile = {}
    for customer, group in rows.groupby("user_id", sort=False):
        profile[customer] = {
            "cohort": cohort[customer],
            "records": len(group.drop_duplicates()),
            "reason_to_use_app": settle(map(text_or_missing, group.reason_to_use_app)),
            "kyc_state": settle(map(text_or_missing, group.kyc_state)),
            "has_biometrics": settle(map(truth, group.has_biometrics))}
    return profile


# ---- from rows to events ----

Event = namedtuple("Event", "id created completed state type amount direction records")


def count_versions(cells):
    """Rows that differ. A column that a row's file does not have cannot tell it from another."""
    told = [k for k in range(len(cells[0])) if all(c[k] is not None for c in cells)]
    kinds = {}
    for row in cells:
        rest = tuple(c for k, c in enumerate(row) if k not in told)
        own = kinds.setdefault(tuple(row[k] for k in told), set())
        if any(c is not None for c in rest):
            own.add(rest)
    return sum(max(1, len(own)) for own in kinds.values())


def known_from(row):
    """A final state is known from its completion on, or from its creation if that is later."""
    return row.created if row.completed is None else max(row.created, row.completed)


def latest_final(finals):
    """The last to be known; of several at one instant the bytes of the state, then the amount."""
    return max(finals, key=lambda r: (known_from(r), r.state.encode(), r.amount))


def collapse(rows, as_of):
    """One id's rows as known at as_of, a final state once it is known, else pending: the row that
    counts, whether it is final, and how many versions of it were known."""
    finals = [r for r in rows if r.state not in ("PENDING", "")]
    pending = [r for r in rows if r.state in ("PENDING", "")]
    known = [r for r in finals if known_from(r) <= as_of]
    records = count_versions([r.cells for r in known + pending]) if known or pending else 1
    if known:
        return latest_final(known), True, records
    # Nothing final yet: what was announced last, or the coming final row's own figures.
    if pending:
        return max(pending, key=lambda r: (r.created, r.state.encode(), r.amount)), False, records
    return min(finals, key=lambda r: (known_from(r), r.state.encode(), r.amount)), False, records


Row = namedtuple("Row", "id customer created completed state type amount direction cells")


def read_rows(paths):
    rows = table(paths)
    wanted = ["id", "user_id", "created_at", "completed_at", "state", "type", "amount", "direction"]
    whole = [tuple(c if isinstance(c, str) else None for c in cells)
             for cells in rows.itertuples(index=False, name=None)]
    return [Row(i, customer, instant(created), instant(done), state, text_or_missing(kind),
                cents(amount), text_or_missing(direction), cells)
            for (i, customer, created, done, state, kind, amount, direction), cells
            in zip(rows[wanted].itertuples(index=False, name=None), whole)]


def read_events(paths, customers, as_of):
    """Events of each customer by created_at, then id bytes; and as_of."""
    rows = read_rows(paths)
    if as_of is None:
        as_of = max(t for r in rows for t in (r.created, r.completed) if t is not None)
    versions = {}
    for r in rows:
        if r.customer in customers and r.created <= as_of:
            versions.setdefault((r.customer, r.id), []).append(r)
    own = {}
    for (customer, key), group in versions.items():
        r, final, records = collapse(group, as_of)
        own.setdefault(customer, []).append(Event(
            key, r.created, r.completed if final else None, r.state if final else "PENDING", r.type,
            r.amount, r.direction, records))
    for events_of_one in own.values():
        events_of_one.sort(key=lambda e: (e.created, e.id.encode()))
    return own, as_of


class Customer:
    def __init__(self, profile, events, as_of):
        self.profile, self.events, self.as_of = profile, events, as_of

    def first(self, days):
        """[t0, t0 + w), t0 the first event of any state."""
        return [e for e in self.events if e.created < self.events[0].created + days * DAY]

    def last(self, days):
        """(as_of - w, as_of]"""
        return [e for e in self.events if self.as_of - days * DAY < e.created <= self.as_of]


# ---- the book's words ----


def completed(e):
    return e.state == "COMPLETED"


def money_in(e):
    return (completed(e) and e.direction == "IN" and
            e.type in ("BANK_TRANSFER", "CARD_TOP_UP", "CRYPTO_OFF_RAMP", "PAYMENTS"))


def money_out(e):
    return (completed(e) and e.direction == "OUT" and
            e.type in ("BANK_TRANSFER", "CRYPTO_ON_RAMP", "CARDS", "PAYMENTS"))


def exit_out(e):
    return money_out(e) and e.type != "CARDS"


def bank_in(e):
    return money_in(e) and e.type == "BANK_TRANSFER"


def bank_out(e):
    return money_out(e) and e.type == "BANK_TRANSFER"


def crypto_out(e):
    return money_out(e) and e.type == "CRYPTO_ON_RAMP"


def crypto_in(e):
    return money_in(e) and e.type == "CRYPTO_OFF_RAMP"


def top_up(e):
    return e.type == "CARD_TOP_UP"


def card_attempt(e):
    return e.type == "CARDS" and e.direction == "OUT"


def small_credit(e):
    return money_in(e) and e.amount is not None and e.amount <= 500


# ---- measuring: amounts are cents ----


def amounts(events, condition):
    return [e.amount for e in events if condition(e) and e.amount is not None]


def total(events, condition):
    return sum(amounts(events, condition))


def count(events, condition):
    return sum(1 for e in events if condition(e))


def share(events, condition):
    return ratio(count(events, condition), len(events))


def ratio(part, whole):
    return None if whole == 0 else part / whole


def matched(events, arrives, leaves, within):
    """Money that left within `within` of its arrival, every unit matched once, first in first out."""
    lots = [[max(e.completed, e.created), e.created, e.id.encode(), e.amount]
            for e in events if arrives(e) and e.completed is not None and e.amount is not None]
    lots.sort()
    moved = 0
    for out in events:  # by created_at, then id
        if not leaves(out) or out.amount is None:
            continue
        wanted = out.amount
        for lot in lots:
            if out.created - within <= lot[0] <= out.created:
                part = min(wanted, lot[3])
                lot[3] -= part
                wanted -= part
                moved += part
    return moved


def since_first(c):
    return c.as_of - c.events[0].created if c.events else None


# ---- the features, one by one ----

FEATURES = {}  # name: (kind, function)


def feature(kind):
    def keep(function):
        FEATURES[function.__name__] = (kind, function)
        return function
    return keep


@feature("real")
def early_pass_through_24h(c):
    e = c.first(14)
    return ratio(matched(e, money_in, money_out, 24 * HOUR), total(e, money_in))


@feature("real")
def early_exit_through_24h(c):
    e = c.first(14)
    return ratio(matched(e, money_in, exit_out, 24 * HOUR), total(e, money_in))


@feature("real")
def early_exit_through_1h(c):
    e = c.first(14)
    return ratio(matched(e, money_in, exit_out, HOUR), total(e, money_in))


@feature("real")
def early_bank_forward_6h(c):
    e = c.first(14)
    return ratio(matched(e, bank_in, bank_out, 6 * HOUR), total(e, bank_in))


@feature("real")
def early_bank_to_crypto_72h(c):
    e = c.first(14)
    return ratio(matched(e, bank_in, crypto_out, 72 * HOUR), total(e, bank_in))


@feature("real")
def early_cash_out(c):
    e = c.first(14)
    return total(e, exit_out) / (total(e, money_in) + 100)


@feature("real")
def early_drain(c):
    e = c.first(14)
    received, spent = total(e, money_in), total(e, money_out)
    return ratio(min(received, spent), max(received, spent))


@feature("money")
def early_outflow_excess(c):
    e = c.first(14)
    return max(total(e, money_out) - total(e, money_in), 0)


@feature("money")
def early_inflow(c):
    return total(c.first(14), money_in)


@feature("money")
def early_outflow(c):
    return total(c.first(14), exit_out)


@feature("money")
def early_outflow_max(c):
    return max(amounts(c.first(14), money_out), default=0)


@feature("money")
def early_inflow_max(c):
    return max(amounts(c.first(14), money_in), default=0)


@feature("real")
def early_outflow_mean(c):
    spent = amounts(c.first(14), money_out)
    return sum(spent) / len(spent) / 100 if spent else None


@feature("money")
def early_inflow_3d(c):
    return total(c.first(3), money_in)


@feature("count")
def early_bank_in_count(c):
    return count(c.first(14), bank_in)


@feature("count")
def early_bank_out_count(c):
    return count(c.first(14), bank_out)


@feature("count")
def early_small_credits(c):
    return count(c.first(14), small_credit)


@feature("real")
def early_card_share(c):
    return share(c.first(14), lambda e: e.type == "CARDS")


@feature("real")
def early_bank_share(c):
    return share(c.first(14), lambda e: e.type == "BANK_TRANSFER")


@feature("real")
def early_top_up_share(c):
    return share(c.first(14), top_up)


@feature("real")
def early_crypto_share(c):
    e = c.first(14)
    return ratio(total(e, crypto_out), total(e, money_out))


@feature("real")
def early_off_ramp_share(c):
    e = c.first(14)
    return ratio(total(e, crypto_in), total(e, money_in))


@feature("real")
def early_payments_share(c):
    return share(c.first(14), lambda e: e.type == "PAYMENTS")


@feature("count")
def early_types(c):
    return len({e.type for e in c.first(14) if e.type is not None})


@feature("real")
def early_reward_share(c):
    e = c.first(14)
    rewards = total(e, lambda e: e.type == "USER_REWARD" and completed(e))
    return rewards / (total(e, money_in) + 100)


@feature("real")
def early_failed_top_up_share(c):
    return share([e for e in c.first(14) if top_up(e)], lambda e: e.state == "FAILED")


@feature("real")
def early_declined_card_share(c):
    return share([e for e in c.first(14) if card_attempt(e)], lambda e: e.state == "DECLINED")


@feature("real")
def early_pending_share(c):
    return share(c.first(14), lambda e: e.state == "PENDING")


@feature("count")
def early_attempts_3d(c):
    return len(c.first(3))


@feature("count")
def early_attempts(c):
    return len(c.first(14))


@feature("text")
def reason_to_use_app(c):
    return c.profile["reason_to_use_app"]


@feature("truth")
def reason_missing(c):
    return c.profile["reason_to_use_app"] is None


@feature("truth")
def has_biometrics(c):
    return c.profile["has_biometrics"]


@feature("truth")
def kyc_incomplete(c):
    state = c.profile["kyc_state"]
    return None if state is None else state != "COMPLETED"


@feature("money")
def inflow(c):
    return total(c.events, money_in)


@feature("money")
def outflow(c):
    return total(c.events, money_out)


@feature("real")
def pass_through_24h(c):
    return ratio(matched(c.events, money_in, exit_out, 24 * HOUR), total(c.events, money_in))


@feature("money")
def passed_24h(c):
    return matched(c.events, money_in, exit_out, 24 * HOUR)


@feature("money")
def gone_24h(c):
    return matched(c.events, money_in, money_out, 24 * HOUR)


@feature("real")
def gone_share_24h(c):
    return ratio(matched(c.events, money_in, money_out, 24 * HOUR), total(c.events, money_in))


@feature("money")
def bank_forwarded_6h(c):
    return matched(c.events, bank_in, bank_out, 6 * HOUR)


@feature("money")
def bank_received(c):
    return total(c.events, bank_in)


@feature("money")
def bank_to_crypto_72h(c):
    return matched(c.events, bank_in, crypto_out, 72 * HOUR)


@feature("money")
def outflow_excess(c):
    return total(c.events, money_out) - total(c.events, money_in)


@feature("count")
def small_credits(c):
    return count(c.events, small_credit)


@feature("count")
def bank_in_count(c):
    return count(c.events, bank_in)


@feature("money")
def bank_out_max(c):
    return max(amounts(c.events, bank_out), default=None)


@feature("money")
def exit_max(c):
    return max(amounts(c.events, exit_out), default=None)


@feature("money")
def card_spending(c):
    return total(c.events, lambda e: completed(e) and card_attempt(e))


@feature("count")
def completed_events(c):
    return count(c.events, completed)


@feature("duration")
def history(c):
    return since_first(c)


@feature("count")
def failed_top_ups(c):
    return count(c.events, lambda e: top_up(e) and e.state == "FAILED")


@feature("count")
def events(c):
    return len(c.events)


@feature("truth")
def has_events(c):
    return len(c.events) > 0


@feature("real")
def days_since_last(c):
    return (c.as_of - c.events[-1].created) / DAY if c.events else None


@feature("truth")
def silent_7d(c):
    return len(c.last(7)) == 0


@feature("real")
def tenure_days(c):
    return since_first(c) / DAY if c.events else None


@feature("real")
def active_span_days(c):
    return (c.events[-1].created - c.events[0].created) / DAY if c.events else None


@feature("count")
def customer_records(c):
    return c.profile["records"]


@feature("real")
def transaction_versions(c):
    return ratio(sum(e.records for e in c.events), len(c.events))


@feature("count")
def operator_bookings(c):
    return count(c.events, lambda e: e.type == "MANUAL")


@feature("truth")
def window_cut_short(c):
    return since_first(c) < 14 * DAY if c.events else None


# ---- comparing ----

UNITS = {"s": 10**6, "min": 60 * 10**6, "h": HOUR, "d": DAY, "w": 7 * DAY}


def duration(text):
    number, unit = re.fullmatch(r"(-?[0-9.]+)([a-z]+)", text).groups()
    return Decimal(number) * UNITS[unit]


def agree(kind, mine, cell):
    if mine is None or cell == "":
        return mine is None and cell == ""
    if kind == "count":
        return cell == str(mine)
    if kind == "money":
        return cell == str(Decimal(mine) * CENT)
    if kind == "truth":
        return cell == ("true" if mine else "false")
    if kind == "text":
        return cell == mine
    if kind == "duration":
        return duration(cell) == mine
    return math.isclose(float(cell), mine, rel_tol=1e-9, abs_tol=1e-12)


def compare_book(book, header):
    """Problems with the names: a feature that has no counterpart here, or the reverse."""
    with open(book, encoding="utf-8") as file:
        text = file.read().partition("\nfeatures:")[2]
    named = re.findall(r"^  - name: *(\w+)", text, re.M)
    peers = re.findall(r"^  - name: *(\w+)\n    expr: *peer_", text, re.M)  # peers.py has them
    problems = [f"{n}: the book has it, the oracle does not" for n in named
                if n not in FEATURES and n not in peers]
    problems += [f"{n}: the oracle has it, the book does not" for n in FEATURES if n not in named]
    if header != ["customer_id", "cohort"] + named:
        problems.append("features.csv does not have the book's features in the book's order")
    return named, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("customers", "transactions", "score-customers", "score-transactions"):
        parser.add_argument("--" + name, action="append", default=[])
    parser.add_argument("--as-of", type=instant)
    parser.add_argument("--book", default="spec/features.yaml")
    parser.add_argument("--run", required=True, help="the folder that `assay run` wrote")
    args = parser.parse_args()

    profiles = read_profiles(args.customers, args.score_customers)
    own_events, as_of = read_events(args.transactions + args.score_transactions, profiles,
                                    args.as_of)
    with open(args.run + "/features.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    named, problems = compare_book(args.book, rows[0])
    with open(args.run + "/run.json", encoding="utf-8") as file:
        stated = json.load(file).get("as_of")
    if instant(stated) != as_of:
        problems.append(f"as_of is {stated} in run.json, not {as_of} microseconds since 1970")
    ids = [row[0] for row in rows[1:]]
    if ids != sorted(profiles, key=str.encode):
        problems.append("features.csv does not have each customer once, in order of id")
    cohorts = sum(row[1] != profiles[row[0]]["cohort"] for row in rows[1:] if row[0] in profiles)
    if cohorts:
        problems.append(f"{cohorts} customers are in another cohort")

    customers = {i: Customer(p, own_events.get(i, []), as_of) for i, p in profiles.items()}
    column = {name: k for k, name in enumerate(rows[0])}
    cells = mismatches = 0
    print(f"{'feature':28} {'cells':>6} {'missing':>7} {'values':>6} {'wrong':>5}")
    for name in named:
        if name not in FEATURES or name not in column:
            continue
        kind, function = FEATURES[name]
        wrong, seen, missing = [], set(), 0
        for row in rows[1:]:
            if row[0] not in customers:
                continue
            mine, cell = function(customers[row[0]]), row[column[name]]
            seen.add(mine)
            missing += mine is None
            if not agree(kind, mine, cell):
                wrong.append(f"  {row[0]}: features.csv has {cell!r}, the oracle {mine!r}")
        print(f"{name:28} {len(ids):6} {missing:7} {len(seen):6} {len(wrong):5}")
        print("\n".join(wrong[:3]), end="\n" if wrong else "")
        cells += len(ids)
        mismatches += len(wrong)
    for problem in problems:
        print("problem: " + problem)
    print(f"features: {len(named)} features, {len(ids)} customers, {cells} cells compared, "
          f"{mismatches} mismatches")
    return 1 if mismatches or problems or not ids else 0


if __name__ == "__main__":
    sys.exit(main())
