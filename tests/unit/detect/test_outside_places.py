"""Places and candidates: what belongs together, whose it may be and why, what continues."""

import math
import random
from dataclasses import replace

import pytest

from services.detect.outside.candidates import rank_candidates
from services.detect.outside.complaints import complaint_signs, named
from services.detect.outside.continuity import StandingClue, continue_clues
from services.detect.outside.look import look
from services.detect.outside.places import find_places
from services.detect.outside.positions import NOWHERE, Point, project
from services.detect.outside.records import Complaint, DataFinding, Plant
from services.detect.outside.rule import shipped_rule
from services.detect.outside.sign import OutsideSign, Wind
from tests import outside_demo

RULE = shipped_rule()
HOUR, NOON = 3600, 1_763_780_400
HOME = project(114.2, 36.7)


def at(east, north):
    """A point so many metres from home."""
    return Point(HOME.x + east, HOME.y + north)


def plant(code, point, *, factors=("a21026",), media=("air",), findings=()):
    """A plant with findings that begin at these hours."""
    own = {
        f"f-{code}-{hour}": DataFinding(
            "hourly_exceedance", f"{code}-DA001", NOON + hour * HOUR, NOON + (hour + 1) * HOUR
        )
        for hour in findings
    }
    return Plant(
        code, f"{code}热电有限公司", f"{code}热电", "130481", "4412", point, frozenset(factors),
        frozenset(media), own,
    )  # fmt: skip


def sign(key, kind="drone", *, point=HOME, radius=300.0, hour=0, **more):
    """A sign of one hour."""
    values = {
        "division": "130481", "medium": "air", "strength": 0.5, "seen": key, "silenced_by": "",
        "pollutant": "a21026", **more,
    }  # fmt: skip
    begin = NOON + hour * HOUR
    return OutsideSign(
        key=key, kind=kind, begin_s=begin, end_s=begin + HOUR, point=point, radius_m=radius,
        **values,
    )  # fmt: skip


def shares(signs, plants):
    """Share of each candidate."""
    found = rank_candidates(signs, plants, RULE)
    return {one.credit_code: one.share for one in found}


def test_near_upwind_and_emitting_plants_lead() -> None:
    """Each reason alone turns two equal plants; shares sum to one; far plants are not told."""
    north, south = plant("N", at(0, 2000)), plant("S", at(0, -2000))
    blown = sign("s", wind=Wind(0.0, 3.0))

    assert shares([sign("s")], [north, south]) == pytest.approx({"N": 0.5, "S": 0.5})
    wind = shares([blown], [north, south])
    assert wind["N"] / wind["S"] == pytest.approx(RULE.upwind_factor**2)
    other = replace(south, factors=frozenset({"w01018"}))
    assert shares([sign("s")], [north, other])["N"] == pytest.approx(0.75)
    near = shares([sign("s")], [plant("A", at(100, 0)), plant("B", at(4000, 0))])
    assert near["A"] > 0.7
    assert shares([sign("s")], [plant("A", at(30_000, 0))]) == {}
    assert shares([sign("s")], [plant("A", NOWHERE)]) == {}


def test_own_findings_add_weight_in_their_time() -> None:
    """Of the last three days, with its reason; a finding of last month adds nothing."""
    one = plant("A", at(2000, 0), findings=(-5,))
    late = plant("B", at(-2000, 0), findings=(-24 * 30,))

    found = rank_candidates([sign("s")], [one, late], RULE)

    assert (found[0].credit_code, found[0].finding_ids) == ("A", ("f-A--5",))
    assert "疑似问题" in "".join(found[0].reasons)
    assert found[0].share == pytest.approx(2 / 3)
    assert found[1].finding_ids == ()


def test_signs_of_a_plant_are_one_clue_with_its_own_findings() -> None:
    """A camera that names it and a plume beside it; the data finding is joined, not repeated."""
    one, other = plant("A", at(500, 0), findings=(-2,)), plant("B", at(9000, 0))
    signs = [sign("v", "video", credit_code="A", hour=-1), sign("d", point=at(800, 0))]

    places = find_places(signs, [one, other], RULE)

    assert [(place.key, len(place.signs)) for place in places] == [("plant:A", 2)]
    assert places[0].finding_ids == ("f-A--2",)
    assert places[0].families == ("drone", "own_data", "video")
    assert "合并" in places[0].reason


def test_a_suspect_does_not_draw_the_plumes_of_its_neighbours() -> None:
    """A plume beside one plant is not another's, though a camera names that one."""
    near, suspect = plant("N", at(400, 0)), plant("S", at(2300, 0))
    signs = [sign("v", "video", point=at(2300, 0), credit_code="S"), sign("d")]

    places = {one.key: one for one in find_places(signs, [near, suspect], RULE)}

    ground, named_one = sorted(places)
    assert ground.startswith("cell:")
    assert named_one == "plant:S"
    assert places[ground].candidates[0].credit_code == "N"


