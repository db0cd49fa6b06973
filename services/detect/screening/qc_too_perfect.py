"""质控过于完美: checks that fit the standard better than an instrument can (D31)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.small_errors import small_errors
from services.detect.screening.check_errors import checked_rows
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign


def needs_days(_: Rule) -> float:
    """Counts checks, not days."""
    return 0.0


def qc_too_perfect(panel: Panel, rule: Rule) -> list[Sign]:
    """质控过于完美 (D31): the last checks of one kind all closer than instruments repeat.

    A zero check that reads exactly zero is common (values below zero are cut off): zero checks are
    left out. A blind sample closes the gap between a very good instrument and a preset answer.
    """
    window = rule.hours("window_checks")
    since = panel.judged_since()
    signs = []
    for one in checked_rows(panel, rule):
        if one.checks[0].kind == "zero":
            continue
        errors = one.errors
        repeat = rule.number("repeatability")
        score = small_errors(errors, window=window, repeatability=repeat)[0]
        for k in map(int, np.flatnonzero(score >= rule.number("floor"))):
            check = one.checks[k]
            if check.cell < since[one.row]:
                continue
            known = np.flatnonzero(errors.valid[0, : k + 1])[-window:]
            rms = float(np.sqrt((errors.values[0, known] ** 2).mean()))
            signs.append(
                Sign(
                    row=one.row, end=check.cell + 1, begin=max(0, one.checks[int(known[0])].cell),
                    test=rule.id, score=float(score[k]), statistic=100 * rms,
                    value=check.measured, expected=check.expected,
                    silent_at=100 * repeat, variant=check.kind,
                )
            )  # fmt: skip
    return signs
