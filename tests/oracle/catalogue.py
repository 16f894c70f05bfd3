"""Every feature of the default book, written here once more by hand from what it means.

FEATURES[name] is its kind and a function of a customer. Kinds say how values are compared:
count, money (cents), truth, text and duration must be equal; a real number within 1e-9.
"""
import math
from collections import Counter

from bank import DAY, HOUR, MINUTE
from measures import (
    amounts, anything, balance, balances, bank_in, bank_out, busiest, card_attempt, card_spent,
    chosen, completed, concentration, count, crypto, crypto_in, crypto_out, days, deviation,
    drained, entropy, exit_out, failed_top_up, followed, gaps, given_up, heaviest, hours_of_day,
    kinds, largest, logs, longest_run, matched, mean, mean_lag, micro_card, money_in, money_out,
    most_frequent, nearest, part_deposit, payment_in, payment_out, quantile, ratio, reward,
    score, share, since_first, small_credit, smoothed, times_to_next, top_up, topped_up, total,
    under_1000, under_10000, weekday)

FEATURES = {}


def feature(kind):
    """The function's name is the feature's."""
    def keep(function):
        FEATURES[function.__name__] = (kind, function)
        return function
    return keep


def over(kind, **named):
    """One function of a customer and events, for each named feature with its own events."""
    def keep(function):
        for name, chosen_events in named.items():
            FEATURES[name] = (kind, lambda c, w=chosen_events: function(c, w(c)))
        return function
    return keep


def EARLY(c):
    return c.first(14)


def EARLY_3(c):
    return c.first(3)


def ALL(c):
    return c.events


def WEEK(c):
    return c.last(7)


def MONTH(c):
    return c.last(30)


# ---- flow ----


@over("real", early_pass_through_24h=EARLY, gone_share_24h=ALL)
def _(c, e):
    return ratio(matched(e, money_in, money_out, 24 * HOUR), total(e, money_in))


@over("real", early_exit_through_24h=EARLY, pass_through_24h=ALL)
def _(c, e):
    return ratio(matched(e, money_in, exit_out, 24 * HOUR), total(e, money_in))


@over("real", early_exit_through_1h=EARLY, pass_through_1h=ALL)
def _(c, e):
    return ratio(matched(e, money_in, exit_out, HOUR), total(e, money_in))


@over("real", early_exit_through_7d=EARLY, pass_through_7d=ALL)
def _(c, e):
    return ratio(matched(e, money_in, exit_out, 7 * DAY), total(e, money_in))


@feature("real")
def gone_share_1h(c):
    return ratio(matched(c.events, money_in, money_out, HOUR), total(c.events, money_in))


@feature("real")
def gone_share_7d(c):
    return ratio(matched(c.events, money_in, money_out, 7 * DAY), total(c.events, money_in))


@feature("money")
def gone_24h(c):
    return matched(c.events, money_in, money_out, 24 * HOUR)


@feature("money")
def passed_24h(c):
    return matched(c.events, money_in, exit_out, 24 * HOUR)


@feature("real")
def early_bank_forward_6h(c):
    e = c.first(14)
    return ratio(matched(e, bank_in, bank_out, 6 * HOUR), total(e, bank_in))


@feature("money")
def bank_forwarded_6h(c):
    return matched(c.events, bank_in, bank_out, 6 * HOUR)


@feature("money")
def bank_received(c):
    return total(c.events, bank_in)


@feature("money")
def bank_sent(c):
    return total(c.events, bank_out)


@feature("real")
def early_bank_to_crypto_72h(c):
    e = c.first(14)
    return ratio(matched(e, bank_in, crypto_out, 72 * HOUR), total(e, bank_in))


@feature("money")
def bank_to_crypto_72h(c):
    return matched(c.events, bank_in, crypto_out, 72 * HOUR)


@feature("real")
def bank_to_crypto_24h(c):
    return ratio(matched(c.events, bank_in, crypto_out, DAY), total(c.events, bank_in))


@feature("real")
def top_up_to_crypto_24h(c):
    return ratio(matched(c.events, topped_up, crypto_out, DAY), total(c.events, topped_up))


