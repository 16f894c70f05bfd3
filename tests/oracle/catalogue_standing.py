"""What is on record about the customer: features by hand, from what they mean."""
from bank import DAY
from measures import (
    card_spent, count, crypto, crypto_out, days, gaps, largest, money_out, ratio, share,
    since_first, total)
from catalogue_money import cash_out
from register import FEATURES, feature, over

# ---- profile ----


def record(kind, *names):
    for name in names:
        FEATURES[name] = (kind, lambda c, n=name: c.profile[n])


record("text", "reason_to_use_app", "kyc_state", "screening_state")
record("truth", "has_biometrics", "is_pep", "is_adverse_media_minor")


def other_than(value, *usual):
    """Unknown when the value is."""
    return None if value is None else value not in usual


@feature("truth")
def reason_missing(c):
    return c.profile["reason_to_use_app"] is None


@feature("truth")
def occupation_missing(c):
    return c.profile["occupation"] is None


@feature("truth")
def kyc_incomplete(c):
    return other_than(c.profile["kyc_state"], "COMPLETED")


@feature("truth")
def screening_open(c):
    return other_than(c.profile["screening_state"], "COMPLETED")


# ---- mismatch ----


def both(*parts):
    """SQL's and: false wins over unknown, unknown over true."""
    return False if False in parts else None if None in parts else True


def below(value, bound):
    return None if value is None else value < bound


def opened_for(c, *reasons):
    reason = c.profile["reason_to_use_app"]
    return None if reason is None else reason in reasons


CRYPTO_REASONS = ("CRYPTO_SERVICES", "NON_CUSTODIAL_CRYPTO_WALLET")


@feature("truth")
def daily_use_conflict(c):
    by_card = ratio(total(c.events, card_spent), total(c.events, money_out))
    return both(opened_for(c, "DAILY_PAYMENT_SERVICES"), below(by_card, 0.05), cash_out(c) > 0.8)


@feature("truth")
def travel_use_conflict(c):
    return both(opened_for(c, "TRAVEL_ACCOUNT"),
                below(share(c.events, lambda e: e.type == "CARDS"), 0.05))


@feature("truth")
def crypto_without_reason(c):
    part = ratio(total(c.events, crypto_out), total(c.events, money_out))
    reason = opened_for(c, *CRYPTO_REASONS)
    return both(None if reason is None else not reason, None if part is None else part > 0)


@feature("truth")
def crypto_reason_unused(c):
    unused = not any(map(crypto, c.events)) if c.events else None
    return both(opened_for(c, *CRYPTO_REASONS), unused)


@feature("truth")
def foreign_phone(c):
    return other_than(c.profile["phone_number_country_code"], "33", "26", "50", "59", "68")


@feature("truth")
def foreign_document(c):
    return other_than(c.profile["document_issuing_country"], "FR")


@feature("truth")
def foreign_language(c):
    locale = c.profile["locale"]
    return None if locale is None else not locale.startswith("fr")


@feature("count")
def record_conflicts(c):
    return [foreign_phone(c), foreign_document(c), foreign_language(c)].count(True)


# ---- observation ----


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
def active_days(c):
    return days(c.events)


@feature("duration")
def gap_max(c):
    return largest(gaps(c, c.events))


@feature("count")
def customer_records(c):
    return c.profile["records"]


@feature("real")
def transaction_versions(c):
    return ratio(sum(e.records for e in c.events), len(c.events))


@feature("truth")
def window_cut_short(c):
    return since_first(c) < 14 * DAY if c.events else None
