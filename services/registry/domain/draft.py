"""试运行: changes that are judged one after another and never saved."""

from collections.abc import Iterable, Mapping

from services.registry.domain.records import Body, Reference, references_of

Changes = dict[Reference, Body | None]
"""Records as changed; None = deleted."""


class Draft:
    """What a dry run has changed so far: later parts of the input see it, the store does not."""

    def __init__(self) -> None:
        self.changes: Changes = {}
        self.accounts: set[str] = set()


def remaining_dependants(
    place: Reference, kept: Iterable[Reference], changes: Mapping[Reference, Body | None]
) -> list[str]:
    """Return the keys of records that still refer to a place.

    `kept` are those in the store; `changes` may have deleted some and added others.
    """
    stay = [key for kind, key in kept if changes.get((kind, key), place) is not None]
    new = [
        key
        for (_, key), body in changes.items()
        if body is not None and place in (reference for _, reference in references_of(body))
    ]
    return sorted({*stay, *new})
