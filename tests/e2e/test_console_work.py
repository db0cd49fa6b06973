"""Officers and a plant do their work on the console's pages, against the whole platform."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.browser import CHROMIUM, chromium_arguments, sign_in
from tests.e2e.clients import LoggerClient, Person, hours_back, logger_of, wait_until
from tests.e2e.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

BOILER = "91130404FARX00021Y-DA001"  # SO2 limit 50
PLANT, CHECKER, CLOSER = "plant02", "officer1.130404", "officer2.130404"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless browser for the module."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=chromium_arguments())
        yield browser
        browser.close()


@contextmanager
def desk_of(chromium: Browser, platform: RunningPlatform, user: str) -> Iterator[Page]:
    """A person's own browser, signed in; it must not complain about any page."""
    context = chromium.new_context(base_url=platform.console)
    page, faults = context.new_page(), []
    page.on("console", lambda note: note.type == "error" and faults.append(note.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, platform.console, user)
    yield page
    context.close()
    assert faults == []


def take(page: Page, act: str, fields: dict[str, str]) -> None:
    """Fill in and send the form of an act."""
    form = page.locator(f'form[action$="/acts/{act}"]')
    form.wait_for(state="attached")  # a link's page may still be on its way
    folded = page.locator("details.act:not([open])", has=form)
    if folded.count():
        folded.locator("summary").click()
    for name, text in fields.items():
        field = form.locator(f'[name="field.{name}"]')
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)
    form.locator("button").click()
    page.wait_for_selector(".notice.good")


def send_bad_hours(platform: RunningPlatform) -> None:
    """Five hours of SO2 above the limit, oxygen at its reference."""
    logger = logger_of(BOILER)
    with LoggerClient(platform.hj212, logger.mn, logger.password, logger.st) as line:
        for number, start in enumerate(hours_back(5)):
            value = 90.0 + number
            sulphur = {"Avg": value, "ZsAvg": value, "Min": 85.0, "Max": 99.0, "Flag": "N"}
            values = {"a21026": sulphur, "a19001": {"Avg": 6.0, "Flag": "N"}}
            line.acknowledged(line.hour(start, values))


def test_an_order_is_answered_checked_and_closed_on_the_pages(
    seeded_platform: RunningPlatform, chromium: Browser
) -> None:
    """Curve and order appear; plant, checker and a second officer each do their act by form."""
    platform = seeded_platform
    officer = Person(platform.grpc, CHECKER)
    send_bad_hours(platform)
    order = wait_until(
        lambda: next(
            (
                one
                for one in officer.matters(outlet_id=BOILER, state="open")
                if one.item == "hourly_exceedance" and one.level >= 2
            ),
            None,
        ),
        90,
        "an order of level dispatch",
    )

    with desk_of(chromium, platform, CHECKER) as page:
        page.goto(f"/outlets/{BOILER}?range=7d")
        page.wait_for_selector(".panel svg path", state="attached")
        curve = page.locator('.panel[data-code="a21026"] .chart').get_attribute("aria-label")
        assert "90 – 94 mg/m³" in (curve or "")
        assert "限值 50" in (curve or "")
        page.goto("/matters")
        page.get_by_text(order.number).wait_for()

    with desk_of(chromium, platform, PLANT) as page:
        page.goto("/")
        page.locator(f"#due-{order.matter_id}").click()
        take(
            page, "answer", {"cause": "浆液泵停运", "measure": "已切换备用泵", "evidence": "记录 7"}
        )

    with desk_of(chromium, platform, CHECKER) as page:
        page.goto(f"/matters/{order.matter_id}")
        assert "浆液泵停运" in page.inner_text("#timeline")
        take(
            page,
            "check",
            {"verdict": "rectified", "opinion": "已恢复达标", "evidence": "照片 3 张"},
        )
        assert not page.locator('form[action$="/acts/close"]').count()  # another person's act

    with desk_of(chromium, platform, CLOSER) as page:
        page.goto(f"/matters/{order.matter_id}")
        take(page, "close", {"opinion": "复核同意销号"})
        assert "已销号" in page.inner_text("main")

    closed = officer.matter(order.matter_id)
    by_hand = [one for one in closed.timeline if one.act in ("answer", "check", "close")]
    assert [one.act for one in by_hand] == ["answer", "check", "close"]
    assert not any(one.scripted for one in by_hand)


def test_another_citys_officer_and_the_police_find_no_such_pages(
    seeded_platform: RunningPlatform, chromium: Browser
) -> None:
    """The real doors keep jurisdictions apart, and the console shows it as a page."""
    platform = seeded_platform

    with desk_of(chromium, platform, "officer1.130109") as page:
        answer = page.request.get(f"/outlets/{BOILER}")
        assert answer.status == 404
        assert "没有找到" in answer.text()

    with desk_of(chromium, platform, "police.130400") as page:
        assert page.url.endswith("/referrals")
        assert page.request.get("/matters").status == 403
