"""Sign in, sessions, CSRF: what keeps one person's pages from another."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from services.chassis.clock import utc_now
from services.chassis.identity import TOKEN_LIFE, Actor, Role
from services.console.security import local_path
from services.console.session import COOKIE, PREFIX, digest
from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors
from tests.unit.console.world import PASSWORD


@pytest.fixture
def valkey(redis_url: str) -> Iterator["redis.Redis"]:
    """The store behind the console."""
    with redis.Redis.from_url(redis_url) as store:
        store.flushdb()
        yield store


def test_a_page_sends_a_stranger_to_the_form_and_back(browser: Browser) -> None:
    """After signing in, the page that was asked for appears."""
    form = browser.get("/matters?kind=order")
    assert form.url.path == "/sign-in"

    page = browser.post(
        "/sign-in",
        {"user_name": "officer", "password": PASSWORD, "next": form.url.params["next"]},
    )

    assert page.url.path == "/matters"
    assert "督〔2026〕130481-0001" in page.text


def test_a_wrong_password_is_told_and_opens_nothing(browser: Browser) -> None:
    """401 with words; the next page is still the form."""
    answer = browser.sign_in("officer", "wrong")

    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert browser.get("/").url.path == "/sign-in"


def test_many_wrong_passwords_close_the_door_for_a_while(
    valkey: "redis.Redis", browser: Browser
) -> None:
    """The eleventh try is refused even with the right password."""
    for _ in range(10):
        assert browser.sign_in("officer", "wrong").status_code == 401

    answer = browser.sign_in("officer")

    assert answer.status_code == 429
    assert "十分钟" in answer.text
    valkey.flushdb()


def test_the_session_id_changes_at_sign_in(browser: Browser) -> None:
    """A fixed id from before is worth nothing afterwards."""
    browser.get("/sign-in")
    before = browser.http.cookies[COOKIE]

    browser.post("/sign-in", {"user_name": "officer", "password": PASSWORD})
    after = browser.http.cookies[COOKIE]
    browser.http.cookies.set(COOKIE, before)

    assert before != after
    assert browser.get("/").url.path == "/sign-in"


def test_the_cookie_is_closed_to_scripts_and_other_sites(browser: Browser) -> None:
    """HttpOnly, SameSite=Lax and the whole site; Secure only where the page came by https."""
    browser.get("/sign-in")
    browser.http.follow_redirects = False

    answer = browser.post("/sign-in", {"user_name": "officer", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]

    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_the_store_knows_no_session_id(valkey: "redis.Redis", browser: Browser) -> None:
    """Reading Redis gives nobody a cookie: keys are digests."""
    browser.sign_in("officer")
    session_id = browser.http.cookies[COOKIE]

    keys = [key.decode() for key in valkey.scan_iter(f"{PREFIX}*")]
    texts = [valkey.get(key) or b"" for key in keys if ":failures:" not in key]

    assert PREFIX + digest(session_id) in keys
    assert not any(session_id in key for key in keys)
    assert not any(session_id.encode() in text for text in texts)


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(officer: Browser) -> None:
    """A kept cookie opens nothing after the owner left."""
    officer.get("/")
    kept = officer.http.cookies[COOKIE]

    officer.post("/sign-out")
    officer.http.cookies.set(COOKIE, kept)

    assert officer.get("/").url.path == "/sign-in"


@pytest.mark.parametrize("path", ["/sign-out", "/language", "/matters/m-1/acts/answer"])
def test_a_post_without_its_token_is_refused(officer: Browser, path: str) -> None:
    """A form from elsewhere has no CSRF token: 403, and nobody is signed out."""
    officer.csrf = "guessed"

    answer = officer.post(path, {"language": "en"})

    assert answer.status_code == 403
    assert "没有权限" in answer.text
    assert officer.get("/").status_code == 200


def test_a_token_near_its_end_is_exchanged(
    valkey: "redis.Redis", officer: Browser, doors: TestDoors
) -> None:
    """The person works on; the doors gave a fresh token once."""
    shorten_token(valkey, officer, doors, timedelta(minutes=2))

    page = officer.get("/matters")

    assert page.url.path == "/matters"
    assert doors.world.refreshes == 1
    officer.get("/matters")
    assert doors.world.refreshes == 1


def test_a_token_that_ended_ends_the_session(
    valkey: "redis.Redis", officer: Browser, doors: TestDoors
) -> None:
    """Nobody works on with a token that is over."""
    shorten_token(valkey, officer, doors, timedelta(minutes=-1))

    assert officer.get("/matters").url.path == "/sign-in"


def shorten_token(
    valkey: "redis.Redis", officer: Browser, doors: TestDoors, left: timedelta
) -> None:
    """Give the officer's session a token with only this much life left."""
    key = PREFIX + digest(officer.http.cookies[COOKIE])
    session = json.loads(valkey.get(key))  # type: ignore[arg-type]
    actor = Actor("officer", Role.OFFICER, "130481", "", "甲", "o-1")
    token, end = doors.tokens.issue(actor, now=utc_now() + left - TOKEN_LIFE)
    valkey.set(
        key, json.dumps({**session, "token": token, "token_expires_at": end.timestamp()}), ex=600
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/matters?state=all", "/matters?state=all"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_only_paths_of_this_site_follow_a_sign_in(text: str, path: str) -> None:
    """An address elsewhere becomes the start page."""
    assert local_path(text) == path
