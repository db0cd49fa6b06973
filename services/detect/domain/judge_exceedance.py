"""小时均值超标: the reported hour mean against the limit in force, and its check."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.block import COLUMNS, JUDGED, MINUTE_HOURS, Block, Limit
from services.detect.domain.hits import BASIS_HOUR, BASIS_MINUTES, BASIS_NONE, Hits, hits_of
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.exceedance import exceedance
from services.detect.kernels.hour_mean import hour_mean
from services.detect.kernels.o2_conversion import Converted, o2_conversion
from services.detect.kernels.rounding import round_half_even
from services.detect.kernels.series import Bools, Floats, Ints, Series


def judge_exceedance(block: Block, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """小时均值超标: hits of every series that has an hourly limit, for the weeks judged again.

    Judged is what was reported: the converted mean where the limit has a reference oxygen (ours
    where the logger sent none, so that leaving it out hides nothing), else the mean.
    """
    rows = [r for r, key in enumerate(block.keys) if _hourly(block, key)]
    if not rows:
        return
    first = COLUMNS - JUDGED
    oxygen = _oxygen(block, np.array(rows), str(rule.parameters["o2_factor"]))[:, first:]
    valid = block.flagged(str(rule.parameters["judged_flags"]))[:, first:]
    minutes = _minute_means(block, rows, rule)
    for at, row in enumerate(rows):
        slot = block.start[row] + np.arange(first, COLUMNS)
        for limit in _hourly(block, block.keys[row]):
            begin, end = max(limit.since, rule.first_hour), min(limit.until, rule.end_hour)
            inside = valid[row] & (slot >= max(begin, block.since[row])) & (slot < end)
            if not inside.any():
                continue
            values = _judged(block, row, limit, oxygen[at], rule)
            hits = _hits(slot, values, inside, limit, rule)
            yield block.keys[row], _checked_by_minutes(hits, minutes[at], block.until[row], limit)


def _hourly(block: Block, key: SeriesKey) -> list[Limit]:
    return [limit for limit in block.limits.get(key, ()) if limit.averaging == "hourly"]


def _oxygen(block: Block, rows: Ints, factor: str) -> Floats:
    """Oxygen of each row's outlet, NaN where there is none."""
    sister = block.companion(rows, [factor])
    return np.where(sister[:, None] >= 0, block.value[sister], np.nan)


def _judged(
    block: Block, row: int, limit: Limit, oxygen: Floats, rule: Rule
) -> tuple[Floats, Floats]:
    """The value to judge and the one that checks it, over the judged columns."""
    first = COLUMNS - JUDGED
    mean, sent = block.value[row, first:], block.converted[row, first:]
    if limit.ref_o2 <= 0:
        return mean, np.full(mean.shape, np.nan)
    ours = _convert(mean, oxygen, limit, rule)
    # Near-ambient oxygen makes any converted value meaningless, the reported one as well.
    judged = np.where(ours.guarded, np.nan, np.where(np.isfinite(sent), sent, ours.values))
    return judged, ours.values


def _convert(mean: Floats, oxygen: Floats, limit: Limit, rule: Rule) -> Converted:
    return o2_conversion(
        mean,
        oxygen,
        limit.ref_o2,
        initial_o2=rule.number("o2_initial_percent"),
        guard=rule.number("o2_guard_percent"),
    )


def _hits(
    slot: Ints, values: tuple[Floats, Floats], inside: Bools, limit: Limit, rule: Rule
) -> Hits:
    """Exceeding hours under one limit; `values` are judged and check."""
    judged, check = values
    compared = judged
    if rule.parameters["comparison"] == "rounded_value":
        compared = round_half_even(judged, limit.decimals)
    found = exceedance(Series.of(compared, inside), limit.upper, limit.lower).over[0]
    over = np.flatnonzero(found)
    with np.errstate(invalid="ignore"):
        threshold = np.where(judged[over] < limit.lower, limit.lower, limit.upper)
    return hits_of(
        slot=slot[over],
        begin=slot[over],
        end=slot[over] + 1,
        statistic=judged[over],
        threshold=threshold,
        value=judged[over],
        check=check[over],
        basis=np.where(np.isfinite(check[over]), BASIS_HOUR, BASIS_NONE),
    )


def _minute_means(block: Block, rows: list[int], rule: Rule) -> list[tuple[Floats, Floats]]:
    """Recomputed mean and oxygen of the last 48 hours of each row, from ten-minute values."""
    each, enough = rule.hours("minutes_each"), rule.hours("valid_minutes")
    means = hour_mean(Series.of(block.minutes), each, valid_minutes=enough).mean
    sister = block.companion(rows, [str(rule.parameters["o2_factor"])])
    return [
        (means[row], means[o2] if o2 >= 0 else np.full(MINUTE_HOURS, np.nan))
        for row, o2 in zip(rows, sister, strict=True)
    ]


def _checked_by_minutes(
    hits: Hits, minutes: tuple[Floats, Floats], until: int, limit: Limit
) -> Hits:
    """Let ten-minute values check a hit where they make a valid hour."""
    mean, oxygen = minutes
    at = hits["slot"] - (until - MINUTE_HOURS)
    inside = (at >= 0) & (at < MINUTE_HOURS)
    at = np.where(inside, at, 0)
    value = mean[at]
    if limit.ref_o2 > 0:
        value = o2_conversion(value, oxygen[at], limit.ref_o2).values
    usable = inside & np.isfinite(value)
    hits["check"] = np.where(usable, value, hits["check"])
    hits["basis"] = np.where(usable, BASIS_MINUTES, hits["basis"])
    return hits