@feature("real")
def off_ramp_to_bank_24h(c):
    return ratio(matched(c.events, crypto_in, bank_out, DAY), total(c.events, crypto_in))


@feature("real")
def early_cash_out(c):
    e = c.first(14)
    return total(e, exit_out) / (total(e, money_in) + 100)


@feature("real")
def cash_out(c):
    e = c.events
    return (total(e, crypto_out) + total(e, bank_out)) / (total(e, money_in) + 100)


@over("real", early_drain=EARLY, balance_ratio=ALL)
def _(c, e):
    received, spent = total(e, money_in), total(e, money_out)
    return ratio(min(received, spent), max(received, spent))


@feature("real")
def ramp_round_trip(c):
    there, back = total(c.events, crypto_out), total(c.events, crypto_in)
    return ratio(min(there, back), max(there, back))


@feature("money")
def early_outflow_excess(c):
    e = c.first(14)
    return max(total(e, money_out) - total(e, money_in), 0)


@feature("money")
def outflow_excess(c):
    return total(c.events, money_out) - total(c.events, money_in)


@feature("money")
def net_flow(c):
    return total(c.events, money_in) - total(c.events, money_out)


@over("duration", early_exit_lag=EARLY, exit_lag=ALL)
def _(c, e):
    return mean_lag(e, money_in, exit_out, 7 * DAY)


@over("duration", early_time_to_next_out=EARLY, time_to_next_out=ALL)
def _(c, e):
    return nearest(quantile(times_to_next(e, money_in, money_out), 0.5))


@over("count", early_drain_cycles=EARLY, drain_cycles=ALL)
def _(c, e):
    return drained(e, lambda x: money_in(x) and x.amount >= 50_00, money_out, DAY, 9)


@feature("count")
def credits_followed_1h(c):
    return followed(c.events, money_in, exit_out, HOUR)


@over("money", early_peak_balance=EARLY, peak_balance=ALL)
def _(c, e):
    return max(balances(c, e), default=0)


@over("money", early_lowest_balance=EARLY, lowest_balance=ALL)
def _(c, e):
    return min(balances(c, e), default=0)


@feature("real")
def early_residual_share(c):
    e = c.first(14)
    return ratio(balance(e), total(e, money_in))


@feature("money")
def residual_balance(c):
    return balance(c.events)


# ---- size ----


@over("money", early_inflow=EARLY, early_inflow_3d=EARLY_3, inflow=ALL, inflow_30d=MONTH)
def _(c, e):
    return total(e, money_in)


@feature("money")
def early_outflow(c):
    return total(c.first(14), exit_out)


@over("money", outflow=ALL, outflow_30d=MONTH)
def _(c, e):
    return total(e, money_out)


@feature("money")
def early_outflow_max(c):
    return max(amounts(c.first(14), money_out), default=0)


@feature("money")
def early_inflow_max(c):
    return max(amounts(c.first(14), money_in), default=0)


@feature("money")
def inflow_max(c):
    return largest(amounts(c.events, money_in))


@feature("money")
def outflow_max(c):
    return largest(amounts(c.events, money_out))


@over("real", early_outflow_mean=EARLY, outflow_mean=ALL)
def _(c, e):
    return ratio(mean(amounts(e, money_out)), 100)


@feature("real")
def inflow_mean(c):
    return ratio(mean(amounts(c.events, money_in)), 100)


@over("money", early_first_inflow=EARLY, first_inflow=ALL)
def _(c, e):
    return next(iter(amounts(e, money_in)), None)


@over("real", early_inflow_variation=EARLY, inflow_variation=ALL)
def _(c, e):
    credits = amounts(e, money_in)
    return ratio(deviation(credits), mean(credits))


@feature("real")
def outflow_variation(c):
    debits = amounts(c.events, money_out)
    return ratio(deviation(debits), mean(debits))


@over("real", early_inflow_top_share=EARLY, inflow_top_share=ALL)
def _(c, e):
    return ratio(largest(amounts(e, money_in)), total(e, money_in))


@feature("real")
def outflow_top_share(c):
    return ratio(largest(amounts(c.events, money_out)), total(c.events, money_out))


@feature("money")
def turnover(c):
    return total(c.events, money_in) + total(c.events, money_out)


