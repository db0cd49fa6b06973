"""承办单位 The office that handles a matter, and who may enforce the law in it."""

from __future__ import annotations

from services.cases.domain.matter import Matter, Officer
from services.chassis.identity import covers


def office_of(matter: Matter) -> str:
    """承办单位: the division whose people handle the matter."""
    return matter.in_charge or matter.division


def competent(officer: Officer, matter: Matter) -> bool:
    """有管辖权: of the region of the matter, or of the office that it was handed to (PL art 25)."""
    return any(covers(officer.division, one) for one in (matter.division, office_of(matter)))
