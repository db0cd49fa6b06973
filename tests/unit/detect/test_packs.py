"""规则包: complete, checked, loud about every fault; the timeline says which one judges."""

import dataclasses
import datetime as dt
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.errors import InputRejected
from services.detect.domain.rule import day_hour
from services.detect.judgement.parameters import Row, Scope
from services.detect.packs.load import BASE as FOLDER
from services.detect.packs.load import load_pack, read_folder
from services.detect.packs.pack import digest
from services.detect.packs.renew import read_kept
from services.detect.packs.select import find, select, select_all
from services.detect.packs.timeline import BEGINNING, Timeline
from tests.unit.detect.pack_scene import BASE, TODAY, facts

FILES = dict(BASE.files)
DAY = dt.date(2026, 11, 22)


def changed(name: str, old: str, new: str) -> dict[str, bytes]:
    """The shipped files with one text replaced."""
    text = FILES[name].decode()
    assert old in text, f"{old!r} is not in {name}"
    return FILES | {name: text.replace(old, new, 1).encode()}


def test_the_shipped_pack_has_every_part_with_source_and_confidence():
    """All rows of the reference tables, each with where it comes from and how sure it is."""
    assert (BASE.id, BASE.version) == ("base", "2026-11-22.2")
    limits = [row for row in BASE.standards if not row.key.startswith("own/")]
    assert len(limits) == 335, "334 rows of limits.csv and the winter value of row 333"
    assert len(BASE.legal) == 27
    for part in ("validity", "marks", "pools", "furnaces", "warnings", "amounts", "rates", "power"):
        assert getattr(BASE, part), part
        assert all(row.source and row.confidence for row in getattr(BASE, part))
    assert BASE.triggers == "", "cases ship their own"


@pytest.mark.parametrize(
    ("process", "factor", "want"),
    [
        ("coal boiler", "a21026", "air"),
        ("coal boiler", "a19001", "air_plain"),
        ("MSWI furnace", "a34013", "mswi"),
        ("sewage grade 1A", "w01018", "water_checked_daily"),
        ("sewage grade 1A", "w01012", "water"),
        ("paper mill", "w01001", "water_ph"),
        ("paper mill", "w00000", "water_plain"),
    ],
)
def test_each_series_has_its_validity_rule(process, factor, want):
    """The narrowest row in force (domain.md B.6)."""
    assert select(BASE.validity, facts(process), factor, DAY).key == want


