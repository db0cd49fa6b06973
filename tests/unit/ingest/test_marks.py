"""标记规则: tables of marks, freeze times, contradictions, the catalogue; on any input."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.clock import BEIJING
from services.ingest.domain.mark_csv import COLUMNS, kind_named, read_table
from services.ingest.domain.mark_kinds import Covering, SeenHour, contradictions
from services.ingest.domain.marks import MarkTerms, days_of, freezes_at, midnight, newest_frozen
from services.ingest.rules import mark_kinds, mark_terms

TERMS = MarkTerms()
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(
    lambda one: one.replace(tzinfo=BEIJING)
)
WORDS = st.text(
    st.characters(codec="gb18030", exclude_categories=["C", "Z"]), min_size=1, max_size=9
)


def table(rows: Sequence[dict[str, str]], *, chinese: bool, encoding: str) -> bytes:
    """A table as a spreadsheet writes it."""
    out = io.StringIO()
    names = COLUMNS.values() if chinese else COLUMNS
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([row.get(name, "") for name in COLUMNS] for row in rows)
    return out.getvalue().encode(encoding)


@given(
    st.lists(st.tuples(WORDS, MOMENTS, st.integers(1, 5000)), min_size=1, max_size=8),
    # A few GB 18030 texts are UTF-8 too, never one with the Chinese header.
    st.sampled_from([("en", "utf-8"), ("zh", "utf-8"), ("zh", "utf-8-sig"), ("zh", "gb18030")]),
)
def test_a_sound_table_is_read_whole(
    rows: list[tuple[str, datetime, int]], form: tuple[str, str]
) -> None:
    """Every row comes back with its line, whatever the language of the header and the encoding."""
    chinese, encoding = form[0] == "zh", form[1]
    cells = [
        {
            "kind": "dev_maint",
            "start": f"{start:%Y-%m-%d %H:%M}",
            "end": f"{start + timedelta(minutes=minutes):%Y-%m-%d %H:%M}",
            "reason": reason,
            "factors": "a21026；a21002",
        }
        for reason, start, minutes in rows
    ]

    drafts, faults = read_table(table(cells, chinese=chinese, encoding=encoding), 500)

    assert faults == []
    assert [one.row for one in drafts] == list(range(2, len(rows) + 2))
    for draft, (reason, start, minutes) in zip(drafts, rows, strict=True):
        assert draft.reason == reason
        assert draft.start == start.replace(second=0, microsecond=0)
        assert draft.end - draft.start <= timedelta(minutes=minutes + 1)
        assert draft.factors == ("a21026", "a21002")


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_faults_and_never_an_error(content: bytes) -> None:
    """What cannot be read is said; nothing is silently left out."""
    drafts, faults = read_table(content, 500)

    assert drafts or faults


@given(st.integers(0, 5), st.sampled_from(["kind", "start", "end", "reason", "manual_values"]))
def test_a_broken_cell_names_its_row_and_field(place: int, column: str) -> None:
    """The other rows are read; the fault stands where it is."""
    good = {"kind": "k", "start": "2026-11-21 01:00", "end": "2026-11-21 02:00", "reason": "r"}
    rows = [dict(good) for _ in range(6)]
    rows[place][column] = "" if column in ("kind", "reason") else "nonsense"

    drafts, faults = read_table(table(rows, chinese=False, encoding="utf-8"), 500)

    assert [(one.row, one.field) for one in faults] == [(place + 2, column)]
    assert len(drafts) == 5


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"kind,start,end\n", "reason"),
        (b"kind,kind,start,end,reason\n", "kind"),
        (b"kind,start,end,reason,colour\n", "colour"),
        (b"kind,start,end,reason\n", ""),
        (b"kind,start,end,reason\n" + b"k,2026-11-21 01:00,2026-11-21 02:00,r\n" * 3, ""),
    ],
    ids=["missing", "twice", "unknown", "empty", "too long"],
)
def test_a_header_or_size_that_cannot_be_is_refused(content: bytes, field: str) -> None:
    """At row 1."""
    drafts, faults = read_table(content, 2)

    assert not drafts
    assert [(one.row, one.field) for one in faults] == [(1, field)]


@given(MOMENTS)
def test_a_day_is_frozen_exactly_from_noon_of_the_next(now: datetime) -> None:
    """The newest frozen day is over its noon, the day after it is not."""
    newest = newest_frozen(now, TERMS)

    assert freezes_at(newest, TERMS) <= now < freezes_at(newest + timedelta(days=1), TERMS)


@given(MOMENTS, st.integers(1, 100_000))
def test_the_days_of_a_span_are_those_it_touches(start: datetime, seconds: int) -> None:
    """Each overlaps; the days around do not."""
    end = start + timedelta(seconds=seconds)

    days = list(days_of(start, end))

    assert days[0] == start.date()
    assert all(midnight(day) < end and midnight(day + timedelta(days=1)) > start for day in days)
    assert midnight(days[-1] + timedelta(days=1)) >= end


def hours(letters: str) -> list[SeenHour]:
    """Hours from 0; a space came without a value, `-` without a flag."""
    return [
        SeenHour(n, "", nan, received=False) if one == " " else SeenHour(n, one.strip("-"), 1.0)
        for n, one in enumerate(letters)
    ]


def test_only_a_flag_that_says_otherwise_contradicts() -> None:
    """Runs by flag inside the mark's hours and factors; silence contradicts nothing."""
    mark = Covering("m", 2, 0, "", ("a21026",), 3600, 9 * 3600)
    seen = {"a21026": hours("NMMNNF -NN"), "a21002": hours("NNNNNNNNNN")}

    found = contradictions(seen, [mark], mark_kinds())

    assert [(one.first, one.end, one.flag) for one in found] == [
        (3, 5, "N"),
        (5, 6, "F"),
        (8, 9, "N"),
    ]
    free = Covering("m", 7, 0, "mswi_ql", (), 0, 9 * 3600)
    assert contradictions(seen, [free], mark_kinds()) == ()


