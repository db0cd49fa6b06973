"""The product's clock table against the reference it was curated from, row by row."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import re
from pathlib import Path

import pytest

from services.cases.domain import matter
from services.cases.domain.clocks import Clock, Kind, Unit, read_clock, read_extension
from services.cases.rules import clock_table, life_cycle
from services.chassis.errors import NotFound

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "clocks.csv"
TODAY = dt.date(2026, 11, 22)
UNITS = {"day before": Unit.DAY, "clock time next day": Unit.CLOCK_TIME, "": None}
#: Rows of the reference whose length 0 means "no term": they only stop another clock.
SUSPENSIONS = {"surcharge_stop", "crime_pause"}


def reference_rows() -> list[dict[str, str]]:
    """Rows of the reference, or one marker where it is not on this machine."""
    if not REFERENCE.exists():
        return []
    return list(csv.DictReader(REFERENCE.open(encoding="utf-8")))


def length_as_text(clock: Clock) -> str:
    """The length as the reference writes it."""
    if clock.key in SUSPENSIONS:
        return "0"
    if clock.unit is Unit.CLOCK_TIME:
        return f"{clock.length // 60:02d}:{clock.length % 60:02d}"
    return "" if clock.length is None else str(clock.length)


@pytest.mark.parametrize("row", reference_rows(), ids=lambda row: row["clock_key"])
def test_a_row_says_what_the_reference_says(row: dict[str, str]):
    """Length, unit, kind of days, events, miss, source and confidence are the reference's."""
    clock = clock_table().find(row["clock_key"], TODAY)

    assert length_as_text(clock) == row["length"]
    assert clock.unit == (UNITS[row["unit"]] if row["unit"] in UNITS else Unit(row["unit"]))
    assert clock.working == (row["day_type"] == "working")
    assert (clock.kind is Kind.BEFORE) == (row["unit"] == "day before")
    assert clock.start_en == row["starts_when"]
    assert clock.action_en == row["action_due"]
    assert clock.phase == row["phase"]
    assert clock.on_miss == row["on_miss"]
    assert clock.source == row["source"]
    assert clock.confidence == row["confidence"]
    assert clock.verified == row["verified"]
    assert clock.statutory


@pytest.mark.parametrize(
    "row",
    [row for row in reference_rows() if re.search(r"\d", row["extension"])],
    ids=lambda row: row["clock_key"],
)
def test_every_number_of_an_extension_is_in_the_table(row: dict[str, str]):
    """The prose "+30 d leader; then +30 d by collective decision" became two extensions of 30."""
    clock = clock_table().find(row["clock_key"], TODAY)

    lengths = [one.add or one.instead for one in clock.extensions]

    assert lengths == [int(n) for n in re.findall(r"\d+", row["extension"])]


@pytest.mark.parametrize(
    "row",
    [row for row in reference_rows() if row["pauses"]],
    ids=lambda row: row["clock_key"],
)
def test_a_clock_with_pauses_in_the_reference_has_them_in_the_table(row: dict[str, str]):
    """Each cause of the prose has its key, and every other clock has none."""
    clock = clock_table().find(row["clock_key"], TODAY)
    words = [cause.strip().split("/")[0].split(" ")[0] for cause in row["pauses"].split(",")]

    missing = [w for w in words if not any(key.startswith(w) for key in clock.pauses)]

    assert missing == [] or row["clock_key"] == "seal"
    assert clock.pauses


def test_the_reference_has_no_row_that_the_table_lacks():
    """Both sides name the same clocks."""
    if not REFERENCE.exists():
        pytest.skip("reference tables are not on this machine")

    ours = {clock.key for clock in clock_table() if clock.statutory}

    assert ours == {row["clock_key"] for row in reference_rows()}


def test_no_clock_without_pauses_in_the_reference_has_one():
    """A pause that no law gives would move a deadline against the party or the state."""
    if not REFERENCE.exists():
        pytest.skip("reference tables are not on this machine")

    with_pause = {clock.key for clock in clock_table() if clock.pauses}

    assert with_pause == {row["clock_key"] for row in reference_rows() if row["pauses"]}


def test_every_row_has_its_chinese_words_and_article():
    """An officer reads Chinese; no row may be without."""
    han = re.compile(r"[一-鿿]")

    bare = [
        clock.key
        for clock in clock_table()
        if not all(map(han.search, (clock.start_zh, clock.action_zh, clock.article_zh)))
    ]

    assert bare == []


