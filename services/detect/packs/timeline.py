"""规则时间线: which pack judges which event hour. Pure."""

import bisect
import dataclasses
import datetime as dt
from collections.abc import Iterable
from functools import cached_property

from services.detect.domain.rule import Rule, RuleBook, hour_of
from services.detect.packs.pack import Pack

#: From here on the first pack applies: before any data.
BEGINNING = dt.date(1900, 1, 1)
_END = 2**40


class Timeline:
    """规则时间线 of activations, oldest decision first.

    A later decision counts from its day on, over all that was decided before: so a roll-back needs
    no more than the earlier pack and the day.
    """

    def __init__(self, activations: Iterable[tuple[dt.date, Pack]]) -> None:
        """`activations`: (first Beijing day, pack). The first one counts from the beginning."""
        self._starts: list[int] = []
        self._packs: list[Pack] = []
        for day, pack in activations:
            hour = hour_of(day) if self._starts else hour_of(BEGINNING)
            keep = bisect.bisect_left(self._starts, hour)
            del self._starts[keep:], self._packs[keep:]
            self._starts.append(hour)
            self._packs.append(pack)
        assert self._packs, "a timeline needs a first pack"

    def at(self, hour: int) -> Pack:
        """The pack that judges an event hour (slot = unix hours)."""
        return self._packs[max(0, bisect.bisect_right(self._starts, hour) - 1)]

    def intervals(self, first_hour: int, end_hour: int) -> list[tuple[int, int, Pack]]:
        """(first, end, pack) of the hours [first_hour, end_hour), in order and without gaps."""
        ends = [*self._starts[1:], _END]
        starts = [-_END, *self._starts[1:]]
        return [
            (max(first, first_hour), min(end, end_hour), pack)
            for first, end, pack in zip(starts, ends, self._packs, strict=True)
            if first < end_hour and first_hour < end
        ]

    @property
    def packs(self) -> tuple[Pack, ...]:
        """The packs that judge any hour, in order of their hours."""
        return tuple(self._packs)

    @property
    def newest(self) -> Pack:
        """The pack that judges from now on."""
        return self._packs[-1]

    @cached_property
    def book(self) -> RuleBook:
        """Rules of all packs, each version clipped to the days its pack judges.

        A rule that two packs share unchanged stays one: a run across the border is one run.
        """
        rules: list[Rule] = []
        for first, end, pack in self.intervals(-_END, _END):
            for rule in pack.book.all_versions:
                clipped = _clip(rule, first, end)
                if clipped is not None:
                    _append(rules, clipped)
        newest = self.newest.book
        return RuleBook(rules, newest.clue_rule, newest.factors, newest.family_clue)


def _clip(rule: Rule, first: int, end: int) -> Rule | None:
    """A rule in force inside [first, end) only, None where it never was."""
    since = rule.in_force_from if rule.first_hour >= first else _day_of(first)
    until = rule.in_force_to if rule.end_hour <= end else _day_of(end)
    if until is not None and since >= until:
        return None
    return dataclasses.replace(rule, in_force_from=since, in_force_to=until)


def _append(rules: list[Rule], new: Rule) -> None:
    """Add a rule, or lengthen the same one that ends where this one begins."""
    for at, old in enumerate(rules):
        grown = dataclasses.replace(old, in_force_to=new.in_force_to)
        same = dataclasses.replace(grown, in_force_from=new.in_force_from) == new
        if same and old.in_force_to == new.in_force_from:
            rules[at] = grown
            return
    rules.append(new)


def _day_of(hour: int) -> dt.date:
    """The Beijing day that begins with an hour slot."""
    return dt.date(1970, 1, 1) + dt.timedelta(hours=hour + 8)