def test_rows_are_chosen_by_scope_then_age_then_key():
    """Never by place in the file; a row that is not in force is not there."""
    scope = Scope(processes=("coal boiler",))
    old = Row("b", Scope(), dt.date(2000, 1, 1), None, "s", "sure")
    new = dataclasses.replace(old, key="a", since=dt.date(2020, 1, 1))
    narrow = dataclasses.replace(old, key="c", scope=scope, until=dt.date(2026, 11, 22))
    twin = dataclasses.replace(new, key="z")
    for rows in itertools.permutations([old, new, narrow, twin]):
        assert [row.key for row in select_all(rows, facts("coal boiler"), "", DAY)] == [
            "a", "z", "b",
        ]  # fmt: skip
        before = dt.date(2026, 11, 21)
        assert select(rows, facts("coal boiler"), "", before).key == "c"
    assert find([new], facts("coal boiler"), "", dt.date(2019, 1, 1)) is None
    with pytest.raises(InputRejected, match="no row"):
        select([], facts("coal boiler"), "", DAY)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (changed("pools.yaml", "cap_hours: 60", "cap_hours: -1"),
         r"pools.yaml, row 1 \(mswi_a\), field cap_hours: .* \(it is '-1'\)"),
        (changed("pools.yaml", "pm_bound: 150", "pm_bund: 150"), "pm_bund: .*; take it out"),
        (changed("pools.yaml", "mswi_ql, mswi_tl", "mswi_xx, mswi_tl"), "no mark has the cond"),
        (changed("marks.csv", "exempt,mswi_b", "exempt,mswi_z"), "there is no pool mswi_z"),
        (changed("marks.csv", "exempt,mswi_b", "exempt,"), "an exemption without a pool"),
        (changed("marks.csv", "exempt", "exmpt"), r"marks.csv, line \d+ .*field effect.*exempt"),
        (changed("limits.csv", ",30,mg/m3,6", ",thirty,mg/m3,6"), "line 2 .*field upper"),
        (changed("limits.csv", ",30,mg/m3,6", ",inf,mg/m3,6"), "line 2 .*field upper.*plain num"),
        (changed("limits.csv", "2012-01-01,2014", "20120101,2014"), "field since: not a day"),
        (changed("limits.csv", "2012-01-01,2014-07-01", "2012-01-01,2011-07-01"), "before since"),
        (changed("limits.csv", "built<2004", "built?2004"), "field traits"),
        (changed("limits.csv", "key,standard", "key,key"), "stand twice"),
        (changed("limits.csv", "a34013,coal", ",coal"), "averaging without a factor"),
        (changed("validity.yaml", "key: water\n", "key: air\n"), "in force on 2000-01-01"),
        (changed("validity.yaml", "{media: [water]}", "{media: [air]}"), "medium water"),
        (changed("validity.yaml", "confidence: likely", "confidence: certain"), "'sure', 'lik"),
        (changed("validity.yaml", "source:", "sauce:"), "field source: Field required; add it"),
        (changed("warnings.yaml", "since: 2000-01-01", "since: 2020-01-01"), "no row for every"),
        (changed("furnace.yaml", "bound_degc: 850", "bound_degc: hot"), "field bound_degc"),
        (changed("pack.yaml", '"2026-11-22.2"', "2026-11-22"), "put the text in quotes"),
        (changed("pack.yaml", "id: base", "id: base\nid: other"), "stands twice"),
        (changed("legal_basis.csv", "exceed_water", "exceed_air"), "exceed_air, field key"),
        (changed("rates.yaml", "- key", "- &a\n  key"), "^(?!.*alias)|rates"),
        (FILES | {"rates.yaml": b"- *a"}, "alias"),
        (FILES | {"rates.yaml": b"\xff\xfe"}, "not UTF-8"),
        (FILES | {"rates.yaml": b"[" * 5000}, "is not YAML"),
        (FILES | {"limit.csv": b"a"}, "limit.csv: is no part of a pack"),
        (FILES | {"triggers.yaml": b"- 1"}, "triggers.yaml: is not a mapping"),
        ({k: v for k, v in FILES.items() if k != "marks.csv"}, "marks.csv: is missing; a pack is"),
        ({k: v for k, v in FILES.items() if "rules/" not in k}, "holds no rule"),
    ],
)  # fmt: skip
def test_a_broken_pack_is_refused_with_place_fault_and_remedy(files, said):
    """One line that names the file, the row, the field, what is wrong and what to do."""
    try:
        load_pack(files)
    except InputRejected as refused:
        message = refused.message
        assert re.search(said, message), message
    else:
        assert said.startswith("^"), "an anchor without an alias is harmless"


NAMES = sorted(FILES)


@st.composite
def mutated(draw) -> dict[str, bytes]:
    """The shipped files with one damaged: bytes changed, cut, doubled, lines lost or swapped."""
    name = draw(st.sampled_from(NAMES))
    body = FILES[name]
    start = draw(st.integers(0, max(0, len(body) - 1)))
    length = draw(st.integers(0, 40))
    bits = st.one_of(
        st.binary(max_size=8),
        st.sampled_from([b"", b"-1", b"nan", b"null", b"{", b"]", b": ", b"'", b'"', b",", b";",
                         b"\n", b"\n- ", b"true", b"1e999", b"*x", b"&x ", b"!!int ''", b"{x}",
                         b"9999999999999999999", b"0001-01-01", b"2026-13-45", b"\x00", b"<<"]),
    )  # fmt: skip
    new = draw(bits)
    return FILES | {name: body[:start] + new + body[start + length :]}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_any_damaged_pack_loads_or_is_refused_by_name(files):
    """Never another exception, and the refusal names a file of the pack."""
    try:
        said, sha256 = "", load_pack(files).sha256
    except InputRejected as refused:
        said, sha256 = refused.message, b""

    assert sha256 == digest(files) or any(name in said for name in NAMES) or "rule " in said


