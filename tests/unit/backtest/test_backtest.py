"""The back-test on a small folder: what changes, why, and that the same input is the same bytes."""

import dataclasses
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from farsight.backtest import walk as walking
from farsight.backtest.compare import Difference, by_county, compare
from farsight.backtest.folder import FolderHistory
from farsight.backtest.page import html_page
from farsight.backtest.pictures import county_bars, flip_calendar
from farsight.backtest.replay import Replay, replay
from farsight.backtest.report import difference_report, verify
from farsight.backtest.walk import Span
from farsight.cli import main
from services.cases import rules
from services.detect.packs.load import shipped_pack
from services.detect.packs.pack import Pack
from tests.unit.backtest.scene import EAST, FIRST, LAST, WEST, stricter, write, write_history

SPAN = Span(FIRST, LAST)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> FolderHistory:
    """The folder of the scene."""
    return FolderHistory(write_history(tmp_path_factory.mktemp("backtest") / "history"))


@pytest.fixture(scope="module")
def old(history: FolderHistory) -> Replay:
    """What the shipped pack says."""
    return replay(shipped_pack(), history, SPAN)


@pytest.fixture(scope="module")
def difference(history: FolderHistory, old: Replay) -> Difference:
    """A pack with 80 instead of 100 mg/m3."""
    return compare(old, replay(stricter(80), history, SPAN), history.records, history.labels)


def said(found: Replay) -> list[tuple[str, str, int]]:
    """Outlet, rule and count of each finding."""
    return [(one.outlet_id, one.rule_id, one.count) for one in found.findings]


def test_the_shipped_pack_finds_what_is_above_the_permit(old: Replay) -> None:
    """Four hours of 130 against 100; three of 45 and five of 85 are none; nothing in the west."""
    over = [one for one in said(old) if one[1] == "hourly_exceedance"]

    assert over == [(EAST, "hourly_exceedance", 4)]
    assert not [one for one in said(old) if one[0] == WEST]
    dispatch = [one for one in old.items if one.trigger == "exceed_3h_day"]
    assert [(one.level, one.division, one.live) for one in dispatch] == [
        ("dispatch", "130402", True)
    ]


def test_a_stricter_limit_gains_a_finding_and_says_why(difference: Difference) -> None:
    """The five hours of 85 become an exceedance of 80; the four of 130 change their threshold."""
    gained = [one.one for one in difference.gained if one.one.rule_id == "hourly_exceedance"]
    changed = [one for one in difference.changed if one.one.rule_id == "hourly_exceedance"]

    assert [(one.outlet_id, one.count, one.threshold) for one in gained] == [(EAST, 5, 80.0)]
    assert [(one.before.threshold, one.after.threshold) for one in changed] == [(100.0, 80.0)]
    (flip,) = difference.flips
    assert (flip.name, flip.way, flip.division) == ("东方热电", "newly", "130402")
    assert {one.day.isoformat() for one in flip.days} == {"2026-08-11"}
    assert "100 mg/m3" in flip.days[0].why
    assert "80 mg/m3" in flip.days[0].why


def test_confirmed_cases_are_gained_and_lost(difference: Difference, old: Replay) -> None:
    """The label of the five hours is found by the new pack only; backwards it is lost."""
    forth = [one.label.matter for one in difference.confirmed(gained=True)]
    labels = [one.label for one in difference.labels]
    back = compare(difference.new, old, [], labels)

    assert forth == ["督-1"]
    assert difference.confirmed(gained=False) == []
    assert [one.label.matter for one in back.confirmed(gained=False)] == ["督-1"]


def test_the_report_is_the_same_bytes_and_tells_when_it_was_touched(
    history: FolderHistory, difference: Difference
) -> None:
    """Replayed again on two processes; a changed figure breaks the digest."""
    again = [replay(pack, history, SPAN, jobs=2) for pack in (shipped_pack(), stricter(80))]
    other = compare(*again, history.records, history.labels)

    report = difference_report(difference, "history")

    assert difference_report(other, "history") == report
    assert verify(report)
    assert not verify(report.replace(b'"findings_gained":', b'"findings_gained":9', 1))
    summary = json.loads(report)["summary"]
    assert summary["enterprises_flipped"] == 1
    assert summary["confirmed_gained"] == 1
    assert summary["officer_hours"][1] > summary["officer_hours"][0]


