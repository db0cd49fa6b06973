"""The pages in a real browser: policy, curves, live values, keyboard, accessibility."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from services.chassis.pb.ingest.v1.ingest_pb2 import READING_KIND_REALTIME
from services.console.security import POLICY
from tests.unit.console.doors import TestDoors
from tests.unit.console.judgement_doors import make_incinerators
from tests.unit.console.world import OUTLET, PASSWORD, World
from tools.screenshots import ARGUMENTS, CHROMIUM

pytestmark = pytest.mark.browser

#: axe-core 4.11.4 from npm, unchanged, MPL-2.0; it checks the pages and is no part of the product.
AXE = Path(__file__).parent / "vendor" / "axe-4.11.4.min.js"
PAGES = ("/", "/matters", "/outlets", f"/outlets/{OUTLET}", "/findings/f-1", "/matters/m-2",
         "/referrals", "/referrals/r-1", "/commands", "/commands/c-1", "/commands/c-2",
         "/commands/c-3", "/commands/c-4", f"/outlets/{OUTLET}/call", f"/outlets/{OUTLET}/power",
         f"/outlets/{OUTLET}/days/2026-11-17", f"/outlets/{OUTLET}/days/2026-11-17?compute=now",
         "/transmission",
         f"/transmission/outlets/{OUTLET}", "/outside", "/outside/clues", "/outside/clues/c-1",
         "/outside/map", "/outside/townships", "/screening", "/screening/clues/k-1",
         "/screening/held", "/screening/suppressions", "/screening/radar",
         "/marks", f"/marks?outlet_id={OUTLET}",
         f"/marks/{OUTLET}/m-waits", "/nowhere")  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A headless Chromium of the system."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is missing; `make setup` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def faults() -> list[str]:
    """What the browser complained about, a policy violation among them."""
    return []


@pytest.fixture
def page(chromium: object, console_url: str, faults: list[str]) -> Iterator[Page]:
    """A page of a city's leader, signed in by the form with the keyboard alone."""
    context = chromium.new_context(base_url=console_url, viewport={"width": 1280, "height": 800})  # type: ignore[attr-defined]
    page: Page = context.new_page()
    page.on("console", lambda note: note.type == "error" and faults.append(note.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto("/sign-in")
    page.locator("#user_name:focus").wait_for()  # the form puts the cursor there itself
    page.keyboard.type("leader")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".menu")
    yield page
    context.close()


def test_all_pages_live_under_the_policy(page: Page, faults: list[str]) -> None:
    """No script, style or request is refused anywhere, the charts' own included."""
    for path in PAGES[:-1]:
        page.goto(path)
        page.wait_for_load_state("networkidle")

    assert faults == []


def test_an_injected_script_does_not_run(page: Page) -> None:
    """The policy stops what an escaped text would not even try."""
    page.goto("/matters")

    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.hit=1>')"
    )
    page.wait_for_timeout(300)

    assert "script-src 'self'" in POLICY
    assert page.evaluate("window.hit") is None


def test_each_factor_has_its_curve_with_limit_and_finding(page: Page, faults: list[str]) -> None:
    """Four panels are drawn as SVG; the first says its limit and is described in words."""
    page.goto(f"/outlets/{OUTLET}?range=7d")
    page.wait_for_selector(".panel svg path", state="attached")

    panels = page.locator(".panel")
    described = panels.first.locator(".chart").get_attribute("aria-label")

    assert panels.count() == 4
    assert page.locator(".panel svg").count() == 4
    assert "限值 50" in panels.first.inner_text()
    assert re.search(r"二氧化硫: [\d.]+ – [\d.]+ mg/m³, 限值 50", described or "")
    assert faults == []


def test_a_new_value_appears_by_itself(page: Page, world: World) -> None:
    """What the doors got after the page was opened is on it within seconds, without a reload."""
    page.goto(f"/outlets/{OUTLET}")
    page.evaluate("window.stayed = true")
    for series in world.readings[OUTLET, READING_KIND_REALTIME]:
        series.time_s.append(series.time_s[-1] + 30)
        series.value.append(987.0)
        series.converted.append(987.0)
        series.flags += "D"

    page.wait_for_selector(".latest .over b:text('987')", timeout=15_000)

    assert "D 故障" in page.locator(".latest").inner_text()
    assert page.evaluate("window.stayed") is True


def test_the_queue_filters_while_typing_and_the_address_follows(page: Page) -> None:
    """The address can be sent to a colleague; the field keeps the focus."""
    page.goto("/matters")

    page.locator("#search").press_sequentially("130404")
    expect(page.locator("table.queue tbody tr")).to_have_count(1, timeout=15_000)

    assert "search=130404" in page.url
    assert page.evaluate("document.activeElement.id") == "search"


def test_a_form_is_sent_once(chromium: object, console_url: str, world: World) -> None:
    """Two quick clicks, one act: the second submit of the same form is held back."""
    context = chromium.new_context(base_url=console_url)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("#user_name", "plant")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.goto("/matters/m-1")
    page.fill("#answer-cause", "检修")
    page.fill("#answer-measure", "恢复")

    page.evaluate(
        "() => { const b = document.querySelector('.act button'); b.click(); b.click(); }"
    )
    page.wait_for_selector(".notice.good")
    context.close()

    assert len(world.acts) == 1


def test_a_plant_marks_its_day_with_one_click(
    chromium: object, console_url: str, doors: TestDoors
) -> None:
    """The suggestion is sent as it stands, the form as filled in; axe finds nothing."""
    context = chromium.new_context(base_url=console_url)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("#user_name", "plant")
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.goto("/marks")
    violations = accessibility(page)

    with page.expect_navigation():
        page.locator(".suggestion button").first.click()
    page.select_option("#kind", "tp_ty")
    page.fill("#reason", "停机检修")
    with page.expect_navigation():
        page.click("#form button.main")
    expect(page.locator(".notice.good")).to_contain_text("标记已提交")
    context.close()

    suggested, typed = doors.marks.asked
    assert violations == []
    assert (suggested.mark.family, suggested.mark.reason) == (2, "仪器标记为故障")
    assert suggested.mark.end.seconds - suggested.mark.start.seconds == 7200
    assert (typed.mark.condition, typed.mark.reason) == ("tp_ty", "停机检修")


@pytest.mark.parametrize("path", PAGES)
def test_pages_pass_the_accessibility_rules(page: Page, path: str) -> None:
    """axe: no violation of WCAG 2.1 A and AA, contrast included."""
    page.goto(path)
    page.wait_for_load_state("networkidle")

    assert accessibility(page) == []


def accessibility(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds on a page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
    )
    return [(v["id"], [node["html"][:160] for node in v["nodes"][:3]]) for v in found["violations"]]


def test_paper_has_no_menu_and_opens_what_is_folded(page: Page) -> None:
    """A printed case shows why each date is what it is."""
    page.goto("/matters/m-2")

    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert not page.locator(".top").is_visible()
    assert page.get_by_text("自收到线索之日起十五日").is_visible()


def test_a_furnace_s_month_is_accessible_and_fits_two_sheets(page: Page, world: World) -> None:
    """axe finds nothing; on A4 across the sheet follows the calendar, nothing is cut off."""
    make_incinerators(world)
    page.goto(f"/furnaces/{OUTLET}?month=2026-11")

    assert accessibility(page) == []
    table = page.locator(".sheet .scroll")
    assert table.evaluate("one => one.scrollWidth <= one.clientWidth")
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 2
