"""关联校验: what makes a record wrong beside the records it refers to."""

from collections.abc import Mapping

from services.registry.domain.records import (
    Body,
    Enterprise,
    Fault,
    Kind,
    Limit,
    Logger,
    Outlet,
    Reference,
    references_of,
)

_SYSTEM_OF = {"air": "31", "water": "32"}  # HJ 212-2017 table 5


def related_faults(body: Body, found: Mapping[Reference, Body]) -> list[Fault]:
    """Return the references that point nowhere and the contradictions to what they point at."""
    missing = [
        Fault(field, f"no {kind.name.lower()} {key}")
        for field, (kind, key) in references_of(body)
        if (kind, key) not in found
    ]
    return missing or _contradictions(body, found)


def _contradictions(body: Body, found: Mapping[Reference, Body]) -> list[Fault]:
    if isinstance(body, Outlet):
        owner = found[Kind.ENTERPRISE, body.credit_code]
        if isinstance(owner, Enterprise) and owner.division != body.division:
            return [Fault("division", f"the enterprise is in {owner.division}")]
    if isinstance(body, Logger | Limit):
        outlet = found[Kind.OUTLET, body.outlet_id]
        if isinstance(outlet, Outlet):
            return _against_outlet(body, outlet)
    return []


def _against_outlet(body: Logger | Limit, outlet: Outlet) -> list[Fault]:
    if isinstance(body, Logger) and _SYSTEM_OF[outlet.medium] != body.st:
        return [Fault("st", f"an outlet of medium {outlet.medium} has {_SYSTEM_OF[outlet.medium]}")]
    if isinstance(body, Limit) and body.factor not in outlet.factors:
        return [Fault("factor", "is not measured at this outlet")]
    return []
