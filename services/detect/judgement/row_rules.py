"""有效性规则按行: one rule a series, as arrays, so that the engine never loops over rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.detect.judgement.model import Codes, HourState
from services.detect.judgement.parameters import ValidityRule
from services.detect.kernels.series import Bools, Floats, Ints


@dataclass(frozen=True)
class RowRules:
    """有效性规则 of S rows: few different rules, and which of them each row follows."""

    rules: tuple[ValidityRule, ...]
    """The different ones."""
    which: Ints
    """(S,): place in `rules` of each row's."""

    def numbers(self, name: str) -> Floats:
        """(S,): a number of each row's rule, in the unit that its name says."""
        return np.array([float(getattr(rule, name)) for rule in self.rules])[self.which]

    def are(self, name: str, value: object) -> Bools:
        """(S,): whether a field of each row's rule has this value."""
        same = np.array([getattr(rule, name) == value for rule in self.rules], dtype=np.bool_)
        return np.asarray(same[self.which], dtype=np.bool_)

    @cached_property
    def flag_states(self) -> Codes:
        """(rules, 256): what each wire flag makes of a received hour (VALID: it is judged)."""
        table = np.full((len(self.rules), 256), HourState.FLAGGED, dtype=np.uint8)
        for row, rule in zip(table, self.rules, strict=True):
            for letters, state in (
                (rule.missing_flags, HourState.MISSING),
                (rule.stopped_flags, HourState.STOPPED),
                (rule.judged_flags, HourState.VALID),
            ):
                row[[0 if letter == "-" else ord(letter) for letter in letters]] = state
        return table


def row_rules(rules: Sequence[ValidityRule]) -> RowRules:
    """有效性规则按行: `rules` has one rule a row; equal objects are kept once.

    Source: the rows of a pack (HJ 75-2017, HJ 356-2019, GB 18484-2020, MEE order 10).
    """
    place: dict[int, int] = {}
    which = np.fromiter((place.setdefault(id(one), len(place)) for one in rules), dtype=np.int64)
    different = dict(zip((id(one) for one in rules), rules, strict=True))
    return RowRules(tuple(different[one] for one in place), which)
