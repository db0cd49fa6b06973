"""比例改变: the whole level lowered by a factor (D06)."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.grid_change import GridChange, grid_change
from services.detect.kernels.record_low import Record, record_low
from services.detect.kernels.series import Floats, Series
from services.detect.screening.daily_levels import DailyLevels, beside_sisters, daily_levels, kin
from services.detect.screening.jumps import measured_rows
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
    proof. Sisters (the owner's other outlets, else other factors) that explain half of the level
    take the plant out of it. What closes the gap in general is the parameter log
    (`parameter_change`) or a span check before and after (`check_error`).
    """
    levels = daily_levels(panel, rule.number("quiet_share"))
    record = _records(levels.log, rule)
    own = record._replace(score=record.score - _by_plant(panel, levels, rule))
    found = [
        _sign(panel, rule, levels, own, place)
        for place in worst(own.score, rule.number("floor"), 1)
    ]
    since = panel.judged_since()
    return [sign for sign in (*found, *_beside(panel, rule)) if sign.end > since[sign.row]]


def _sign(
    panel: Panel, rule: Rule, levels: DailyLevels, record: Record, place: tuple[int, int]
) -> Sign:  # fmt: skip
    at, day = place
    row, end = int(levels.rows[at]), levels.cell(panel, day)
    begin = max(0, end - _lasted(record, at, day) * panel.per_day)
    score, level, middle, lowest = (float(part[at, day]) for part in record)
    ratio = float(np.exp(level - middle))
    moved = _moved_alike(_comb(panel, row, begin, end), ratio)
    spread = max(middle - lowest, rule.number("least_spread")) / rule.number("summed_days")
    return Sign(
        row=row, end=end, begin=begin, test=rule.id,
        score=score + (rule.number("comb_score") if moved else 0.0),
        statistic=ratio, value=float(np.exp(level)), expected=float(np.exp(middle)),
        silent_at=float(np.exp(lowest - rule.number("floor") * spread)),
        variant="comb" if moved else "level",
    )  # fmt: skip


def _beside(panel: Panel, rule: Rule) -> Iterator[Sign]:
    """Signs of what sisters leave of the middle level of the day."""
    days = rule.hours("sister_days")
    measured = measured_rows(panel)
    some = measured[sorted(kin(panel, measured))]
    levels = daily_levels(panel, 0.5, some)
    sisters = kin(panel, some)
    left = ((at, beside_sisters(levels.log, at, sets, days)) for at, sets in sisters.items())
    told = [(at, *one) for at, one in left if one is not None]
    if not told:
        return
    record = record_low(
        np.stack([rest for _, _, rest in told]), width=rule.hours("sister_mean_days"),
        guard=rule.hours("guard_days"), least=days, summed=rule.hours("summed_days"),
        least_spread=rule.number("least_spread"),
    )  # fmt: skip
    score = rule.number("sister_share") * _lowered(record, rule).score
    for k, day in worst(score, rule.number("floor"), 1):
        at, others, _ = told[k]
        end = levels.cell(panel, day)
        ratio = float(np.exp(record.level[k, day] - record.middle[k, day]))
        value = float(np.exp(levels.log[at, day]))
        yield Sign(
            row=int(levels.rows[at]), end=end, test=rule.id, score=float(score[k, day]),
            begin=max(0, end - _lasted(record, k, day) * panel.per_day),
            statistic=ratio, value=value, expected=value / ratio,
            silent_at=value * float(np.exp(record.lowest[k, day] - record.level[k, day])),
            others=tuple(int(levels.rows[o]) for o in others), variant="alone",
        )  # fmt: skip


def _records(log: Floats, rule: Rule) -> Record:
    """Records of quiet days; a level that stayed near its middle is none, however steady it was."""
    found = record_low(
        log, width=rule.hours("mean_days"), guard=rule.hours("guard_days"),
        least=rule.hours("min_history_days"), summed=rule.hours("summed_days"),
        least_spread=rule.number("least_spread"),
    )  # fmt: skip
    return _lowered(found, rule)


def _lowered(found: Record, rule: Rule) -> Record:
    with np.errstate(invalid="ignore"):
        small = found.level - found.middle > np.log(rule.number("most_ratio"))
    return found._replace(score=np.where(small, np.nan, found.score))


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
