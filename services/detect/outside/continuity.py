"""线索延续: which clue of before a place found now continues."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.detect.outside.places import PlaceClue, again
from services.detect.outside.records import Plant
from services.detect.outside.rule import OutsideRule


@dataclass(frozen=True)
class StandingClue:
    """A clue as it stands: what tells whether a place continues it."""

    clue_id: str
    place: str
    begin_s: int
    end_s: int
    sign_keys: frozenset[str]
    decided: bool


@dataclass(frozen=True)
class Continued:
    """A place with the clue it continues; empty id = a new one."""

    clue_id: str
    place: PlaceClue


def continue_clues(
    found: Sequence[PlaceClue],
    standing: Sequence[StandingClue],
    plants: Sequence[Plant],
    rule: OutsideRule,
) -> tuple[list[Continued], list[str]]:
    """线索延续: each place with its clue, and the ids of open clues that no place continues.

    A place continues the open clue with which it shares most signs, else an open one of the same
    place that is not further away in time than an episode's gap; each clue once, best places
    first. Signs that an officer has decided about (those of a decided clue) make no new clue; what
    was seen after them does.
    """
    decided = frozenset(key for one in standing if one.decided for key in one.sign_keys)
    undecided = {one.clue_id: one for one in standing if not one.decided}
    result = []
    for place in found:
        rest = _without(place, decided, plants, rule)
        if rest is not None:
            clue_id = _best(rest, undecided.values(), rule)
            undecided.pop(clue_id, None)
            result.append(Continued(clue_id, rest))
    return result, sorted(undecided)


def _without(
    place: PlaceClue, decided: Collection[str], plants: Sequence[Plant], rule: OutsideRule
) -> PlaceClue | None:
    signs = [one for one in place.signs if one.key not in decided]
    if len(signs) == len(place.signs):
        return place
    return again(signs, place.credit_code, plants, rule) if signs else None


def _best(place: PlaceClue, standing: Collection[StandingClue], rule: OutsideRule) -> str:
    gap = rule.episode_gap_h * 3600
    keys = {one.key for one in place.signs}
    ranked = []
    for one in standing:
        shared = len(keys & one.sign_keys)
        near = one.begin_s <= place.end_s + gap and place.begin_s <= one.end_s + gap
        if shared or (one.place == place.key and near):
            ranked.append((-shared, one.place != place.key, one.clue_id))
    return min(ranked)[2] if ranked else ""
