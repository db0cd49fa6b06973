"""文号: read in every spelling, written in one, cross-checked between documents."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain.numbers import (
    DocumentNumber,
    find_numbers,
    parse_number,
)
from services.cases.domain.references import Issued, Ours, Standing, check_references

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
SERIES = HAN.filter(lambda sign: sign not in "环字")
NUMBERS = st.builds(
    DocumentNumber,
    agency=st.text(HAN, min_size=1, max_size=6),
    series=st.text(SERIES, min_size=1, max_size=5),
    year=st.integers(1949, 2199),
    serial=st.integers(1, 999_999),
)
#: The notice of seed 003, word for word where it cites.
NOTICE = (
    "公告送达《赤峰市生态环境局翁牛特旗分局行政处罚决定书》(翁环罚字[2021]3号),基于公告期满后你厂未履行"
    "《赤峰市生态环境局翁牛特旗分局行政处罚决定书》(翁环罚字[2021]3号)确定的缴纳罚款的决定,我局作出"
    "《赤峰市生态环境局翁牛特旗分局督促履行行政决定催告书》(翁环催告字[2021]20号),责令你厂履行"
    "《赤峰市生态环境局翁牛特旗分局行政处罚决定书》(翁环罚字[2021]1号)确定的缴纳罚款的义务"
)
OURS = Ours(frozenset({"翁"}), frozenset({"罚", "罚告", "催告"}))
FAMILY = [
    Issued("翁环罚字〔2021〕3号", "行政处罚决定书", "p-3"),
    Issued("翁环催告字〔2021〕20号", "履行行政决定催告书", "p-20"),
    Issued("案〔2021〕150426-0007"),
]


@given(NUMBERS)
def test_what_is_written_is_read_back(number: DocumentNumber):
    """parse(format(x)) == x for every number there can be."""
    assert parse_number(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "翁环罚字〔2021〕3号",
        "翁环罚字[2021]3号",
        "翁环罚字［２０２１］３号",
        "翁环罚字(2021)3号",
        "翁环罚字（2021）第3号",
        "翁环罚字【2021】003号",
        "翁环罚〔2021〕3号",
        " 翁环罚字 〔2021〕 3 号 ",
    ],
)
def test_every_spelling_in_use_is_read_as_the_same_number(text: str):
    """Brackets and digits of both widths, with and without 字 and 第."""
    assert str(parse_number(text)) == "翁环罚字〔2021〕3号"


@given(st.text(st.sampled_from("翁环罚字〔〕[]（2021３0号第 \n督案-"), max_size=30) | st.text())
def test_reading_never_raises_anything_but_value_error(text: str):
    """Whatever is read: a number, or ValueError; a running text never fails."""
    with contextlib.suppress(ValueError):
        parse_number(text)
    for found in find_numbers(text, ["翁"]):
        assert text[found.start : found.end] == found.cited


@pytest.mark.parametrize(
    "wrong",
    [("", "罚", 2021, 1), ("翁", "环罚", 2021, 1), ("翁", "罚", 21, 1), ("翁", "罚", 2021, 0)],
)
def test_a_number_that_cannot_be_is_refused(wrong: tuple[str, str, int, int]):
    """No value exists that would be written in a way that is not read back."""
    with pytest.raises(ValueError):
        DocumentNumber(*wrong)


def test_an_agency_is_found_where_a_sentence_runs_into_its_name():
    """The longest short name that stands before 环 is the agency; others are somebody else's."""
    found = find_numbers(
        "经查，我局作出邯复环罚字〔2026〕3号，另见京环罚字〔2020〕9号", ["邯", "邯复"]
    )

    assert [(one.number, one.own) for one in found] == [
        ("邯复环罚字〔2026〕3号", True),
        ("京环罚字〔2020〕9号", False),
    ]


def test_the_seed_notice_is_caught_citing_a_number_that_is_none():
    """Three citations are right; decision no. 1 does not exist and no. 3 is what was meant."""
    checked = check_references(NOTICE, FAMILY, OURS)

    assert [one.standing for one in checked[:3]] == [Standing.KNOWN] * 3
    wrong = checked[3]
    assert wrong.standing is Standing.UNKNOWN
    assert wrong.found.number == "翁环罚字〔2021〕1号"
    assert wrong.likely == ("翁环罚字〔2021〕3号",)
    assert "本案没有文号 翁环罚字〔2021〕1号" in wrong.explanation


def test_a_report_of_the_monitoring_station_is_external():
    """Its number looks like ours, and no series of ours is its."""
    (cited,) = check_references("监测报告（翁环监〔2021〕0417号）", FAMILY, OURS)

    assert cited.standing is Standing.EXTERNAL


def test_a_number_under_the_title_of_another_document_is_named():
    """The demand's number cited as the decision's: both exist, and it is wrong all the same."""
    (cited,) = check_references("《行政处罚决定书》（翁环催告字〔2021〕20号）", FAMILY, OURS)

    assert cited.standing is Standing.MISTITLED
    assert cited.likely == ("翁环罚字〔2021〕3号",)


def test_a_replaced_paper_is_cited_only_by_the_one_that_replaces_it():
    """A second notice may say which one it takes the place of; nothing else may rely on it."""
    family = [
        Issued("翁环罚告字〔2021〕5号", "事先告知书", "p-5", replaced_by="翁环罚告字〔2021〕8号")
    ]
    text = "原告知书（翁环罚告字〔2021〕5号）"

    (cited,) = check_references(text, family, OURS)
    (kept,) = check_references(text, family, OURS, replaces="翁环罚告字〔2021〕5号")

    assert cited.standing is Standing.REPLACED
    assert cited.likely == ("翁环罚告字〔2021〕8号",)
    assert kept.standing is Standing.KNOWN


def test_numbers_of_matters_and_of_other_cases_are_told_apart():
    """The order a case grew from is known; an earlier case of the same plant is marked external."""
    family = [*FAMILY, Issued("翁环罚字〔2019〕2号", "行政处罚决定书", "p-2", related=True)]

    checked = check_references(
        "案〔2021〕150426-0007、督[2021]150426-0001、翁环罚字〔2019〕2号", family, OURS
    )

    assert [one.standing for one in checked] == [
        Standing.KNOWN,
        Standing.UNKNOWN,
        Standing.EXTERNAL,
    ]
