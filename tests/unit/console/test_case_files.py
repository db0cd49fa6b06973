"""A case's documents, files and kin on its page; opening a matter by hand."""

import httpx

from tests.unit.console.case_doors import PDF
from tests.unit.console.conftest import Browser
from tests.unit.console.world import World


def leader_of(browser: Browser) -> Browser:
    """The city's leader before the case."""
    browser.sign_in("leader")
    return browser


def test_a_case_shows_its_documents_and_kin(browser: Browser) -> None:
    """Title, number, day of service and a link to the PDF; the order it belongs with."""
    page = leader_of(browser).get("/matters/m-2").text

    assert "邯山环罚字〔2026〕3号" in page
    assert "2026-11-12" in page
    assert 'href="/papers/p-1"' in page
    assert 'href="/matters/m-1"' in page


def test_a_document_is_passed_on_as_it_was_made(browser: Browser) -> None:
    """Byte for byte, shown as a PDF, never run as anything else."""
    answer = leader_of(browser).get("/papers/p-1")

    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_draft_is_shown_and_says_what_is_missing(browser: Browser, world: World) -> None:
    """The same form asks for a draft; nothing is done by it."""
    page = leader_of(browser).get("/matters/m-2").text
    assert 'formaction="/matters/m-2/draft/decide"' in page

    lacking = browser.post("/matters/m-2/draft/decide", {"field.amount": ""})
    drawn = browser.post("/matters/m-2/draft/decide", {"field.amount": "220000"})

    assert lacking.status_code == 422
    assert "罚款金额" in lacking.text
    assert drawn.content == PDF
    assert world.acts == []


def test_rows_that_every_matter_has_stand_aside(browser: Browser) -> None:
    """Reassigning is folded below what the case is about."""
    page = leader_of(browser).get("/matters/m-2").text

    assert page.index("作出处罚决定") < page.index('class="aside"') < page.index("改派</summary>")


def test_a_file_is_handed_in_and_read_back(officer: Browser) -> None:
    """What came back is what was sent; its digest stands in the list."""
    content = b"\xff\xd8\xff" + bytes(600_000)
    officer.get("/matters/m-2")

    done = officer.post(
        "/matters/m-2/attachments",
        {"purpose": "photo", "note": "采样管"},
        {"file": ("sampling.jpg", content, "image/jpeg")},
    )

    assert done.status_code == 200
    assert "sampling.jpg" in done.text
    assert "采样管" in done.text
    back = officer.get("/attachments/a-1")
    assert back.content == content
    assert back.headers["content-type"] == "image/jpeg"


def test_a_matter_is_opened_by_hand(officer: Browser, world: World) -> None:
    """The form asks where, keeps what was typed on a refusal, and opens once."""
    page = officer.get("/matters/new?outlet_id=91130402MA000T014P-DA001").text
    assert "申请现场检查" in page
    assert 'data-when-field="field.covert" data-when-values="yes"' in page
    form = {
        "outlet_id": "91130402MA000T014P-DA001",
        "field.planned_at": "2026-11-23T09:30",
        "field.officer_2": "o-1",
        "request_id": "r-1",
    }

    refused = officer.post("/matters/new/inspection/request", form)
    opened = officer.post("/matters/new/inspection/request", {**form, "reason": "线索核实"})

    assert refused.status_code == 422
    assert 'value="2026-11-23T09:30' in refused.text
    assert opened.status_code == httpx.codes.OK
    assert opened.url.path == "/matters/m-2"
    assert world.opened[0].fields["planned_at"] == "2026-11-23T09:30+08:00"
    assert world.opened[0].request_id == "r-1"