def test_a_pack_is_known_by_its_files():
    """Any changed byte is another pack; names and contents do not run into each other."""
    assert digest(read_folder(FOLDER)) == BASE.sha256
    assert digest({"a": b"bc", "d": b""}) != digest({"ab": b"c", "d": b""})
    assert load_pack(FILES) == BASE
    assert load_pack(changed("rates.yaml", "0.90", "0.91")) != BASE


def test_a_pack_of_an_earlier_release_still_judges_as_approved():
    """A parameter and a sentence it could not know come from the shipped rule; the rest is its own.

    Its digest stays that of what was approved.
    """
    older = changed("rules/silence.yaml", "warning_h: 2", "warning_h: 3")
    text = older["rules/silence.yaml"].decode().replace("  dispatch_h: 12\n", "  gone_h: 1\n")
    older |= {"rules/silence.yaml": text.encode()}
    del older["power.yaml"], older["rules/constant_value.yaml"]
    with pytest.raises(InputRejected):
        load_pack(older)

    pack = read_kept(older)

    rule = pack.book.at("silence", TODAY)
    assert (rule.number("warning_h"), rule.number("dispatch_h")) == (3, 12)
    assert pack.power == BASE.power
    assert "constant_value" not in pack.book.ids, "a rule that was left out stays out"
    assert (pack.sha256, dict(pack.files)) == (digest(older), older)
    assert read_kept(FILES) == BASE
    with pytest.raises(InputRejected):
        read_kept(FILES | {"limits.csv": b"key\nx\n"})


def test_a_folder_without_a_pack_is_refused(tmp_path: Path):
    """A mistyped folder is no empty pack."""
    with pytest.raises(InputRejected, match="no rule pack"):
        read_folder(tmp_path)


# --- the timeline ---

OTHER = load_pack(changed("warnings.yaml", "near_share: 0.9", "near_share: 0.8"))
THIRD = load_pack(changed("rules/silence.yaml", "warning_h: 2", "warning_h: 3"))


def test_the_first_pack_counts_from_the_beginning():
    """Whatever day it is given, all older data has a pack too."""
    timeline = Timeline([(DAY, BASE), (dt.date(2026, 12, 1), OTHER)])

    assert timeline.at(0) is BASE
    assert timeline.at(day_hour("2026-12-01") - 1) is BASE
    assert timeline.at(day_hour("2026-12-01")) is OTHER
    assert timeline.newest is OTHER


def test_a_later_decision_counts_over_earlier_ones_from_its_day():
    """A roll-back to before a planned change takes the plan with it."""
    timeline = Timeline(
        [(BEGINNING, BASE), (dt.date(2026, 12, 1), OTHER), (dt.date(2026, 11, 1), BASE)]
    )

    assert timeline.at(day_hour("2027-01-01")) is BASE


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 12)),
                  st.sampled_from([BASE, OTHER, THIRD])),
        max_size=6,
    ),
    st.integers(-30, 300), st.integers(0, 200),
)  # fmt: skip
def test_intervals_cover_each_hour_once_as_the_decisions_say(later, first, length):
    """Against the obvious: the last decision whose day has come judges the hour."""
    start = day_hour("2026-01-01") + first
    decisions = [(BEGINNING, BASE), *later]
    timeline = Timeline(decisions)
    intervals = timeline.intervals(start, start + length)

    hours = [(hour, pack) for begin, end, pack in intervals for hour in range(begin, end)]
    want = [
        (hour, [p for day, p in decisions if day_hour(day.isoformat()) <= hour][-1])
        for hour in range(start, start + length)
    ]
    assert hours == want
    assert all(timeline.at(hour) is pack for hour, pack in hours)


def test_the_book_has_each_rule_in_the_days_of_its_pack():
    """A changed rule begins with its pack; an unchanged one stays one rule across the border."""
    day = dt.date(2026, 12, 1)
    book = Timeline([(BEGINNING, BASE), (day, THIRD)]).book
    border = day_hour(day.isoformat())

    assert book.at("silence", border - 1).number("warning_h") == 2
    assert book.at("silence", border).number("warning_h") == 3
    assert len(book.versions("silence")) == 2
    assert len(book.versions("constant_value")) == len(BASE.book.versions("constant_value"))
    assert book.versions("constant_value") == BASE.book.versions("constant_value")
    assert book.factor("w01018").name_zh == "化学需氧量"
    assert border > TODAY
