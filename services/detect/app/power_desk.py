"""用电研判 of one process: what it remembers between plants, and which rule counts for a day."""

import datetime as dt

from sqlalchemy.orm import Session

from services.detect.app.knowledge import Knowledge
from services.detect.app.plant_power import LevelCache, PlantPower, PowerRecords
from services.detect.judgement.parameters import OutletFacts, PowerRule
from services.detect.packs.select import select

_EPOCH = dt.date(1970, 1, 1)


class PowerDesk:
    """Registry copy, rule packs and own levels, kept warm."""

    def __init__(self, known: Knowledge) -> None:
        self.known = known
        self.records = PowerRecords()
        self.levels = LevelCache()

    def refresh(self, session: Session) -> None:
        """Bring pairs, orders, outlets and packs up to date."""
        self.records.refresh(session)
        self.known.refresh(session)

    def plant(self, session: Session, credit_code: str, first: int, end: int) -> PlantPower:
        """A plant's electricity in the judged days [first, end)."""
        return PlantPower(session, credit_code, first, end, self.levels)

    def rule(self, outlet_id: str, day: int) -> PowerRule:
        """用电规则 of an outlet on a Beijing day: that of the pack which judges the day."""
        facts = self.known.directory.facts(outlet_id) or OutletFacts(
            outlet_id, "", outlet_id.partition("-")[0], "", "air", ""
        )
        pack = self.known.timeline.at(day * 24 - 8)
        return select(pack.power, facts, "", _EPOCH + dt.timedelta(days=day))

    def outlet_of_plant(self, credit_code: str) -> str:
        """Where the findings of a plant's orders stand.

        The outlet of its first pair, else its first outlet by id; empty where none is known.
        """
        for known in self.records.pairs(credit_code):
            return known.pair.outlet_id
        mine = (o for o in self.known.directory.outlets() if o.startswith(f"{credit_code}-"))
        return next(mine, "")


def iso_day(day: int) -> str:
    """Beijing day as ISO date.

    >>> iso_day(20_000)
    '2024-10-04'
    """
    return (_EPOCH + dt.timedelta(days=day)).isoformat()


def day_number(iso: str) -> int:
    """Beijing day of an ISO date, counted from 1970-01-01. Raises ValueError for another text."""
    return (dt.date.fromisoformat(iso) - _EPOCH).days
