"""日研判: the page of one outlet's day."""

import pytest

from tests.unit.console.conftest import Browser
from tests.unit.console.judgement_doors import make_incinerators
from tests.unit.console.world import FOREIGN_OUTLET, OUTLET, World

PAGE = f"/outlets/{OUTLET}/days/2026-11-17"


@pytest.fixture
def leader(browser: Browser, world: World) -> Browser:
    """A city's leader before an incinerator's days."""
    make_incinerators(world)
    browser.sign_in("leader")
    return browser


def test_a_day_shows_states_values_limits_and_marks(leader):
    """Coloured hours with their word, the limit and why, the mark that exempts, the digest."""
    page = leader.get(PAGE).text

    assert page.count('class="hs s-exempt') >= 4
    assert 'class="hs s-valid over"' in page
    assert "许可限值；无适用的标准限值" in page
    assert "按当时所知复算" in page
    assert "01" * 8 in page
    assert "标记变化" in page


def test_computing_again_says_what_differs(leader):
    """Then is the same; now names the hour; both languages have words."""
    assert "与存档一致" in leader.get(f"{PAGE}?revision=1&compute=then").text
    different = leader.get(f"{PAGE}?compute=now").text

    assert "与存档不一致" in different
    assert "颗粒物 08时 有效→标记无效" in different


def test_a_foreign_day_and_a_text_that_is_none(leader):
    """Another plant's day does not exist; a text that is no day is refused."""
    assert leader.get(f"/outlets/{FOREIGN_OUTLET}/days/2026-11-17").status_code == 404
    assert leader.get(f"/outlets/{OUTLET}/days/yesterday").status_code == 422


def test_an_outlet_leads_to_its_judged_day(leader):
    """The link of the outlet's page names yesterday."""
    assert f"/outlets/{OUTLET}/days/" in leader.get(f"/outlets/{OUTLET}").text
