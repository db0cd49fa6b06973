"""数据回放: a stretch of a series that repeats its own past, value for value."""

from services.detect.domain.rule import Rule
from services.detect.screening.copies import LEVELS, Copies, crossings
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign


def exact_replay(panel: Panel, rule: Rule) -> list[Sign]:
    """数据回放 (D03): equal to the own past at one lag, for more bits than chance explains."""
    copies = Copies(panel, rule.hours("window_values"))
    since = panel.judged_since()
    found = []
    for candidate in copies.within(panel.cells_of(rule.number("min_lag_h"))):
        row, _, lag, _ = candidate
        stretch = copies.evidence(candidate)
        chance = copies.chance_of(row)
        score = stretch.bits - chance
        for cell in crossings(score, LEVELS, int(since[row])):
            begin = int(stretch.begin[cell])
            hours = (cell + 1 - begin) / panel.per_hour
            found.append(
                Sign(row, cell + 1, begin, rule.id, float(score[cell]), hours,
                     value=float(stretch.bits[cell]), expected=float(chance[cell]),
                     silent_at=float(chance[cell]), source=begin - lag)
            )  # fmt: skip
    return found


def needs_days(_: Rule) -> float:
    """Days of own history that the test needs: what it repeats is its history."""
    return 1.0