def test_places_are_joined_by_ground_medium_and_time() -> None:
    """Within both radii and three days; water, another week and another street stay apart."""
    here = sign("a")
    joined = sign("b", point=at(400, 0), hour=20)
    water = sign("c", medium="water")
    later = sign("d", hour=24 * 6)
    street = sign("e", point=at(2500, 0))

    places = find_places([here, joined, water, later, street], [], RULE)

    groups = sorted(sorted(one.key for one in place.signs) for place in places)
    assert groups == [["a", "b"], ["c"], ["d"], ["e"]]


def test_two_kinds_are_worth_more_than_many_of_one() -> None:
    """Same strength: a second kind of information raises the score, a repetition does not."""
    one = find_places([sign("a")], [], RULE)[0].score
    many = find_places([sign("a"), sign("b"), sign("c")], [], RULE)[0].score
    two = find_places([sign("a"), sign("b", "satellite")], [], RULE)[0].score

    assert (one, many, two) == pytest.approx((50.0, 50.0, 75.0))


def test_the_order_of_signs_changes_nothing() -> None:
    """The demo's signs shuffled give the same places."""
    records = outside_demo.records()
    before = look(records, RULE)
    events = list(records.events)
    random.Random(5).shuffle(events)

    again = look(
        replace(records, events=tuple(events), complaints=records.complaints[::-1],
                spots=records.spots[::-1], series=records.series[::-1]), RULE,
    )  # fmt: skip

    assert again == before


def complaint(text="", accused="", division="130481", **more):
    """A complaint about a smell."""
    return Complaint(
        key="c", begin_s=NOON, end_s=NOON + 1, division=division, category="odour",
        accused=accused, text=text, channel="12369", **more,
    )  # fmt: skip


def test_a_complaint_names_a_plant_by_its_words_and_repeats_none() -> None:
    """Full or short name of one plant of the county; two, none or another county's name nobody."""
    plants = [plant("泽", HOME), plant("沐", HOME)]

    assert named(complaint("泽热电半夜冒烟"), plants) == "泽"
    assert named(complaint("烟很大", accused="沐热电有限公司"), plants) == "沐"
    assert named(complaint("泽热电和沐热电都臭"), plants) == ""
    assert named(complaint("泽热电", division="130404"), plants) == ""
    said = next(complaint_signs([complaint("我住三号楼，泽热电臭")], plants, RULE))
    assert "三号楼" not in said.seen
    assert list(complaint_signs([replace(complaint("吵"), category="noise")], plants, RULE)) == []


def standing(clue_id, *keys, decided=False, place="", end=NOON + HOUR):
    """A clue of before with these signs."""
    return StandingClue(clue_id, place, NOON, end, frozenset(keys), decided)


def continued(signs, clues):
    """(clue id, keys of signs) of what goes on, and what ended."""
    places = find_places(signs, [], RULE)
    found, ended = continue_clues(places, clues, [], RULE)
    return {one.clue_id: [s.key for s in one.place.signs] for one in found}, ended


def test_a_clue_is_continued_by_its_signs_or_its_place() -> None:
    """Most shared signs win; the same cell within three days continues; nothing shared ends."""
    first, second = sign("a"), sign("b", point=at(200, 0))

    assert continued([first, second], [standing("x", "a"), standing("y", "gone")]) == (
        {"x": ["a", "b"]}, ["y"],
    )  # fmt: skip
    key = find_places([first], [], RULE)[0].key
    assert continued([first], [standing("x", "older", place=key)]) == ({"x": ["a"]}, [])
    late = sign("a", hour=100)
    assert continued([late], [standing("x", "z", place=key)]) == ({"": ["a"]}, ["x"])
    assert continued([first], [standing("x", "z", place="elsewhere")]) == ({"": ["a"]}, ["x"])


def test_decided_signs_make_no_clue_and_later_ones_do() -> None:
    """What an officer decided about is left out, whatever else is at the place."""
    first, later = sign("a"), sign("b", hour=5)

    assert continued([first], [standing("x", "a", decided=True)]) == ({}, [])
    assert continued([first, later], [standing("x", "a", decided=True)]) == ({"": ["b"]}, [])


def test_a_sign_without_a_place_is_still_a_clue() -> None:
    """By county and medium, with nobody as candidate."""
    place = find_places([sign("a", point=NOWHERE)], [plant("A", HOME)], RULE)[0]

    assert place.key == "division:130481:air"
    assert place.candidates == ()
    assert math.isnan(place.point.x)
