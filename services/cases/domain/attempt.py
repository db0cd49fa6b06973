"""办理动作: what somebody wants to do to a matter, with everything a gate may look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.cases.domain.inspection import Site
from services.cases.domain.law import NO_LAW, Law
from services.cases.domain.matter import Doer, Kind, Matter, Officer
from services.cases.domain.papers import Attachment, Paper
from services.cases.domain.people_rules import NO_RULES, PeopleRules
from services.cases.domain.priors import Prior
from services.chassis.clock import BEIJING


@dataclass(frozen=True)
class Attempt:
    """An act that is asked for. `family`: every other matter of the same root, oldest first.

    `papers` and `attachments` are those of this matter; `law` and `people` are the reference data
    and the configuration of the release.
    """

    matter: Matter
    doer: Doer
    fields: Mapping[str, str]
    reason: str
    officers: Mapping[str, Officer]
    now: dt.datetime
    family: tuple[Matter, ...] = ()
    papers: tuple[Paper, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    law: Law = field(default=NO_LAW)
    site: Site | None = None  # inspections only
    people: PeopleRules = field(default=NO_RULES)
    priors: tuple[Prior, ...] = ()  # decisions of other cases of the plant

    @property
    def today(self) -> dt.date:
        """The day in Beijing."""
        return self.now.astimezone(BEIJING).date()

    @property
    def parent(self) -> Matter | None:
        """The matter above."""
        above = self.matter.parent_matter_id
        return next((one for one in self.family if one.matter_id == above), None)

    def below(self, kind: Kind) -> list[Matter]:
        """Matters of a kind that this one opened, oldest first."""
        mine = self.matter.matter_id
        return [m for m in self.family if m.kind is kind and m.parent_matter_id == mine]
