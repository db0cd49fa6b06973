"""疑似问题的限值: which of a series' limits a finding speaks of."""

from collections.abc import Iterable

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.block import Limit
from services.detect.domain.hits import worst
from services.detect.domain.judged import Judged
from services.detect.domain.reconcile import Kept
from services.detect.domain.series_key import SeriesKey

_HOURLY = frozenset({ids.EXCEEDANCE, ids.NEAR_LIMIT, ids.MINUTE_OVER})
_DAILY = frozenset({ids.DAILY, ids.MSWI_DAILY, ids.PROJECTED})


def compares_with_limit(rule_id: str) -> bool:
    """Whether a rule compares with a limit: its picture shows the converted values."""
    return rule_id in _HOURLY or rule_id in _DAILY or rule_id == ids.ULTRA_LOW


def limit_of(judged: Judged, finding: Kept) -> Limit | None:
    """限值 in force at the worst hour; for what compares with a limit the one that was passed."""
    key = SeriesKey(finding.key.outlet_id, finding.key.factor)
    top = finding.hits[worst(finding.hits)]
    slot = int(top["slot"])
    in_force = [one for one in judged.block.limits.get(key, ()) if one.since <= slot < one.until]
    penalty = [one for one in in_force if one.basis != "policy"]
    rule_id = finding.key.rule_id
    if rule_id == ids.ULTRA_LOW:
        return next((one for one in in_force if one.basis == "policy"), None)
    if rule_id in _HOURLY:
        # pH has a daily limit and is judged by the hour.
        hourly = [one for one in penalty if one.averaging == "hourly"]
        return _passed(hourly or penalty, top)
    if rule_id in _DAILY:
        return _passed((one for one in penalty if one.averaging == "daily"), top)
    return next(iter(penalty), None)


def _passed(limits: Iterable[Limit], top: np.void) -> Limit | None:
    """The limit whose bound was compared with; of a warning it is kept in `check`."""
    passed = (float(top["threshold"]), float(top["check"]))
    return next((one for one in limits if one.upper in passed or one.lower in passed), None)
