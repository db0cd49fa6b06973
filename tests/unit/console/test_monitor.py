"""试运行 on the pages: what would have been raised, for those who decide about it."""

from tests.unit.console.conftest import Browser


def test_a_leader_sees_what_monitor_triggers_would_have_cost_each_county(browser: Browser) -> None:
    """Items and officer-hours of monitor rows beside those of live ones, own counties only."""
    browser.sign_in("leader")

    page = browser.get("/monitor").text

    monitored, _, live = page.partition("正式运行")
    assert "小时值与分钟值不符" in monitored
    assert "执法工时" in monitored
    assert "6.0" in monitored
    assert "小时值与分钟值不符" not in live


def test_an_officer_finds_neither_page_nor_menu(officer: Browser) -> None:
    """Who decides about triggers reads it; the door refuses the others."""
    assert "/monitor" not in officer.get("/").text
    assert officer.get("/monitor").status_code == 403


def test_a_day_that_is_none_shows_today(browser: Browser) -> None:
    """A mistyped date is no error page."""
    browser.sign_in("leader")

    assert browser.get("/monitor?day=gestern").status_code == 200