@feature("real")
def turnover_log(c):
    return math.log1p((total(c.events, money_in) + total(c.events, money_out)) / 100)


@feature("real")
def outflow_median(c):
    return ratio(quantile(amounts(c.events, money_out), 0.5), 100)


@feature("real")
def outflow_p90(c):
    return ratio(quantile(amounts(c.events, money_out), 0.9), 100)


@feature("money")
def bank_out_max(c):
    return largest(amounts(c.events, bank_out))


@feature("money")
def exit_max(c):
    return largest(amounts(c.events, exit_out))


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


@feature("duration")
def oldest_pending(c):
    pending = [e for e in c.events if e.state == "PENDING"]
    return c.as_of - pending[0].created if pending else None


# ---- amounts ----


@over("count", early_small_credits=EARLY, small_credits=ALL)
def _(c, e):
    return count(e, small_credit)


@feature("count")
def micro_credits(c):
    return sum(a <= 1_00 for a in amounts(c.events, money_in))


@feature("real")
def round_10_share(c):
    return share([e for e in c.events if chosen(e)], lambda e: e.amount % 10_00 == 0)


@over("real", early_round_100_share=EARLY, round_100_share=ALL)
def _(c, e):
    return share([x for x in e if chosen(x)], lambda x: x.amount % 100_00 == 0)


@feature("real")
def under_1000_share(c):
    return share([e for e in c.events if chosen(e)], under_1000)


@feature("real")
def under_10000_share(c):
    return share([e for e in c.events if chosen(e)], under_10000)


@feature("count")
def under_1000_7d_max(c):
    return busiest(c, c.events, under_1000, 7 * DAY) or 0


@feature("count")
def under_10000_7d_max(c):
    return busiest(c, c.events, under_10000, 7 * DAY) or 0


@feature("money")
def split_deposits(c):
    most = 0
    for e in c.events:
        parts = amounts(c.until(e, 7 * DAY), part_deposit)
        if len(parts) >= 3 and sum(parts) >= 1000_00:
            most = max(most, sum(parts))
    return most


@feature("count")
def card_checks(c):
    return count(c.events, lambda e: card_attempt(e) and e.amount == 0)


@feature("count")
def micro_cards(c):
    return count(c.events, micro_card)


@feature("count")
def micro_cards_1h_max(c):
    return busiest(c, c.events, micro_card, HOUR) or 0


@feature("count")
def micro_then_large(c):
    return sum(card_spent(e) and e.amount is not None and e.amount >= 100_00 and
               count(c.earlier(e, DAY), micro_card) >= 3 for e in c.events)


@feature("real")
def modal_amount_share(c):
    own = Counter(amounts(c.events, chosen))
    return ratio(most_frequent(own), count(c.events, chosen))


@feature("real")
def unique_amount_ratio(c):
    return ratio(len(set(amounts(c.events, chosen))), count(c.events, chosen))


@feature("real")
def amount_concentration(c):
    return concentration(Counter(amounts(c.events, chosen)))


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


# ---- incentives ----


@feature("real")
def early_reward_share(c):
    e = c.first(14)
    return total(e, reward) / (total(e, money_in) + 100)


@feature("money")
def rewards(c):
    return total(c.events, reward)


@feature("real")
def reward_of_inflow(c):
    return total(c.events, reward) / (total(c.events, money_in) + 100)


@feature("real")
def reward_exit_24h(c):
    return ratio(matched(c.events, reward, exit_out, DAY), total(c.events, reward))


@feature("truth")
def reward_only_use(c):
    given, received = total(c.events, reward), total(c.events, money_in)
    gone = matched(c.events, lambda e: money_in(e) or reward(e), money_out, DAY)
    return given > 0 and 2 * given >= received and 10 * gone >= 9 * (given + received)


def booked_by_operator(e):
    return completed(e) and e.type == "MANUAL"


@feature("money")
def operator_in(c):
    return total(c.events, lambda e: booked_by_operator(e) and e.direction == "IN")


@feature("money")
def operator_out(c):
    return total(c.events, lambda e: booked_by_operator(e) and e.direction == "OUT")


@feature("count")
def operator_bookings(c):
    return count(c.events, lambda e: e.type == "MANUAL")


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
