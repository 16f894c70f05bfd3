"""What money does: flow, size, amounts and incentives; features by hand, from what they mean."""
import math
from collections import Counter

from bank import DAY, HOUR
from measures import (
    amounts, balance, balances, bank_in, bank_out, busiest, card_attempt, card_spent, chosen,
    completed, concentration, count, crypto_in, crypto_out, deviation, drained, exit_out,
    followed, largest, matched, mean, mean_lag, micro_card, money_in, money_out, most_frequent,
    nearest, part_deposit, quantile, ratio, reward, share, small_credit, times_to_next,
    topped_up, total, under_1000, under_10000)
from register import ALL, EARLY, EARLY_3, MONTH, feature, over

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
