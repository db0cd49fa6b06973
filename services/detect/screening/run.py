"""筛查一遍: every test of a rule book over a panel; a test that fails does not stop the others."""

import sys
from collections.abc import Callable, Iterable

from services.detect.domain.rule import Rule, RuleBook
from services.detect.kernels.series import Ints
from services.detect.screening.panel import Panel
from services.detect.screening.screens import SCREENS
from services.detect.screening.sign import Sign

#: Hears the name of a test and what it failed with.
Failed = Callable[[str, Exception], None]


def tests_in(book: RuleBook) -> list[str]:
    """Tests that a rule book has a rule for, in order of the registry."""
    known = set(book.ids)
    return [test for test in SCREENS if test in known]


def run_tests(panel: Panel, book: RuleBook, tests: Iterable[str], failed: Failed) -> list[Sign]:
    """筛查: signs of the newest version of each test."""
    found: list[Sign] = []
    for test in tests:
        try:
            found += SCREENS[test](panel, book.versions(test)[-1])
        except Exception as error:  # noqa: BLE001 - one broken test must not silence thirty others
            failed(test, error)
    return found


def needs_days(rule: Rule) -> float:
    """Days of own history that a test needs, as its module says."""
    needs: Callable[[Rule], float] = sys.modules[SCREENS[rule.id].__module__].needs_days
    return needs(rule)


def days_of_history(panel: Panel) -> Ints:
    """日数 (S,): whole days with a number in at least half of their cells, marked or not."""
    cells = panel.cells // panel.per_day * panel.per_day
    by_day = panel.received[:, :cells].reshape(len(panel.keys), -1, panel.per_day)
    days: Ints = (by_day.sum(axis=2) * 2 >= panel.per_day).sum(axis=1)
    return days
