"""核查误差同号: zero or span errors of one sign, left uncorrected (D14)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.one_sided_errors import one_sided_errors
from services.detect.screening.check_errors import checked_rows
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign


def needs_days(_: Rule) -> float:
    """Counts checks, not days."""
    return 0.0


def check_error(panel: Panel, rule: Rule) -> list[Sign]:
    """核查误差同号 (D14): most of the last checks err to one side by over half of the tolerance.

    This is the datum that tells a drifted or turned analyser from a plant that changed: the
    standard has not changed. It closes the gap of `level_drift` and, as a span check before and
    after, of `scale_change`.
    """
    window = rule.hours("window_checks")
    since = panel.judged_since()
    signs = []
    for one in checked_rows(panel, rule):
        errors = one.errors
        score = one_sided_errors(errors, window=window, lean=rule.number("lean"))[0]
        for k in map(int, np.flatnonzero(score >= rule.number("floor"))):
            check, first = one.checks[k], one.checks[max(0, k + 1 - window)]
            if check.cell < since[one.row]:
                continue
            error = 100 * float(errors.values[0, k])
            signs.append(
                Sign(
                    row=one.row, end=check.cell + 1, begin=max(0, first.cell), test=rule.id,
                    score=float(score[k]), statistic=error,
                    value=check.measured, expected=check.expected,
                    silent_at=check.expected + 0.5 * float(np.sign(error)) * one.tolerance[k],
                    variant=check.kind,
                )
            )  # fmt: skip
    return signs
