"""What the customer does, when and with whom: features by hand, from what they mean."""
from collections import Counter

from bank import DAY, HOUR, MINUTE
from measures import (
    amounts, anything, bank_in, bank_out, busiest, card_attempt, card_spent, completed, count,
    crypto, crypto_in, crypto_out, days, deviation, entropy, exit_out, failed_top_up, followed,
    gaps, given_up, heaviest, hours_of_day, kinds, largest, logs, longest_run, matched, mean,
    money_in, money_out, most_frequent, nearest, payment_in, payment_out, quantile, ratio,
    score, share, since_first, smoothed, top_up, topped_up, total, weekday)
from register import ALL, EARLY, EARLY_3, MONTH, WEEK, feature, over

# ---- activity ----


@over("count", early_attempts_3d=EARLY_3, early_attempts=EARLY, attempts_7d=WEEK, attempts_30d=MONTH,
      events=ALL)
def _(c, e):
    return len(e)


@over("count", early_completed=EARLY, completed_events=ALL)
def _(c, e):
    return count(e, completed)


@over("real", early_per_active_day=EARLY, per_active_day=ALL)
def _(c, e):
    return ratio(len(e), days(e))


@over("duration", early_gap_median=EARLY, gap_median=ALL)
def _(c, e):
    return nearest(quantile(gaps(c, e), 0.5))


@feature("duration")
def gap_mean(c):
    return nearest(mean(gaps(c, c.events)))


@feature("real")
def gap_variation(c):
    own = gaps(c, c.events)
    return ratio(nearest(deviation(own)), nearest(mean(own)))


@feature("duration")
def gap_min(c):
    return min(gaps(c, c.events), default=None)


@feature("duration")
def history(c):
    return since_first(c)


# ---- velocity ----


@over("count", early_busiest_hour=EARLY, busiest_hour=ALL)
def _(c, e):
    return busiest(c, e, anything, HOUR)


@over("count", early_busiest_day=EARLY, busiest_day=ALL)
def _(c, e):
    return busiest(c, e, anything, DAY)


@feature("count")
def busiest_10min(c):
    return busiest(c, c.events, anything, 10 * MINUTE)


@feature("count")
def busiest_week(c):
    return busiest(c, c.events, anything, 7 * DAY)


@feature("real")
def busiest_day_share(c):
    return ratio(busiest(c, c.events, anything, DAY), len(c.events) + 5)


@over("money", early_inflow_24h_max=EARLY, inflow_24h_max=ALL)
def _(c, e):
    return heaviest(c, e, money_in, DAY) or 0


@feature("money")
def inflow_7d_max(c):
    return heaviest(c, c.events, money_in, 7 * DAY) or 0


@over("money", early_outflow_24h_max=EARLY, outflow_24h_max=ALL)
def _(c, e):
    return heaviest(c, e, money_out, DAY) or 0


@feature("count")
def bank_in_7d_max(c):
    return busiest(c, c.events, bank_in, 7 * DAY) or 0


@feature("count")
def retries_10min(c):
    def again(e):
        return any(given_up(f) and f.amount == e.amount for f in c.earlier(e, 10 * MINUTE))
    return sum((top_up(e) or card_attempt(e)) and e.amount is not None and again(e)
               for e in c.events)


@feature("real")
def activity_change(c):
    return (len(c.last(7)) / 7) / ((len(c.last(30)) + 1) / 30)


@feature("count")
def dormant_burst(c):
    most = 0
    for e in c.events:
        before = [f for f in c.until(e) if f.created <= e.created - DAY]
        if before and before[-1].created <= e.created - 15 * DAY:
            most = max(most, len(c.until(e)) - len(before))
    return most


# ---- types ----


@over("count", early_bank_in_count=EARLY, bank_in_count=ALL)
def _(c, e):
    return count(e, bank_in)


@over("count", early_bank_out_count=EARLY, bank_out_count=ALL)
def _(c, e):
    return count(e, bank_out)


def share_of_type(kind, **named):
    over("real", **named)(lambda c, e: share(e, lambda x: x.type == kind))


share_of_type("BANK_TRANSFER", early_bank_share=EARLY, bank_share=ALL)
share_of_type("CARDS", early_card_share=EARLY, card_share=ALL)
share_of_type("CARD_TOP_UP", early_top_up_share=EARLY, top_up_share=ALL)
share_of_type("PAYMENTS", early_payments_share=EARLY, payments_share=ALL)
share_of_type("CRYPTO_ON_RAMP", on_ramp_share=ALL)
share_of_type("CRYPTO_OFF_RAMP", off_ramp_share=ALL)
share_of_type("PROCESSING_FEE", fee_share=ALL)
share_of_type("USER_REWARD", reward_share=ALL)


@over("real", early_crypto_share=EARLY, crypto_of_outflow=ALL)
def _(c, e):
    return ratio(total(e, crypto_out), total(e, money_out))


@over("real", early_off_ramp_share=EARLY, off_ramp_of_inflow=ALL)
def _(c, e):
    return ratio(total(e, crypto_in), total(e, money_in))


@over("real", early_bank_out_of_outflow=EARLY, bank_out_of_outflow=ALL)
def _(c, e):
    return ratio(total(e, bank_out), total(e, money_out))


@over("real", early_card_of_outflow=EARLY, card_of_outflow=ALL)
def _(c, e):
    return ratio(total(e, card_spent), total(e, money_out))


@feature("money")
def card_spending(c):
    return total(c.events, card_spent)


@over("count", early_types=EARLY, types=ALL)
def _(c, e):
    return len(kinds(e))


