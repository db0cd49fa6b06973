"""Acts on matters and referrals: forms, refusals, the bundle."""

import hashlib

from tests.unit.console.conftest import Browser
from tests.unit.console.world import BUNDLE, World


def test_the_enterprise_answers_its_order(browser: Browser, world: World) -> None:
    """The form of the allowed act reaches the door with its fields and the version seen."""
    browser.sign_in("plant")
    form = browser.get("/matters/m-1").text
    assert 'action="/matters/m-1/acts/answer"' in form

    page = browser.post(
        "/matters/m-1/acts/answer",
        {
            "field.cause": " 脱硫塔检修 ",
            "field.measure": "已恢复",
            "expected_version": "4",
            "act_name": "反馈",
        },
    )

    assert page.url.path == "/matters/m-1"
    assert "已办理：反馈" in page.text
    assert "待核查" in page.text
    assert dict(world.acts[0].fields) == {"cause": "脱硫塔检修", "measure": "已恢复"}
    assert world.acts[0].expected_version == 4
    assert "已办理" not in browser.get("/matters/m-1").text  # said once


def test_a_refusal_names_article_and_lack_and_keeps_the_text(officer: Browser) -> None:
    """422 with the reason; what was typed is still in the open form."""
    officer.get("/matters/m-2")

    page = officer.post(
        "/matters/m-2/acts/verify",
        {"field.officer_2": "o-1", "field.visited_on": "2026-11-20", "field.found": "device"},
    )

    assert page.status_code == 422
    assert "两名执法人员不能是同一人" in page.text
    assert "行政处罚法第四十二条" in page.text
    assert "第二名持证执法人员" in page.text
    assert 'value="2026-11-20"' in page.text
    assert '<option value="device" selected>' in page.text
    assert '<option value="o-1" selected>' in page.text


def test_officers_are_offered_with_their_certificates(officer: Browser) -> None:
    """The second officer is chosen from the county's own."""
    assert "戊(冀环 2)" in officer.get("/matters/m-2").text


def test_a_matter_changed_meanwhile_is_told(browser: Browser, world: World) -> None:
    """409, nothing done, the fresh state shown."""
    browser.sign_in("plant")
    browser.get("/matters/m-1")
    world.matters["m-1"].version = 9

    page = browser.post(
        "/matters/m-1/acts/answer",
        {"field.cause": "x", "field.measure": "y", "expected_version": "4"},
    )

    assert page.status_code == 409
    assert world.acts == []
    assert 'name="expected_version" value="9"' in page.text


def test_the_police_accept_a_referral(browser: Browser, world: World) -> None:
    """The agency starts at its list, opens the referral and takes its act."""
    home = browser.sign_in("police")
    assert home.url.path == "/referrals"
    assert "移〔2026〕130481-0001" in home.text

    browser.get("/referrals/r-1")
    page = browser.post("/referrals/r-1/acts/accept", {"act_name": "受理", "reason": "收到"})

    assert "公安已受理" in page.text
    assert world.referral_acts[0].act == "accept"
    assert world.referral_acts[0].reason == "收到"


def test_the_bundle_arrives_byte_by_byte_as_the_page_promises(browser: Browser) -> None:
    """Length and bytes are the door's; digests and the way to verify stand on the page."""
    browser.sign_in("police")

    page = browser.get("/referrals/r-1").text
    answer = browser.get("/referrals/r-1/bundle")

    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(BUNDLE).digest()
    assert answer.headers["content-length"] == str(len(BUNDLE))
    assert "attachment" in answer.headers["content-disposition"]
    assert bytes(range(32)).hex() in page
    assert "farsight verify" in page


def test_a_referral_that_does_not_exist_is_a_page(browser: Browser) -> None:
    """Also for the download: 404, not a broken file."""
    browser.sign_in("police")

    assert browser.get("/referrals/r-9").status_code == 404
    assert browser.get("/referrals/r-9/bundle").status_code == 404
