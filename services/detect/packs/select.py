"""选用规则: of the rows of a pack, the one that counts for an outlet, a factor and a day. Pure."""

import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

from services.chassis.errors import InputRejected
from services.detect.judgement.parameters import OutletFacts, Row

R = TypeVar("R", bound=Row)


def select_all(rows: Sequence[R], facts: OutletFacts, factor: str, day: dt.date) -> list[R]:
    """All rows in force on a Beijing day for an outlet and factor, best first.

    Narrowest scope first, then the latest in force, then by key: never by place in the file.
    """
    found = [
        row
        for row in rows
        if row.since <= day
        and (row.until is None or day < row.until)
        and row.scope.has(facts, factor)
    ]
    return sorted(found, key=lambda row: (-row.scope.narrowness, -row.since.toordinal(), row.key))


def find(rows: Sequence[R], facts: OutletFacts, factor: str, day: dt.date) -> R | None:
    """The row that counts, None where no row is meant: pools and furnaces are not everybody's."""
    return next(iter(select_all(rows, facts, factor, day)), None)


def select(rows: Sequence[R], facts: OutletFacts, factor: str, day: dt.date) -> R:
    """The row that counts on a Beijing day. `factor` "" = of the outlet as a whole.

    Raises InputRejected where none is meant; a pack that loads has one for everybody in validity,
    warnings, amounts, rates and power, in force since the beginning.
    """
    row = find(rows, facts, factor, day)
    if row is None:
        raise InputRejected(f"the rule pack has no row for {facts.outlet_id} {factor} on {day}")
    return row
