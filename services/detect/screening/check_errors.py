"""核查误差: errors of checks in tolerances, as the two tests of checks read them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Series
from services.detect.screening.panel import CheckResult, Panel

_ZERO = "zero"


@dataclass(frozen=True)
class CheckedRow:
    """Checks of one analyser and kind, oldest first."""

    row: int
    checks: list[CheckResult]
    tolerance: list[float]
    """Of each check, in the factor's unit; NaN where nothing says how large it is."""

    @property
    def errors(self) -> Series:
        """(1 x checks): errors in tolerances."""
        pairs = zip(self.checks, self.tolerance, strict=True)
        return Series.of([(c.measured - c.expected) / t if t > 0 else np.nan for c, t in pairs])


def checked_rows(panel: Panel, rule: Rule) -> Iterator[CheckedRow]:
    """Checks of each row and kind of standard.

    Tolerance of span and standard checks is a share of the standard, of zero checks a share of the
    largest standard used so far, else of the limit.
    """
    found: dict[tuple[int, str], list[CheckResult]] = {}
    for check in sorted(panel.checks, key=lambda c: (c.row, c.cell)):
        found.setdefault((check.row, check.kind), []).append(check)
    largest: dict[tuple[int, int], float] = {}
    for (row, kind), checks in found.items():
        if kind != _ZERO:
            for check in checks:
                key = row, check.cell
                largest[key] = max(largest.get(key, 0.0), check.expected)
    for (row, kind), checks in found.items():
        if kind == _ZERO:
            scale = [_scale(panel, row, check.cell, largest) for check in checks]
            share = rule.number("zero_tolerance")
        else:
            scale = [check.expected for check in checks]
            share = rule.number("span_tolerance")
        yield CheckedRow(row, checks, [share * s for s in scale])


def _scale(panel: Panel, row: int, cell: int, largest: dict[tuple[int, int], float]) -> float:
    before = [value for (r, c), value in largest.items() if r == row and c <= cell]
    return max(before) if before else float(panel.limit[row])
