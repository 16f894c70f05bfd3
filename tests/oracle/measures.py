"""The book's words and ways of measuring, written once more by hand from what they mean."""
import math
from collections import Counter

from bank import DAY, HOUR

# ---- words: what kind of event it is ----


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


def topped_up(e):
    return completed(e) and top_up(e) and e.direction == "IN"


def card_spent(e):
    return completed(e) and card_attempt(e)


def crypto(e):
    return e.type in ("CRYPTO_ON_RAMP", "CRYPTO_OFF_RAMP")


def reward(e):
    return completed(e) and e.type == "USER_REWARD"


def payment_in(e):
    return completed(e) and e.type == "PAYMENTS" and e.direction == "IN"


def payment_out(e):
    return completed(e) and e.type == "PAYMENTS" and e.direction == "OUT"


def failed_top_up(e):
    return top_up(e) and e.state == "FAILED"


def given_up(e):
    """Ended without moving money."""
    return e.state in ("FAILED", "DECLINED", "REVERSED", "CANCELLED")


def chosen(e):
    """Somebody chose this amount: a transfer, payment, top-up or crypto order, however it ended."""
    return (e.amount is not None and e.amount > 0 and
            e.type in ("BANK_TRANSFER", "PAYMENTS", "CARD_TOP_UP", "CRYPTO_ON_RAMP",
                       "CRYPTO_OFF_RAMP"))


def under_1000(e):
    return chosen(e) and 900_00 <= e.amount < 1000_00


def under_10000(e):
    return chosen(e) and 9000_00 <= e.amount < 10000_00


def part_deposit(e):
    return money_in(e) and e.amount is not None and e.amount < 1000_00


def micro_card(e):
    return card_attempt(e) and e.amount is not None and e.amount <= 2_00


def anything(_):
    return True


# ---- counting and adding; amounts are cents ----


def amounts(events, condition):
    return [e.amount for e in events if condition(e) and e.amount is not None]


def total(events, condition):
    return sum(amounts(events, condition))


def count(events, condition):
    return sum(1 for e in events if condition(e))


def share(events, condition):
    return ratio(count(events, condition), len(events))


def ratio(part, whole):
    if part is None or whole is None or whole == 0:
        return None
    return part / whole


def smoothed(part, whole):
    return (part + 0.5) / (whole + 1)


def largest(values):
    return max(values, default=None)


def mean(values):
    return sum(values) / len(values) if values else None


def deviation(values):
    """Standard deviation with n - 1; of whole numbers exact up to the root."""
    n = len(values)
    if n < 2:
        return None
    if all(isinstance(v, int) for v in values):
        return math.sqrt((n * sum(v * v for v in values) - sum(values) ** 2) / (n * (n - 1)))
    middle = math.fsum(values) / n
    return math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (n - 1))


def quantile(values, p):
    """R-7: between the neighbours of place p (n - 1), in a straight line."""
    if not values:
        return None
    ranked, place = sorted(values), p * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)


def nearest(value):
    """To the nearest whole microsecond, halves away from zero."""
    if value is None:
        return None
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def kinds(events, condition=anything):
    """How often each kind of transaction occurs."""
    return Counter(e.type for e in events if condition(e) and e.type is not None)


def hours_of_day(events):
    return Counter(e.created // HOUR % 24 for e in events)


def weekday(e):
    """1 for Monday; 1 January 1970 was a Thursday."""
    return (e.created // DAY + 3) % 7 + 1


def days(events):
    return len({e.created // DAY for e in events})


def entropy(counts):
    n = sum(counts.values())
    return -sum(k / n * math.log(k / n) for k in counts.values()) if n else None


def concentration(counts):
    n = sum(counts.values())
    return sum(k * k for k in counts.values()) / (n * n) if n else None


def most_frequent(counts):
    return max(counts.values(), default=0)


# ---- money that flows through ----


def flows(events, arrives, leaves, within):
    """Money that left within `within` of its arrival, every unit matched once, first in first out.
    The lots with [arrival, created, id, left of it, amount], and parts as (amount, lag)."""
    lots = [[max(e.completed, e.created), e.created, e.id.encode(), e.amount, e.amount]
            for e in events if arrives(e) and e.completed is not None and e.amount is not None]
    lots.sort()
    parts = []
    for out in events:  # by created_at, then id
        if not leaves(out) or out.amount is None:
            continue
        wanted = out.amount
        for lot in lots:
            if out.created - within <= lot[0] <= out.created:
                part = min(wanted, lot[3])
                lot[3] -= part
                wanted -= part
                if part > 0:
                    parts.append((part, out.created - lot[0]))
    return lots, parts


def matched(events, arrives, leaves, within):
    return sum(part for part, _ in flows(events, arrives, leaves, within)[1])


def mean_lag(events, arrives, leaves, within):
    """How long matched money stayed, each euro counting alike."""
    _, parts = flows(events, arrives, leaves, within)
    moved = sum(part for part, _ in parts)
    if moved == 0:
        return None
    return (2 * sum(part * lag for part, lag in parts) + moved) // (2 * moved)


def drained(events, arrives, leaves, within, tenths):
    """Lots of which at least so many tenths left."""
    lots, _ = flows(events, arrives, leaves, within)
    return sum(10 * (lot[4] - lot[3]) >= tenths * lot[4] for lot in lots if lot[4] > 0)


def followed(events, begins, follows, within):
    """Events that have a later one of the other kind at most `within` after them."""
    return sum(begins(e) and any(follows(f) and f.created - e.created <= within
                                 for f in events[k + 1:])
               for k, e in enumerate(events))


def times_to_next(events, begins, follows):
    """For each event of the first kind, the time to the next of the other, where there is one."""
    times = []
    for k, e in enumerate(events):
        later = [f.created - e.created for f in events[k + 1:] if follows(f)]
        if begins(e) and later:
            times.append(later[0])
    return times


def balance(events):
    """What completed transactions add up to, those of an operator (MANUAL) left out."""
    return sum((e.amount if e.direction == "IN" else -e.amount) for e in events
               if completed(e) and e.type not in (None, "MANUAL") and e.amount is not None and
               e.direction in ("IN", "OUT"))


# ---- the order of events: what came before looks back over the whole history ----


def gaps(c, events):
    """Time since the event before, of each that has one."""
    return [e.created - c.earlier(e)[-1].created for e in events if c.places[e.id] > 0]


def balances(c, events):
    """The running balance after each event."""
    return [balance(c.until(e)) for e in events]


def busiest(c, events, condition, within):
    """Most events of a kind within a stretch of time that ends with an event."""
    return largest([count(c.until(e, within), condition) for e in events])


def heaviest(c, events, condition, within):
    return largest([total(c.until(e, within), condition) for e in events])


def longest_run(c, events, condition, among=anything):
    """Most events in a row, among those of a kind, for which the condition holds."""
    longest = run = 0
    inside = {e.id for e in events}
    for e in c.events:
        if among(e):
            run = run + 1 if condition(e) else 0
            if e.id in inside:
                longest = max(longest, run)
    return longest


def logs(events, condition):
    """Natural logarithms of 1 + euros."""
    return [math.log1p(a / 100) for a in amounts(events, condition)]


def score(value, values):
    """How many standard deviations a value lies above the mean of the customer's own."""
    spread = deviation(values)
    return None if value is None or spread is None else (value - mean(values)) / (spread + 0.1)


def since_first(c):
    return c.as_of - c.events[0].created if c.events else None
