"""A slow, obvious reading of D24: minute by minute, over plain lists of readings."""

import itertools
import math
import struct
from collections import Counter

from services.detect.judgement.meter_day import Reading, day_of, day_start_s

DAY_S = 86_400


def kept(readings):
    """The one reading of each minute that stays: earliest second, then first received."""
    best = {}
    for one in readings:
        minute = one.time_s // 60
        rank = (one.time_s, max(one.received_s, 1), *(math.inf if math.isnan(v) else v for v in
                (_f4(one.power_kw), one.kwh)))  # fmt: skip
        if minute not in best or rank < best[minute][0]:
            best[minute] = (rank, one)
    return {minute: one for minute, (_, one) in sorted(best.items())}


def _f4(value):
    """As it is kept."""
    return struct.unpack("f", struct.pack("f", value))[0]


def usual_gap(minutes):
    """Lower median of the gaps, 1 to 15; 0 where fewer than two."""
    gaps = sorted(b - a for a, b in itertools.pairwise(minutes))
    return min(gaps[(len(gaps) - 1) // 2], 15) if gaps else 0


def power_at(readings, first_day, days):
    """kW of each minute of `days` days; None = not known."""
    start, end = day_start_s(first_day) // 60, day_start_s(first_day + days) // 60
    inside = {m: one for m, one in kept(readings).items() if start <= m < end}
    sent = [m for m, one in inside.items() if math.isfinite(one.power_kw)]
    told = [m for m, one in inside.items() if math.isfinite(one.kwh)]

    def reach(minutes, minute):
        day = day_of(minute * 60)
        return 2 * max(1, usual_gap([m for m in minutes if day_of(m * 60) == day]))

    sent_set, told_set = set(sent), set(told)
    reaches = {m: reach(sent, m) for m in sent}
    growth = {}
    for a, b in itertools.pairwise(told):
        growth[a] = (inside[b].kwh - inside[a].kwh) * 60 / (b - a)
    usual = sorted(kw for kw in growth.values() if kw > 0)
    for a, b in itertools.pairwise(told):
        leap = len(usual) >= 10 and growth[a] > 20 * usual[len(usual) // 2]
        if b - a > reach(told, a) or growth[a] < 0 or leap:
            growth[a] = None
    found, last_sent, last_told = [], None, None
    for minute in range(start, end):
        last_sent = minute if minute in sent_set else last_sent
        last_told = minute if minute in told_set else last_told
        if last_sent is not None and minute - last_sent < reaches[last_sent]:
            found.append(_f4(inside[last_sent].power_kw))
        else:
            found.append(growth.get(last_told))
    return found


def level(readings, day, rule):
    """P90, P10 of the running state, known days."""
    values, days = [], 0
    for one in range(day - rule.reference_days, day):
        known = [kw for kw in power_at(readings, one, 1) if kw is not None]
        if len(known) >= 720:
            values += known
            days += 1
    if not values:
        return math.nan, math.nan, 0
    p90 = _rank(values, 0.9)
    running = [kw for kw in values if kw > rule.production_share * p90]
    return p90, _rank(running, 0.1) if running else math.nan, days


def _rank(values, share):
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def settled(states, minutes):
    """A state shorter than `minutes` is the one before; None breaks."""
    found, last, at = [], None, 0
    while at < len(states):
        end = at
        while end < len(states) and states[end] == states[at]:
            end += 1
        if states[at] is None or end - at >= minutes:
            last = states[at]
        found += [last] * (end - at)
        at = end
    return found


def judge(pair, readings, levels, day, rule):
    """(unprotected minutes of the day, counted ones, unknown, production): sets of minutes."""
    names = (*pair.production, *pair.treatment)
    power = {n: power_at(readings[n], day - 1, 3) for n in names}
    start = day_start_s(day - 1) // 60
    newest = max(
        (m for n in names for m in kept(readings[n]) if start <= m < start + 3 * 1440), default=-1
    )

    def state(name, minute, production):
        p90, p10, days = levels[name]
        kw = power[name][minute]
        if kw is None or start + minute > newest or days < rule.min_reference_days:
            return None
        if not p90 >= rule.min_p90_kw:
            return None
        if production:
            return kw > rule.production_share * p90
        return kw >= rule.treatment_share * p10

    def some(states):
        return True if True in states else None if None in states else False

    def every(states):
        return False if False in states else None if None in states else True

    join = some if pair.logic == "any" else every
    on = settled([some([state(n, m, True) for n in pair.production]) for m in range(4320)],
                 rule.debounce_minutes)  # fmt: skip
    treated = settled([join([state(n, m, False) for n in pair.treatment]) for m in range(4320)],
                      rule.debounce_minutes)  # fmt: skip
    needed = [
        True if any(on[max(0, m - rule.post_run_minutes) : m + rule.pre_run_minutes + 1]) else on[m]
        for m in range(4320)
    ]
    bare = [needed[m] is True and treated[m] is False for m in range(4320)]
    today = range(1440, 2880)
    unprotected = {m - 1440 for m in today if bare[m]}
    counted = {m - 1440 for m in today if bare[m] and _length(bare, m) >= rule.warning_minutes}
    if len(unprotected) >= rule.dispatch_minutes:
        counted = unprotected
    unknown = {
        m - 1440
        for m in today
        if start + m <= newest
        and ((needed[m] is None and treated[m] is not True) or (needed[m] and treated[m] is None))
    }
    idle = {m - 1440 for m in today if needed[m] is False and treated[m] is True}
    return Counter(
        unprotected=len(unprotected), counted=len(counted), unknown=len(unknown), idle=len(idle),
        production=sum(on[m] is True for m in today),
    )  # fmt: skip


def _length(bare, minute):
    first = last = minute
    while first > 0 and bare[first - 1]:
        first -= 1
    while last + 1 < len(bare) and bare[last + 1]:
        last += 1
    return last - first + 1


def reading(minute, power=math.nan, kwh=math.nan, *, second=0, received=None):
    """A reading at a unix minute."""
    at = minute * 60 + second
    return Reading(at, at + 5 if received is None else received, power, kwh)
