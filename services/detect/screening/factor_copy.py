"""因子互拷: two factors of one outlet that became the same series, or a straight function of it."""

import itertools

from services.detect.domain.rule import Rule
from services.detect.screening.linked import linked
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign

#: A converted concentration is computed from its raw one, and flows of one another: by design.
_ROLES = (Role.POLLUTANT, Role.INLET, Role.CONDUCTIVITY)


def needs_days(rule: Rule) -> float:
    """Days of own history that the test needs."""
    return rule.number("min_history_days")


def factor_copy(panel: Panel, rule: Rule) -> list[Sign]:
    """因子互拷 (D15): factors of one outlet joined by a line, exact as never before.

    Sister factors rise together but never exactly; a pair that always was exact is computed one
    from the other, and stays silent by its own record.
    """
    pairs = [
        pair
        for rows in panel.rows_of.values()
        for pair in itertools.combinations([r for r in rows if panel.roles[r] in _ROLES], 2)
    ]
    return list(linked(panel, rule, pairs))
