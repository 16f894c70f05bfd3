"""A bank's CSV files as customers with their events, read with pandas and nothing of assay's.

The files must be clean: what cannot be read is not this program's subject and stops it. All times
and durations are whole microseconds, amounts whole cents.
"""
from collections import Counter, namedtuple
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd

MINUTE = 60 * 10**6
HOUR = 60 * MINUTE
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


TEXTS = ("reason_to_use_app", "kyc_state", "screening_state", "occupation",
         "phone_number_country_code", "document_issuing_country", "locale")
TRUTHS = ("has_biometrics", "is_pep", "is_adverse_media_minor")


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
            **{name: settle(map(text_or_missing, group[name])) for name in TEXTS},
            **{name: settle(map(truth, group[name])) for name in TRUTHS}}
    return profile


# ---- from rows to events ----

Event = namedtuple("Event", "id created completed state type amount direction reference records")


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


Row = namedtuple("Row", "id customer created completed state type amount direction reference cells")


def read_rows(paths):
    rows = table(paths)
    wanted = ["id", "user_id", "created_at", "completed_at", "state", "type", "amount", "direction",
              "reference_transaction_id"]
    whole = [tuple(c if isinstance(c, str) else None for c in cells)
             for cells in rows.itertuples(index=False, name=None)]
    return [Row(i, customer, instant(created), instant(done), state, text_or_missing(kind),
                cents(amount), text_or_missing(direction), text_or_missing(reference), cells)
            for (i, customer, created, done, state, kind, amount, direction, reference), cells
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
            r.amount, r.direction, r.reference, records))
    for events_of_one in own.values():
        events_of_one.sort(key=lambda e: (e.created, e.id.encode()))
    return own, as_of


class Customer:
    """A customer's profile and events in order; places[id] is an event's place among them."""

    def __init__(self, profile, events, as_of):
        self.profile, self.events, self.as_of = profile, events, as_of
        self.places = {e.id: k for k, e in enumerate(events)}

    def first(self, days):
        """[t0, t0 + w), t0 the first event of any state."""
        return [e for e in self.events if e.created < self.events[0].created + days * DAY]

    def last(self, days):
        """(as_of - w, as_of]"""
        return [e for e in self.events if self.as_of - days * DAY < e.created <= self.as_of]

    def earlier(self, event, within=None):
        """The whole history before an event, itself left out; the last `within` of it."""
        return [e for e in self.events[:self.places[event.id]]
                if within is None or e.created > event.created - within]

    def until(self, event, within=None):
        """The same and the event itself: (t - w, t]."""
        return self.earlier(event, within) + [event]
