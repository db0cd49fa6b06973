"""小时数据: the judged columns of a block as the engine reads them, with companions by row."""

import numpy as np

from services.detect.domain.block import MINUTE_HOURS, Block
from services.detect.domain.grid import MINUTE
from services.detect.judgement.model import Hours, HourState
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.hour_mean import hour_mean
from services.detect.kernels.series import Floats, Ints, Series

#: Companions of a series at its outlet, the first that is there: HJ 524/525 codes.
OXYGEN = ("a19001",)
FLOW = ("w00000", "a00000")
WATER_TEMPERATURE = ("w01010",)
COMPANIONS = (OXYGEN, FLOW, WATER_TEMPERATURE)

_MINUTES_EACH = MINUTE.step_s // 60


def with_companions(block: Block, rows: Ints) -> Ints:
    """Rows of the block and those they are read with, in order."""
    found = [rows, *(block.companion(rows.tolist(), factors) for factors in COMPANIONS)]
    together = np.unique(np.concatenate(found))
    return together[together >= 0]


def hours_of(block: Block, rows: Ints, first: int, rules: RowRules) -> Hours:
    """小时数据 of rows of the block from column `first` on.

    `rules` tell which ten-minute values count and how many minutes make an hour (HJ 75-2017: 45).
    """
    place = np.full(len(block.keys) + 1, -1, dtype=np.int64)  # the last one: no companion
    place[rows] = np.arange(len(rows))
    oxygen, flow, temperature = (
        place[block.companion(rows.tolist(), factors)] for factors in COMPANIONS
    )
    return Hours(
        start=block.start[rows] + first,
        factors=tuple(block.keys[row].factor for row in rows.tolist()),
        value=block.value[rows, first:],
        converted=block.converted[rows, first:],
        flag=block.flag[rows, first:],
        present=block.present[rows, first:],
        recomputed=_recomputed(block, rows, first, rules),
        oxygen=oxygen,
        flow=flow,
        temperature=temperature,
    )


def water_temperature(hours: Hours) -> Floats:
    """水温日均值: (S, D) plain mean of each row's temperature companion in degC; NaN = unknown."""
    if not (hours.temperature >= 0).any():
        return np.full((len(hours.start), hours.days), np.nan)
    by_day = hours.value.reshape(len(hours.start), hours.days, 24)
    known = np.isfinite(by_day)
    count = known.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, by_day, 0.0).sum(axis=2) / count
    return np.where((hours.temperature >= 0)[:, None], mean[hours.temperature], np.nan)


def ten_minutes(block: Block, rows: Ints, rules: RowRules) -> Floats:
    """(S, 288) ten-minute values of the 48 h before `until` that count; NaN = none."""
    minutes = block.minutes[rows]
    if block.minute_flag is None:
        return minutes
    state = rules.flag_states[rules.which[:, None], block.minute_flag[rows]]
    return np.where(state == HourState.VALID, minutes, np.nan)


def _recomputed(block: Block, rows: Ints, first: int, rules: RowRules) -> Floats:
    """(S, T) hour means from ten-minute values, in the 48 hours before each row's `until`."""
    width = block.value.shape[1] - first
    whole = np.full((len(rows), width), np.nan)
    if block.recomputed is not None:
        whole = block.recomputed[rows, first:].copy()
    minutes = Series.of(ten_minutes(block, rows, rules))
    known = np.flatnonzero(minutes.valid.any(axis=1))
    if not known.size:
        return whole
    enough = rules.numbers("hour_valid_minutes")[known][:, None]
    part = Series(minutes.values[known], minutes.valid[known])
    means = hour_mean(part, _MINUTES_EACH, valid_minutes=enough).mean
    offset = block.until[rows[known]] - MINUTE_HOURS - block.start[rows[known]] - first
    column = offset[:, None] + np.arange(MINUTE_HOURS)
    row = np.broadcast_to(known[:, None], column.shape)
    inside = (column >= 0) & (column < width) & np.isfinite(means)
    whole[row[inside], column[inside]] = means[inside]
    return whole
