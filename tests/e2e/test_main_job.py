"""The main job over the real processes: from a logger's bytes to a closed case."""

import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from playwright.sync_api import sync_playwright

from services.chassis.clock import beijing
from tests.e2e.browser import CHROMIUM, chromium_arguments, sign_in
from tests.e2e.clients import (
    LoggerClient,
    Person,
    hours_back,
    logger_of,
    messages,
    wait_until,
)

pytestmark = pytest.mark.e2e

BOILER = "91130481FARX00013L-DA001"  # NOx limit 100 or stricter, a dispatch after five hours
BOILER_PLANT = "91130481FARX00013L"
SEWAGE = "91130481FARX00195Q-DW001"
TODAY = beijing(datetime.now(UTC)).date().isoformat()


def exceeding(value: float) -> dict[str, dict[str, float | str]]:
    """Give an hour of NOx above its limit with oxygen at its reference."""
    nox = {"Avg": value, "ZsAvg": value, "Min": value - 5, "Max": value + 5, "Flag": "N"}
    return {"a21002": nox, "a19001": {"Avg": 6.0, "Flag": "N"}}


@pytest.mark.browser
def test_an_exceedance_becomes_an_order_an_sms_a_page_and_is_closed(seeded_platform):
    """Five bad hours by TCP: order, SMS, console page; answered, checked, closed by another."""
    platform = seeded_platform
    logger = logger_of(BOILER)
    officer = Person(platform.grpc, "officer5.130481")
    plant = Person(platform.grpc, "plant01")

    with LoggerClient(platform.hj212, logger.mn, logger.password, logger.st) as line:
        for number, start in enumerate(hours_back(5)):
            line.acknowledged(line.hour(start, exceeding(250.0 + number)))

    def order():
        found = officer.matters(outlet_id=BOILER, state="open")
        return next((one for one in found if one.item == "hourly_exceedance"), None)

    issued = wait_until(order, 60, "the order")
    issued = wait_until(
        lambda: (now := order()) is not None and now.level >= 2 and now, 30, "level dispatch"
    )
    assert issued.enterprise_name in officer.matter(issued.matter_id).title + issued.enterprise_name
    text = wait_until(
        lambda: [one for one in messages(platform.handset) if issued.number in one["text"]],
        30,
        "the SMS at the SMS centre",
    )
    assert text[0]["text"].startswith("【")

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=chromium_arguments())
        page = browser.new_page()
        sign_in(page, platform.console, "officer5.130481")
        page.goto(f"{platform.console}/matters/{issued.matter_id}")
        assert issued.number in page.inner_text("main")
        browser.close()

    plant.act(
        issued.matter_id,
        "answer",
        {"cause": "脱硝喷氨系统堵塞", "measure": "已清洗并恢复", "evidence": "运行记录 2026-11"},
    )
    officer.act(
        issued.matter_id,
        "check",
        {"verdict": "rectified", "opinion": "现场核查，已恢复达标", "evidence": "照片三张"},
    )
    with pytest.raises(grpc.RpcError) as same_person:
        officer.act(issued.matter_id, "close", {"opinion": "同意"})
    assert same_person.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    closed = Person(platform.grpc, "officer6.130481").act(
        issued.matter_id, "close", {"opinion": "复核同意销号"}
    )

    assert closed.state == "closed"
    acts = [event.act for event in officer.matter(issued.matter_id).timeline]
    assert acts[0] == "issue"
    assert [one for one in acts if one in {"answer", "check", "close"}] == [
        "answer",
        "check",
        "close",
    ]
    assert not [one for one in plant.matters() if one.confidential]


def test_a_sample_bottle_becomes_a_referral_that_verifies_offline(seeded_platform, tmp_path):
    """Ninety days of frames with a bottle: clue, case, police; a flipped byte is found."""
    platform = seeded_platform
    logger = logger_of(SEWAGE)
    platform.run_command(
        "simulate", "--history", "90", "--only", logger.mn, "--state", str(tmp_path / "state.json")
    )
    first, second = (Person(platform.grpc, f"officer{n}.130481") for n in (5, 6))
    reviewer = Person(platform.grpc, "officer1.130481")
    leader = Person(platform.grpc, "leader.130481")

    clue = wait_until(
        lambda: next(iter(first.matters(outlet_id=SEWAGE, state="clue")), None), 90, "the clue"
    )
    assert clue.confidential
    plant = Person(platform.grpc, "plant19")
    assert not [one for one in plant.matters() if one.matter_id == clue.matter_id]
    with pytest.raises(grpc.RpcError) as hidden:
        plant.matter(clue.matter_id)
    assert hidden.value.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED}

    walk_to_referral(clue.matter_id, first, second, reviewer, leader)
    referral_id = wait_until(
        lambda: first.matter(clue.matter_id).referral_id, 60, "the referral of the case"
    )
    wait_until(
        lambda: [one for one in first.referral(referral_id).allowed if one.act == "hand_over"],
        60,
        "the frozen bundle",
    )
    police = Person(platform.grpc, "police.130400")
    with pytest.raises(grpc.RpcError) as too_early:
        police.referral(referral_id)
    assert too_early.value.code() == grpc.StatusCode.NOT_FOUND
    first.act_on_referral(referral_id, "hand_over")
    for act in ("receive", "accept"):
        police.act_on_referral(referral_id, act)
    police.act_on_referral(referral_id, "file", decision_number="邯公（环）立字〔2026〕1号")
    procurator = Person(platform.grpc, "procurator.130400")
    assert procurator.referral(referral_id).outcome == "filed"
    wait_until(
        lambda: first.matter(clue.matter_id).state == "police_filed", 60, "the outcome in the case"
    )

    bundle = tmp_path / "referral.zip"
    bundle.write_bytes(police.bundle(referral_id))
    assert verify(bundle).returncode == 0, verify(bundle).stdout
    flipped = tmp_path / "flipped.zip"
    name, place = inside_largest_item(bundle)
    content = bytearray(bundle.read_bytes())
    content[place] ^= 1
    flipped.write_bytes(content)
    answer = verify(flipped)
    assert answer.returncode == 1
    assert name in answer.stdout + answer.stderr


