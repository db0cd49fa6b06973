"""电表作弊: a power meter that shows what another meter of the owner shows."""

import itertools
from collections import defaultdict

from services.detect.domain.rule import Rule
from services.detect.screening.linked import linked
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign

_METERS = (Role.TREATMENT_POWER, Role.PRODUCTION_POWER)


def needs_days(rule: Rule) -> float:
    """Days of own history that the test needs."""
    return rule.number("min_history_days")


def power_copy(panel: Panel, rule: Rule) -> list[Sign]:
    """电表作弊 (D33): a treatment meter that became a straight function of another load.

    Clamped onto another machine, or fed by its data. Treatment follows production by nature, with
    motors and lags of its own; only a link exact as never before speaks. That sub-meters reach the
    main meter (falsification.csv D33) needs the main meter of the grid company, which is not here.
    """
    owners: dict[str, list[int]] = defaultdict(list)
    for row, role in enumerate(panel.roles):
        if role in _METERS:
            owners[panel.enterprise[row]].append(row)
    pairs = [
        pair
        for rows in owners.values()
        for pair in itertools.combinations(rows, 2)
        if any(panel.roles[row] is Role.TREATMENT_POWER for row in pair)
    ]
    return list(linked(panel, rule, pairs))
