"""传输 on the pages: rates, an outlet's hours, holes and the button."""

import re

from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors
from tests.unit.console.world import FOREIGN_OUTLET, OUTLET

PAGE = f"/transmission/outlets/{OUTLET}"


def test_a_province_sees_counties_the_worst_first_with_bars_and_denominators(
    browser: Browser,
) -> None:
    """Two counties; the one with 20 of 23 stands above the one with 23 of 23."""
    browser.sign_in("province")

    page = browser.get("/transmission").text

    assert page.index("武安市") < page.index("藁城区")
    assert "86.9 %" in page  # 20 / 23, cut
    assert "95.6 %" in page  # 22 / 23 after fill
    assert 'class="bar"' in page
    assert "暂定值" in page
    assert "78.2 %" in page  # 20 / 23 x 0.9
    assert "86.0 %" in page  # 22 / 23 x 0.9, after fill
    assert page.count("—") >= 3  # the other county is not judged yet


def test_amounts_stand_with_what_was_substituted_and_their_change(officer: Browser) -> None:
    """By plant in a county: 1200 + 300 kg against 2000; what has no mass has no row."""
    page = officer.get("/transmission").text
    amounts = page[page.index("排放量</h2>") :]

    assert all(text in amounts for text in ("1,200", "300.0", "1,500", "2,000", "-25.0 %"))
    assert amounts.index("5.250") > amounts.index("1,200")
    assert "pH" not in amounts[: amounts.index("</table>")]


def test_a_county_drills_down_to_its_outlets_and_no_further(officer: Browser) -> None:
    """The county's officer sees the outlet with a link to its hours, never the other city's."""
    page = officer.get("/transmission").text

    assert f'href="{PAGE}"' in page
    assert FOREIGN_OUTLET not in page
    assert officer.get(f"/transmission/outlets/{FOREIGN_OUTLET}").status_code == 404


def test_the_strip_and_the_table_say_the_same(officer: Browser) -> None:
    """One cell an hour in the picture, one row an hour in the table, each state in words."""
    page = officer.get(PAGE).text

    cells = re.findall(r'<rect class="cell (\w+)" x=', page)
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].count("<tr>")
    assert sorted(cells) == sorted(
        ["open", "came", "missing", "failed", "stopped", "filled", "filled"]
    )
    assert rows == len(cells)
    for words in ("按时", "未收到", "拒收", "停运", "迟到或补传", "未封存"):
        assert words in page


def test_the_outlet_s_frame_balance_stands_by_the_hour(officer: Browser) -> None:
    """received = accepted + duplicate + refused(reason), for each arrival hour."""
    page = officer.get(PAGE).text

    assert page.count("收支相符") == 24
    assert "CRC" in page


def test_a_hole_is_asked_for_by_a_button_once(officer: Browser, doors: TestDoors) -> None:
    """The press reaches the door with the hole's bounds; a second one is refused in words."""
    page = officer.get(PAGE).text
    fields = dict(re.findall(r'<input type="hidden" name="(kind|start|end)" value="(\d+)">', page))

    done = officer.post(f"{PAGE}/backfill", fields).text
    again = officer.post(f"{PAGE}/backfill", fields).text

    (request,) = doors.transmission.asked
    assert request.kind == 3
    assert (request.start.seconds, request.end.seconds) == (
        int(fields["start"]), int(fields["end"]),
    )  # fmt: skip
    assert "已向数采仪要求补传" in done
    assert "没有要求补传" in again
    assert page.count("<button aria-label") == 1  # none for the hole that is asked for already


def test_a_form_that_says_no_period_is_answered(officer: Browser, doors: TestDoors) -> None:
    """Rubbish in the form is a notice, not an error page, and reaches no logger."""
    officer.get(PAGE)

    page = officer.post(f"{PAGE}/backfill", {"kind": "3", "start": "x", "end": ""})

    assert page.status_code == 200
    assert "时段不完整" in page.text
    assert doors.transmission.asked == []


def test_a_plant_sees_its_own_rates_without_the_button(browser: Browser) -> None:
    """An enterprise reads its own completeness; asking loggers is the authority's act."""
    browser.sign_in("plant")

    page = browser.get(PAGE).text

    assert "缺口与补传" in page
    assert "/backfill" not in page
    assert browser.get(f"/transmission/outlets/{FOREIGN_OUTLET}").status_code == 404


def test_the_page_speaks_english_too(officer: Browser) -> None:
    """Every word of the page is in both catalogues."""
    officer.get("/transmission")
    officer.post("/language", {"language": "en", "next": "/transmission"})

    assert "Transmission rate" in officer.get("/transmission").text
    assert "Completeness by hour" in officer.get(PAGE).text
