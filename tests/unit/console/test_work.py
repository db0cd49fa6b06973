"""办案管理 pages: people, overdue terms, duty, inactivity, outcomes, files."""

from tests.unit.console.conftest import Browser
from tests.unit.console.doors import TestDoors


def test_load_certificates_and_leave_are_seen(browser: Browser) -> None:
    """Who has how much, whose certificate has ended, who stands in for whom."""
    browser.sign_in("leader")

    page = browser.get("/work").text

    assert "2027-05-01" in page
    assert "已过期" in page
    assert "至2026-12-01" in page
    assert "代办 丁" in page
    assert "无人持有有效证件" in page
    assert "因离岗自动改派" in page


def test_an_officer_sees_load_but_moves_nobody(officer: Browser) -> None:
    """What nobody has, and moving it, is the leader's."""
    page = officer.get("/work").text

    assert "2027-05-01" in page
    assert "无人持有有效证件" not in page
    assert "/work/reassign" not in page


def test_a_leader_moves_all_of_one_officer(browser: Browser, doors: TestDoors) -> None:
    """Several may take over; what could not be moved is told with its reason."""
    browser.sign_in("leader")
    browser.get("/work")

    lacking = browser.post("/work/reassign", {"from_officer_id": "o-2", "reason": ""})
    done = browser.post(
        "/work/reassign", {"from_officer_id": "o-2", "to_officer_ids": "o-1 o-3", "reason": "请假"}
    )

    assert "缺少：理由" in lacking.text
    assert "已改派1件，1件未改派" in done.text
    assert "戊 已回避本案" in done.text
    assert list(doors.people.asked[0].to_officer_ids) == ["o-1", "o-3"]


def test_overdue_duty_inactivity_and_outcomes_are_pages(browser: Browser) -> None:
    """Each says what it is about and leads to the matter."""
    browser.sign_in("leader")
    for path, words in (
        ("/work/overdue", ("县级核查", "通报", "丁")),
        ("/work/duty", ("二氧化硫超标", "无人值班")),
        ("/work/inactivity", ("逾期未核查", "12天", "行政执法监督条例第二十七条")),
        ("/work/outcomes", ("440,000", "90", "决定是否立案")),
    ):
        page = browser.get(path)
        assert page.status_code == 200, path
        for word in words:
            assert word in page.text, (path, word)


def test_queue_and_record_come_as_files(browser: Browser) -> None:
    """The same filter as the page; bytes as the door sends them."""
    browser.sign_in("leader")

    queue = browser.get("/work/queue.xlsx?state=open")
    record = browser.get("/matters/m-1/record")

    assert queue.content == b"open rows"
    assert "spreadsheetml" in queue.headers["content-type"]
    assert record.content == b"PK record"
    assert browser.get("/work/queue.exe").status_code == 404
