"""不一致: what a check of a bundle can complain about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """不一致 One place that is not what was signed, and why."""

    place: str
    reason: str