def test_an_outlet_is_offered_the_kinds_of_its_industry() -> None:
    """Conditions of incinerators are for incinerators; what is not known excludes nothing."""
    kinds = mark_kinds()

    def conditions(industry: str, process: str) -> set[str]:
        fitting = (one for one in kinds if one.fits(industry, process) and one.family == 7)
        return {one.condition.split("_")[0] for one in fitting}

    assert conditions("4417", "MSWI furnace") == {"mswi"}
    assert conditions("4417", "coal boiler") == set()
    assert conditions("4412", "coal boiler") == {"tp"}
    assert conditions("3011", "kiln") == {"cm"}
    assert conditions("4620", "outfall") == set()
    assert {"mswi", "tp", "cm", "hw"} <= conditions("", "")
    assert kind_named(kinds, "监测设备维护") == kind_named(kinds, "dev_maint")


def test_the_catalogue_says_where_each_row_is_from() -> None:
    """Families of the interface, a source, a confidence; the terms are those of the data file."""
    kinds = mark_kinds()

    assert {one.family for one in kinds} == set(range(1, 9))
    assert len({(one.family, one.subtype, one.condition) for one in kinds}) == len(kinds)
    assert all(one.source and one.confidence in ("sure", "likely", "unsure") for one in kinds)
    assert all(one.needs_proof for one in kinds if one.family == 4)
    assert mark_terms() == TERMS


def test_the_rule_pack_knows_every_condition_that_can_be_stated() -> None:
    """What a plant may state has a meaning in the shipped pack."""
    folder = Path(__file__).resolve().parents[3] / "services" / "detect" / "packs" / "base"
    with (folder / "marks.csv").open(encoding="utf-8") as file:
        known = {(row["family"], row["condition"]) for row in csv.DictReader(file)}

    stated = {(str(one.family), one.condition) for one in mark_kinds()}

    assert stated <= known
