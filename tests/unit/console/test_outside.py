"""外部线索 page: what is listed for whom, in words people use."""

from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors


def test_each_kind_is_one_line_in_words(officer: Browser) -> None:
    """Family and status of a mark, a meter's use, a cell, a plate, a complaint as plain text."""
    text = officer.get("/outside").text

    for expected in (
        "生产工况", "停运", "有效", "治污设施 TA001", "66 kW", "G3-312-1268", "乡镇站 s-1", "88",
        "门禁 gate-1", "冀D00000", "进", "12369 异味", "示例涂装厂", "HCHO", "m²",
        "000102030405", "泽垚热电有限公司", "武安市",
    ):  # fmt: skip
        assert expected in text, expected
    assert "&lt;img src=x" in text
    assert "<img src=x" not in text


def test_a_plant_sees_its_own_marks_and_meters_and_no_clue(browser: Browser) -> None:
    """Neither in the list nor in the choice of kinds."""
    browser.sign_in("plant")

    text = browser.get("/outside").text

    assert "TA001" in text
    for hidden in ("G3-312-1268", "12369", "HCHO", 'value="spot"', 'value="complaint"'):
        assert hidden not in text
    assert browser.get("/outside?kind=spot").status_code == 403


def test_the_filter_asks_the_door(officer: Browser, doors: TestDoors) -> None:
    """Kind, time, outlet and versions reach the service; an unknown kind asks for all."""
    officer.get("/outside?kind=grid&days=1&versions=true&outlet_id=x")
    officer.get("/outside?kind=nonsense&days=0")

    first, second = doors.outside.asked[-2:]
    assert (list(first.kinds), first.with_versions, first.outlet_id) == ([3], True, "x")
    assert first.HasField("start")
    assert (list(second.kinds), second.HasField("start")) == ([], False)


def test_nobody_without_a_right_finds_it(browser: Browser) -> None:
    """The police see referrals, not the platform's clues."""
    browser.sign_in("police")

    assert browser.get("/outside").status_code == 403
    assert "/outside" not in browser.get("/").text