def walk_to_referral(matter_id, first, second, reviewer, leader) -> None:
    """Do what the law asks, each step by who may do it."""
    partner = second.account.officer_id
    first.act(
        matter_id,
        "verify",
        {
            "officer_2": partner,
            "visited_on": TODAY,
            "found": "confirmed",
            "record": "现场检查笔录1号：采样管插入样品瓶",
        },
    )
    yes = dict.fromkeys(
        ["facts_suspected", "punishable", "own_jurisdiction", "within_limitation"], "yes"
    )
    leader.act(matter_id, "file_case", yes)
    first.act(
        matter_id,
        "finish_investigation",
        {
            "officer_2": partner,
            "facts": "样品瓶替代废水",
            "violation": "falsify_self_monitoring",
            "party_told_on": TODAY,
        },
    )
    with pytest.raises(grpc.RpcError) as own_review:
        first.act(
            matter_id,
            "review_technical",
            {"equipment_ok": "yes", "record_ok": "yes", "opinion": "自审"},
        )
    assert "三十八" in own_review.value.details()
    reviewer.act(
        matter_id,
        "review_technical",
        {"equipment_ok": "yes", "record_ok": "yes", "opinion": "记录真实完整"},
    )
    reviewer.act(
        matter_id,
        "review_legal",
        {"place_published": "yes", "party_can_query": "yes", "opinion": "合法"},
    )
    first.act(
        matter_id,
        "request_referral",
        {"officer_2": partner, "charge": "338", "report": "涉嫌污染环境罪，移送报告"},
    )
    leader.act(matter_id, "approve_referral")


def verify(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farsight", "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )


def inside_largest_item(bundle: Path) -> tuple[str, int]:
    """Give the largest item's name and the place of a byte in the middle of its content."""
    with zipfile.ZipFile(bundle) as archive:
        largest = max(archive.infolist(), key=lambda one: one.compress_size)
    start = largest.header_offset + 30 + len(largest.filename.encode())
    return largest.filename, start + largest.compress_size // 2


def test_bad_input_is_refused_counted_and_never_answered(seeded_platform):
    """Wrong CRC, unknown MN, wrong password, future time, a cut frame: no reply, each counted."""
    platform = seeded_platform
    logger = logger_of(BOILER)
    operator = platform.operator()
    before = operator.balance()
    hour = next(iter(hours_back(1, ending_hours_ago=30)))

    with LoggerClient(platform.hj212, logger.mn, logger.password, logger.st) as line:
        good = line.hour(hour, exceeding(20.0))
        line.send(good[:-6] + b"0000\r\n" if good[-6:-2] != b"0000" else good[:-6] + b"0001\r\n")
        line.send(line.hour(datetime.now(UTC) + timedelta(hours=3), exceeding(20.0)))
        assert line.receive(1.5) == b""
        line.send(good[: len(good) // 2])
    for mn, password in (("F" * 24, logger.password), (logger.mn, "000000")):
        with LoggerClient(platform.hj212, mn, password, logger.st) as line:
            line.send(line.hour(hour, exceeding(20.0)))
            assert line.receive(1.5) == b""

    def refused():
        now = operator.balance()
        fresh = {
            key: now.refused[key] - before.refused.get(key, 0)
            for key in now.refused
            if now.refused[key] > before.refused.get(key, 0)
        }
        return fresh if sum(fresh.values()) >= 5 else None

    fresh = wait_until(refused, 30, "five refusals in the balance")
    assert set(fresh) == {"crc", "future_time", "incomplete", "unknown_mn", "wrong_password"}
    after = operator.balance()
    assert after.received == after.accepted + after.duplicate + sum(after.refused.values())
