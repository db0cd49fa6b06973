"""A part of the platform is away: one clear page, no half answers."""

import httpx

from services.console.settings import ConsoleSettings
from tests.unit.console.conftest import Browser, running_console
from tests.unit.console.doors import TestDoors


def test_doors_that_are_away_are_one_clear_page(doors: TestDoors, redis_url: str) -> None:
    """503 names server, address and setting; liveness stays, readiness goes."""
    settings = ConsoleSettings(("127.0.0.1", 0), doors.address, redis_url, "")
    with running_console(settings) as url:
        browser = Browser(url)
        browser.sign_in("officer")
        assert browser.get("/readyz").text == "ready\n"
        doors.close()

        page = browser.get("/matters")

        assert page.status_code == 503
        assert "服务暂时不可用" in page.text
        assert doors.address in page.text
        assert "FARSIGHT_GRPC_ADDR" in page.text
        assert page.headers["retry-after"] == "5"
        assert browser.get("/livez").status_code == 200
        assert "FARSIGHT_GRPC_ADDR" in browser.get("/readyz").text
        doors.close = lambda: None  # type: ignore[method-assign]


def test_one_service_that_is_away_spoils_only_its_own_pages(
    officer: Browser, doors: TestDoors
) -> None:
    """Without cases the queue is down, the outlets are not."""
    doors.world.away = "cases"

    assert officer.get("/matters").status_code == 503
    assert officer.get("/outlets").status_code == 200


def test_redis_that_is_away_is_a_page_too(doors: TestDoors) -> None:
    """The page names Redis and its setting; nobody is taken for signed in."""
    settings = ConsoleSettings(("127.0.0.1", 0), doors.address, "redis://127.0.0.1:1/0", "")
    with running_console(settings) as url:
        answer = httpx.get(url, cookies={"farsight_session": "x"}, trust_env=False)
        ready = httpx.get(f"{url}/readyz", trust_env=False)

        assert answer.status_code == 503
        assert "REDIS_URL" in answer.text
        assert ready.status_code == 503


def test_an_unknown_path_is_a_page_with_the_menu(officer: Browser) -> None:
    """404 in the person's language, with the way back."""
    page = officer.get("/nowhere")

    assert page.status_code == 404
    assert "/nowhere" in page.text
    assert 'href="/"' in page.text


def test_a_poll_after_the_session_ended_leads_to_the_form(browser: Browser) -> None:
    """A fragment is never replaced by a sign-in form: the whole page goes there."""
    answer = browser.get("/matters", **{"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in"