def test_the_size_of_a_step_and_the_form_of_the_table_change_nothing(
    old: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weeks instead of three weeks, a row a value instead of a row a time: the same findings."""
    monkeypatch.setattr(walking, "STEP", 168)

    again = replay(shipped_pack(), FolderHistory(write_history(tmp_path, long=True)), SPAN)

    def data(found: Replay) -> list[bytes]:
        told = [type(one).FromString(one.SerializeToString()) for one in found.findings]
        for one in told:
            one.ClearField("revision")
            one.facts.fields.pop("reason", None)
        return [one.SerializeToString(deterministic=True) for one in told]

    assert data(again) == data(old)
    assert again.items == old.items


def test_monitor_rows_cost_no_officer(history: FolderHistory, old: Replay) -> None:
    """A row on trial has its item beside the live one; only the live one costs hours."""
    table = rules.text("triggers.yaml").replace(
        "at_least: 3, level: dispatch,", "at_least: 3, level: dispatch, mode: monitor,"
    )
    quiet: Pack = dataclasses.replace(shipped_pack(), triggers=table)

    found = replay(quiet, history, SPAN)

    assert {(one.trigger, one.live) for one in found.items} == {
        ("exceed_1h", True), ("exceed_3h_day", False),
    }  # fmt: skip
    assert [side.officer_hours[0] for side in by_county(found.counts, ())] == [0.1]
    assert said(found) == said(old)


def test_pictures_and_page_are_well_formed_and_name_what_changed(difference: Difference) -> None:
    """SVG that parses; the page holds the plant, the counties and both pictures."""
    for picture in (county_bars(difference), flip_calendar(difference)):
        ET.fromstring(picture)
    page = html_page(difference, "history")

    assert page.count("<svg") == 2
    assert "东方热电" in page
    assert "邯山区" in page
    assert "督-1" in page


def test_a_jurisdiction_without_changes_says_so(history: FolderHistory) -> None:
    """The western county alone."""
    found = [
        replay(pack, history, SPAN, division="130404") for pack in (shipped_pack(), stricter(80))
    ]

    difference = compare(*found, history.records, history.labels)

    assert difference.flips == ()
    assert difference.labels == ()
    assert "没有企业改判" in flip_calendar(difference)


@pytest.mark.parametrize(
    ("table", "lines", "complaint"),
    [
        ("readings", ["outlet_id,a21002", "x,1"], "readings.csv: no column data_time"),
        ("readings", ["outlet_id,data_time,colour", "x,2026-08-01,1"], "has a column colour"),
        ("readings", ["outlet_id,data_time,a21002", "x,gestern,1"], "data_time 'gestern'"),
        ("readings", ["outlet_id,data_time,a21002", "x,2026-08-01,viel"], "a21002"),
        ("labels", ["outlet_id,start,end,verdict", "x,2026-08-01,2026-08-02,maybe"], "verdict"),
        ("labels", ["outlet_id,start,end", "x,2026-08-01,2026-08-02"], "no column verdict"),
        ("marks", ["outlet_id,mark_id,colour", "x,m,red"], "no column is called colour"),
        ("marks", ["outlet_id,mark_id,revision", "x,m,1"], "line 2"),
        ("limits", ["limit_id,outlet_id,upper", "l,x,viel"], "limits.csv: line 2, upper"),
    ],
)
def test_a_fault_names_file_and_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, lines: list[str], complaint: str
) -> None:
    """And ends with 1 before anything is judged."""
    write_history(tmp_path)
    write(tmp_path, table, *lines)

    status = main(["backtest", "--pack", "base", "--from", "2026-08-01", "--to", "2026-08-30",
                   "--history", str(tmp_path)])  # fmt: skip

    assert status == 1
    assert complaint in capsys.readouterr().err


def test_the_command_writes_report_pictures_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pack from a folder against base; the JSON is the report that a proposal carries."""
    history = write_history(tmp_path / "history")
    for name, body in stricter(80).files.items():
        target = tmp_path / "pack" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    asked = ["backtest", "--pack", str(tmp_path / "pack"), "--from", "2026-08-03",
             "--to", "2026-08-30", "--history", str(history)]  # fmt: skip

    spoken = main([*asked, "-o", str(tmp_path / "out.html")])
    words = capsys.readouterr().out
    printed = main([*asked, "--json"])

    assert (spoken, printed) == (0, 0)
    assert "enterprises judged otherwise: 1" in words
    assert (tmp_path / "out_counties.svg").is_file()
    assert (tmp_path / "out_flips.svg").is_file()
    assert verify(capsys.readouterr().out.encode().rstrip(b"\n"))