@over("real", early_type_entropy=EARLY, type_entropy=ALL)
def _(c, e):
    return entropy(kinds(e))


@feature("count")
def inflow_sources(c):
    return len(kinds(c.events, money_in))


# ---- states ----


@over("real", early_failed_top_up_share=EARLY, failed_top_up_share=ALL)
def _(c, e):
    return share([x for x in e if top_up(x)], failed_top_up)


@over("real", early_declined_card_share=EARLY, declined_card_share=ALL)
def _(c, e):
    return share([x for x in e if card_attempt(x)], lambda x: x.state == "DECLINED")


@feature("real")
def early_pending_share(c):
    return share(c.first(14), lambda e: e.state == "PENDING")


def smoothed_share_of_state(state, name):
    over("real", **{name: ALL})(
        lambda c, e: smoothed(count(e, lambda x: x.state == state), len(e)))


smoothed_share_of_state("COMPLETED", "completed_share")
smoothed_share_of_state("PENDING", "pending_share")
smoothed_share_of_state("FAILED", "failed_share")
smoothed_share_of_state("DECLINED", "declined_share")
smoothed_share_of_state("REVERSED", "reversed_share")
smoothed_share_of_state("CANCELLED", "cancelled_share")


@feature("count")
def failed_top_ups(c):
    return count(c.events, failed_top_up)


@feature("real")
def failed_bank_share(c):
    transfers = [e for e in c.events if e.type == "BANK_TRANSFER"]
    return smoothed(count(transfers, lambda e: e.state == "FAILED"), len(transfers))


@feature("real")
def unpaid_fee_share(c):
    fees = [e for e in c.events if e.type == "PROCESSING_FEE"]
    return smoothed(count(fees, lambda e: e.state == "PENDING"), len(fees))


@feature("real")
def reversed_card_share(c):
    return ratio(total(c.events, lambda e: card_attempt(e) and e.state == "REVERSED"),
                 total(c.events, card_attempt))


@over("count", early_bad_streak=EARLY, bad_streak=ALL)
def _(c, e):
    return longest_run(c, e, given_up)


@feature("count")
def failed_top_up_streak(c):
    return longest_run(c, c.events, failed_top_up, top_up)


@feature("count")
def fail_then_success(c):
    return followed(c.events, failed_top_up, topped_up, 10 * MINUTE)


@feature("count")
def failures_before_top_up(c):
    return max((count(c.earlier(e, 10 * MINUTE), failed_top_up)
                for e in c.events if topped_up(e)), default=0)


@feature("count")
def forced_top_ups_to_crypto(c):
    return followed(c.events, lambda e: topped_up(e) and
                    count(c.earlier(e, 10 * MINUTE), failed_top_up) >= 2, crypto_out, DAY)


@feature("duration")
def oldest_pending(c):
    pending = [e for e in c.events if e.state == "PENDING"]
    return c.as_of - pending[0].created if pending else None


# ---- timing, in UTC ----


@feature("real")
def hour_entropy(c):
    return entropy(hours_of_day(c.events))


@feature("real")
def same_hour_share(c):
    return ratio(most_frequent(hours_of_day(c.events)), len(c.events))


@feature("real")
def regular_gap_share(c):
    own = gaps(c, c.events)
    return ratio(sum(abs(g - DAY) <= HOUR or abs(g - 7 * DAY) <= HOUR for g in own), len(own))


@feature("real")
def night_share(c):
    return share(c.events, lambda e: e.created % DAY < 6 * HOUR)


@feature("real")
def weekend_share(c):
    return share(c.events, lambda e: weekday(e) in (6, 7))


# ---- novelty ----


@feature("text")
def first_type(c):
    return next((e.type for e in c.events if e.type is not None), None)


@feature("duration")
def time_to_crypto(c):
    orders = [e for e in c.events if crypto(e)]
    return orders[0].created - c.events[0].created if orders else None


@feature("count")
def new_types_7d(c):
    return sum(e.type is not None and all(f.type != e.type for f in c.earlier(e))
               for e in c.last(7))


@feature("money")
def new_type_amount(c):
    seen, most = set(), 0
    for e in c.events:
        if money_out(e):
            if e.type not in seen and e.amount is not None:
                most = max(most, e.amount)
            seen.add(e.type)
    return most


@feature("real")
def outflow_score(c):
    own = logs(c.events, money_out)
    return score(largest(own), own)


@feature("real")
def last_outflow_score(c):
    own = logs(c.events, money_out)
    return score(own[-1] if own else None, own)


@feature("real")
def largest_jump(c):
    own = amounts(c.events, money_out)
    return largest([b / a for a, b in zip(own, own[1:]) if a != 0])


@feature("real")
def mix_shift_7d(c):
    late, whole = kinds(c.last(7)), kinds(c.events)
    if not c.last(7):
        return None
    return sum(abs(late[t] / len(c.last(7)) - whole[t] / len(c.events)) for t in whole) / 2


# ---- partners ----


@over("real", early_in_out_ratio=EARLY, in_out_ratio=ALL)
def _(c, e):
    return count(e, money_in) / (count(e, money_out) + 1)


@feature("real")
def out_in_ratio(c):
    return count(c.events, money_out) / (count(c.events, money_in) + 1)


@feature("count")
def payments_received(c):
    return count(c.events, payment_in)


@feature("count")
def payments_sent(c):
    return count(c.events, payment_out)


@feature("money")
def payments_forwarded_24h(c):
    return matched(c.events, payment_in, exit_out, DAY)


@feature("count")
def repeated_references(c):
    own = Counter(e.reference for e in c.events if e.reference is not None)
    return sum(n - 1 for n in own.values())
