"""人员配置 How an office handles its people: what `people.yaml` says, as values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from services.cases.domain.lifecycle import Gate, LifeCycle
from services.cases.domain.matter import Kind

CERTIFIED = "certified"
TWO_CERTIFIED = "two_certified"


@dataclass(frozen=True)
class LoadPoints:
    """工作量分值 of one open matter by its nearest term."""

    plain: int = 1
    near: int = 2
    overdue: int = 3
    near_days: int = 7


@dataclass(frozen=True)
class PeopleRules:
    """The configuration. `investigates`: acts by kind whose people may not review the family."""

    version: str = ""
    investigates: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    person_fields: frozenset[str] = frozenset()
    warn_days: tuple[int, ...] = ()
    load: LoadPoints = field(default_factory=LoadPoints)
    return_after_leave: bool = False
    batch: int = 50


NO_RULES = PeopleRules()


def read_people_rules(
    document: Mapping[str, Any], tables: Mapping[Kind, Mapping[str, Any]]
) -> PeopleRules:
    """The configuration from its document and the documents of the life cycles it speaks of.

    Raises `ValueError` for warnings that are no descending days and for a batch of nothing.
    """
    warn_days = tuple(document["certificate_warn_days"])
    if list(warn_days) != sorted(set(warn_days), reverse=True) or min(warn_days, default=1) < 1:
        raise ValueError("certificate_warn_days: descending whole days are needed")
    if document["batch"] < 1:
        raise ValueError("batch: at least one")
    return PeopleRules(
        version=document["version"],
        investigates={kind: _investigations(one, document) for kind, one in tables.items()},
        person_fields=frozenset(document["person_fields"]),
        warn_days=warn_days,
        load=LoadPoints(**document["load"]),
        return_after_leave=document["return_after_leave"],
        batch=document["batch"],
    )


def _investigations(table: Mapping[str, Any], document: Mapping[str, Any]) -> frozenset[str]:
    acts = {row["act"] for row in table["acts"]}
    by_two = {row["act"] for row in table["acts"] if _asks_for_two(row)}
    own = acts & set(document["investigation"])
    return frozenset((by_two | own) - set(document["no_investigation"]))


def _asks_for_two(row: Mapping[str, Any]) -> bool:
    return any(gate["gate"] == TWO_CERTIFIED for gate in row.get("gates", ()))


def with_certificates(life: LifeCycle, free: Collection[str], article: str) -> LifeCycle:
    """The table in which every act of an officer asks for a certificate, but those that are free.

    Written here once and not in each row, so that no row can forget it (PL art 42).
    """
    gate = Gate(CERTIFIED, article, {})
    acts = tuple(
        replace(act, gates=(*act.gates, gate))
        if "officer" in act.by and act.key not in free
        else act
        for act in life.acts
    )
    return replace(life, acts=acts)