def test_operational_terms_are_marked_as_no_law():
    """Nobody may mistake our start values for a statute."""
    terms = [clock for clock in clock_table() if not clock.statutory]

    assert {"order_answer", "order_check", "order_report", "order_review"} <= {t.key for t in terms}
    assert all(term.confidence == "unsure" for term in terms)


def test_the_version_of_the_starting_day_is_found():
    """Announcement service was 60 days before 2022 and is 30 since."""
    table = clock_table()

    assert table.find("public_service", dt.date(2021, 12, 31)).length == 60
    assert table.find("public_service", dt.date(2022, 1, 1)).length == 30


def test_an_unknown_clock_is_not_found():
    """A typo is an error with its key, not another clock."""
    with pytest.raises(NotFound) as caught:
        clock_table().find("fillng", TODAY)

    assert caught.value.facts == {"clock": "fillng"}


def test_only_natural_deadlines_roll():
    """A measure against the plant, a time bar and a deemed service do not grow by a weekend."""
    rolling = [clock for clock in clock_table() if clock.rolls and clock.statutory]

    assert rolling
    assert {clock.kind for clock in rolling} == {Kind.DEADLINE, Kind.RIGHT}
    assert not [clock.key for clock in rolling if clock.working]


#: Whose act a clock waits for, where it is not the authority's; read off the articles.
BOUND = {
    "leader": {"filing", "crime_approve"},
    "enterprise": {
        "statement", "hearing_request", "pay", "reconsider", "lawsuit", "demand", "rectify_plan",
        "rectify_report", "device_fault_report", "device_fault_fix", "mark_deadline", "record_keep",
    },
    "police": {
        "detain_supplement", "detain_refuse", "detain_copy", "crime_receipt", "crime_missing",
        "crime_decide", "crime_reroute", "crime_return", "crime_notify", "crime_reconsider_decide",
    },
    "procuratorate": {"crime_nonprosecution"},
}  # fmt: skip


def test_every_clock_is_bound_to_whose_act_it_waits_for():
    """A reminder goes to whoever has to act: the plant, the police, our own leader."""
    law = [clock for clock in clock_table() if clock.statutory]

    for who, keys in BOUND.items():
        assert {clock.key for clock in law if clock.bound == who} == keys
    assert {clock.bound for clock in law} == {"authority", *BOUND}


@pytest.mark.parametrize("kind", list(matter.Kind), ids=lambda kind: kind.value)
def test_life_cycles_pause_and_extend_only_as_the_article_allows(kind: matter.Kind):
    """A table that names another cause or extension would fail on the day somebody needs it."""
    for act in life_cycle(kind).acts:
        for part, name in ((act.pause, "cause"), (act.resume, "cause"), (act.extend, "grant")):
            if part:
                clock = clock_table().find(part["clock"], TODAY)
                allowed = {*clock.pauses, *(one.key for one in clock.extensions)}
                assert part[name] in allowed, (act.key, part)


def test_what_ends_without_a_breach():
    """A right, a waiting time, a fiction, a time bar: nobody failed when its day came."""
    law = [clock for clock in clock_table() if clock.statutory and clock.lapses]

    assert {(clock.kind.value, clock.key) for clock in law} == {
        ("right", "statement"), ("right", "hearing_request"), ("right", "reconsider"),
        ("right", "lawsuit"), ("right", "detain_supplement"), ("wait", "demand"),
        ("effect", "public_service"),
        ("bar", "limitation_harm"), ("bar", "limitation_other"),
        ("retention", "record_keep"), ("retention", "log_keep"),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["leader", "leader 15", "+15", "leader +x", "leader +1 day"])
def test_a_malformed_extension_is_refused(text: str):
    """The compact notation has one grammar."""
    with pytest.raises(ValueError, match="no extension"):
        read_extension(text)


def test_a_malformed_row_names_its_clock():
    """Whoever edits the table learns which row is wrong."""
    row = dict.fromkeys((field.name for field in dataclasses.fields(Clock)), "") | {"days": ""}

    with pytest.raises(ValueError, match="clock filing"):
        read_clock({**row, "key": "filing", "kind": "nonsense"})
