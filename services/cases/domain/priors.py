"""先例 Decisions of other cases against the same plant: one act is fined once (PL art 29)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prior:
    """What another case of the plant decided; revoked decisions are none."""

    number: str
    violation: str
    act_date: str  # ISO day of the act
    outcome: str  # penalty | no_penalty
