"""比例改变: the whole level lowered by a factor (D06)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.grid_change import GridChange, grid_change
from services.detect.kernels.record_low import Record, record_low
from services.detect.kernels.series import Floats, Series
from services.detect.screening.daily_levels import DailyLevels, daily_levels
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import rows_with, worst

_RUNS = (Role.LOAD, Role.PRODUCTION_POWER, Role.FLOW)


def needs_days(rule: Rule) -> float:
    """Days of own history that the record is kept of."""
    return rule.number("min_history_days")


def scale_change(panel: Panel, rule: Rule) -> list[Sign]:
    """比例改变 (D06): quiet days beneath all quiet days before, and the comb that moved with them.

    A slope multiplied by a factor moves floor, quiet days and peaks alike; weather and load leave
    the quiet days where they were. Where load or flow is at its own record low as well, the plant
    explains it and its score is taken off. The analyser's step moved by the same factor is near
    proof. What closes the gap in general is the parameter log (`parameter_change`) or a span check
    before and after (`check_error`).
    """
    levels = daily_levels(panel, rule.number("quiet_share"))
    found = _records(levels.log, rule)
    score = found.score - _by_plant(panel, levels, rule)
    signs = []
    since = panel.judged_since()[levels.rows]
    for at, day in worst(score, rule.number("floor"), 1):
        end = levels.cell(panel, day)
        if end <= since[at]:
            continue
        row, lasted = int(levels.rows[at]), _lasted(found, at, day)
        begin = max(0, end - lasted * panel.per_day)
        comb = _comb(panel, row, begin, end)
        ratio = float(np.exp(found.level[at, day] - found.middle[at, day]))
        moved = _moved_alike(comb, ratio)
        spread = max(found.middle[at, day] - found.lowest[at, day], rule.number("least_spread"))
        allowed = found.lowest[at, day] - rule.number("floor") / rule.number("summed_days") * spread
        signs.append(
            Sign(
                row=row, end=end, begin=begin, test=rule.id,
                score=float(score[at, day]) + (rule.number("comb_score") if moved else 0.0),
                statistic=ratio, value=float(np.exp(found.level[at, day])),
                expected=float(np.exp(found.middle[at, day])), silent_at=float(np.exp(allowed)),
                variant="comb" if moved else "level",
            )
        )  # fmt: skip
    return signs


def _records(log: Floats, rule: Rule) -> Record:
    return record_low(
        log, width=rule.hours("mean_days"), guard=rule.hours("guard_days"),
        least=rule.hours("min_history_days"), summed=rule.hours("summed_days"),
        least_spread=rule.number("least_spread"),
    )  # fmt: skip


def _by_plant(panel: Panel, levels: DailyLevels, rule: Rule) -> Floats:
    """Score that load or flow of the same outlet reaches itself; 0 where there is none."""
    runs = rows_with(panel, *_RUNS)
    explained = np.zeros(levels.log.shape)
    if not runs.size:
        return explained
    own = _records(daily_levels(panel, rule.number("quiet_share"), runs).log, rule).score
    place = {int(row): k for k, row in enumerate(levels.rows)}
    for k, run in enumerate(runs):
        for row in panel.sisters(int(run)):
            if row in place and panel.roles[row] not in _RUNS:
                at = place[row]
                explained[at] = np.fmax(explained[at], np.nan_to_num(own[k]))
    return explained


def _lasted(found: Record, at: int, day: int) -> int:
    """Days until now that lay beneath the record, one at least."""
    beneath = found.level[at, : day + 1] < found.lowest[at, day]
    if beneath.all():
        return day + 1
    return max(1, int(np.argmin(beneath[::-1])))


def _comb(panel: Panel, row: int, begin: int, end: int) -> GridChange:
    """Comb of the window against that of all cells before it."""
    values, valid = panel.series.values[row : row + 1], panel.series.valid[row : row + 1]
    return grid_change(
        Series(values[:, begin:end], valid[:, begin:end]),
        Series(values[:, :begin], valid[:, :begin]),
    )


def _moved_alike(comb: GridChange, ratio: float) -> bool:
    """Whether the step changed, by about the factor by which the level did."""
    if not comb.off[0] > 0.5 or not np.isfinite(comb.after[0]):
        return False
    return bool(abs(np.log(comb.after[0] / comb.before[0] / ratio)) < np.log(1.5))
