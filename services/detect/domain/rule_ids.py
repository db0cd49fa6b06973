"""规则编号: ids of all rules, and which hours of a block each of them looks at again."""

from enum import Enum


class Reach(Enum):
    """研判范围: from when on a rule's hits are found again and replace those that stand."""

    HOURS = "hours"  # from `since` to the newest hour value
    MINUTES = "minutes"  # the last two days: ten-minute values are kept no longer
    DAYS = "days"  # frozen days, when one of them was touched
    MONTHS = "months"  # from the first of the month of `since`, frozen days


EXCEEDANCE = "hourly_exceedance"
CONSTANT = "constant_value"
LOW_VARIANCE = "low_variance_part_of_day"
SILENCE = "silence"
NEAR_LIMIT = "near_limit"
PROJECTED = "projected_daily_mean"
MINUTE_OVER = "minute_over_limit"
POOL_USAGE = "pool_usage"
SUSPECT = "suspect_values"
DAILY = "daily_exceedance"
MSWI_DAILY = "mswi_daily_exceedance"
MSWI_COLD = "mswi_low_temperature"
MSWI_MONTH = "mswi_month"
ULTRA_LOW = "ultra_low_share"
HOUR_MISMATCH = "hour_mismatch"
MARK_CONFLICT = "mark_conflict"
MARK_ABUSE = "mark_abuse"

REACH: dict[str, Reach] = {
    EXCEEDANCE: Reach.HOURS,
    CONSTANT: Reach.HOURS,
    LOW_VARIANCE: Reach.HOURS,
    SILENCE: Reach.HOURS,
    NEAR_LIMIT: Reach.HOURS,
    PROJECTED: Reach.HOURS,
    MINUTE_OVER: Reach.MINUTES,
    POOL_USAGE: Reach.HOURS,
    SUSPECT: Reach.HOURS,
    DAILY: Reach.DAYS,
    MSWI_DAILY: Reach.DAYS,
    MSWI_COLD: Reach.DAYS,
    MSWI_MONTH: Reach.MONTHS,
    ULTRA_LOW: Reach.DAYS,
    HOUR_MISMATCH: Reach.DAYS,
    MARK_CONFLICT: Reach.DAYS,
    MARK_ABUSE: Reach.DAYS,
}
