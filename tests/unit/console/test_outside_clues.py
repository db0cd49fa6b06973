"""线索研判 pages: what is ranked for whom, the grid's picture, the decision."""

import re

import pytest

from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.console.views.outside_map import around, grid_map
from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors

CLUES = "/outside/clues"


@pytest.fixture
def leader(browser: Browser) -> Browser:
    """The city's leader."""
    browser.sign_in("leader")
    return browser


def test_the_ranking_names_place_signs_and_candidate(leader: Browser) -> None:
    """Best first; kinds of signs, reason and candidates in words; nobody's plate."""
    text = leader.get(CLUES).text

    for expected in ("垣石水泥", "热点网格", "水质指纹", "无人机", "裸地", "投诉", "候选企业"):
        assert expected in text, expected
    scores = [float(one) for one in re.findall(r"</svg> <b>(\d+)</b>", text)]
    assert scores == sorted(scores, reverse=True)
    assert "冀D" not in text


def test_a_clue_shows_signs_candidates_and_a_picture(leader: Browser, doors: TestDoors) -> None:
    """What was seen, what would have silenced it, who it could be and why, where it is."""
    cement = next(one for one in doors.outside_clues.clues().values() if "垣石" in one.name)

    text = leader.get(f"{CLUES}/{cement.clue_id}").text

    for expected in (
        "不成立的条件",
        "位于上风向",
        "权重占比",
        'class="around"',
        "来源记录",
        "1 km",
    ):
        assert expected in text, expected


def test_a_decision_needs_a_reason_and_closes_the_clue(leader: Browser, doors: TestDoors) -> None:
    """The door's refusal is shown; what is accepted stands on the page with its person."""
    leader.get(f"{CLUES}/c-2")
    refused = leader.post(f"{CLUES}/c-2", {"verdict": "nothing", "reason": " ", "revision": "1"})
    done = leader.post(
        f"{CLUES}/c-2", {"verdict": "nothing", "reason": "现场查过", "revision": "1"}
    )

    assert refused.status_code == 422
    assert "reason" in refused.text
    assert "现场查过" in done.text
    assert "未发现问题" in done.text
    asked = doors.outside_clues.asked[-1]
    assert (asked.verdict, asked.revision) == (pb.OUTSIDE_VERDICT_NOTHING, 1)


def test_the_map_shows_cells_hot_ones_and_the_clues(leader: Browser) -> None:
    """One square a cell with its mean; hot cells, stations, plants, wind and links to clues."""
    text = leader.get("/outside/map").text

    assert text.count('<g class="w') > 100
    assert ' hot"' in text
    for expected in ("微站", "康二城镇", 'class="clue"', "砚岭热电", "rotate(", "3 km", "PM2.5"):
        assert expected in text, expected


def test_townships_are_ranked_with_their_parts(leader: Browser, doors: TestDoors) -> None:
    """Index, change, SO2 rank and all six pollutants."""
    text = leader.get("/outside/townships?days=3").text

    assert doors.outside_clues.asked[-1].days == 3
    assert text.index("康二城镇") < text.index("阳邑镇")
    assert "%" in text


@pytest.mark.parametrize(
    ("who", "clues", "map_"), [("plant", 403, 403), ("operator", 403, 200), ("police", 403, 403)]
)
def test_nobody_is_warned(browser: Browser, who: str, clues: int, map_: int) -> None:
    """Clues are the authority's; an operator of the platform sees the air, no plant on it."""
    browser.sign_in(who)

    assert browser.get(CLUES).status_code == clues
    assert browser.get(f"{CLUES}/c-1").status_code == clues
    page = browser.get("/outside/map")
    assert page.status_code == map_
    assert 'class="clue"' not in page.text
    assert CLUES not in browser.get("/outside").text


def test_a_map_without_cells_and_a_clue_without_places_have_no_picture() -> None:
    """Nothing to draw is told, not drawn."""
    assert grid_map(pb.GetOutsideMapResponse()) is None
    assert around(pb.OutsideClue(), []) is None
