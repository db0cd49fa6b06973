"""Records of visits: what is wrong with one, which stand, where two contradict each other."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases import inspection_rules
from services.cases.domain.checklists import Checklist, Item
from services.cases.domain.inspection import distance_m
from services.cases.domain.record_problems import problems
from services.cases.domain.records import (
    Answer,
    Known,
    Point,
    QuickTest,
    Sample,
    Signature,
    Visit,
    conflicts,
    faults,
    missing,
    standing,
)
from tests.unit.cases.region import NOW

ITEMS = (
    Item("a-1", "问", "查", "照", "法", fault="no", proof=True),
    Item("a-2", "问", "查", "照", "法", when_item="a-1", when_values=frozenset({"no"})),
    Item("a-3", "问", "查", "照", "法", answer="number", unit="℃", required=False),
)
KNOWN = Known(
    lists=[Checklist("a", "表", "1", "源", 1, ITEMS)],
    limits=inspection_rules.limits(),
    files={"f-1": "photo", "f-2": "video"},
    officers=frozenset({"o-1", "o-2"}),
    versions=frozenset({1, 2}),
)
SIGNED = (
    Signature("officer", "甲", "o-1", file="f-1"),
    Signature(
        "officer", "乙", "o-2", media_type="image/svg+xml", image=b"<svg><path d='M0'/></svg>"
    ),
    Signature("party", "厂", media_type="image/png", image=b"\x89PNG\r\n\x1a\n0"),
)
VISIT = Visit(
    record_id="r-1",
    complete=True,
    answers=(Answer("a-1", "yes"),),
    signatures=SIGNED,
    started_at=NOW - dt.timedelta(hours=2),
    ended_at=NOW,
    situation="正常",
)
TEST = QuickTest("a21026", 35.0, "mg/m3", "3012H", "7", "2026-05-01", NOW, "DA001", ("f-1",))


def test_a_good_record_has_no_problem():
    """With a quick test, a sample, a film and a track."""
    whole = replace(
        VISIT,
        tests=(TEST,),
        samples=(Sample("S1", "w01018", "DW001", NOW, ("f-1",)),),
        track=(Point(NOW, 114.5, 36.6), Point(NOW, 114.5, 36.6)),
        films=("f-2",),
        replaces=frozenset({1}),
    )

    assert problems(whole, KNOWN) == {}
    assert problems(Visit("r", complete=False), KNOWN) == {}


@pytest.mark.parametrize(
    ("change", "name", "wrong"),
    [
        ({"answers": ()}, "a-1", "未填写"),
        ({"answers": (Answer("a-1", "no", "坏", ("f-1",)),)}, "a-2", "未填写"),
        ({"answers": (Answer("a-1", "no", "坏"), Answer("a-2", "yes"))}, "a-1", "证据附件"),
        ({"answers": (Answer("a-1", "no", "", ("f-1",)), Answer("a-2", "yes"))}, "a-1", "情况说明"),
        ({"answers": (Answer("a-1", "perhaps"),)}, "a-1", "可选项"),
        ({"answers": (Answer("a-1", "yes"), Answer("a-1", "yes"))}, "a-1", "重复"),
        ({"answers": (Answer("a-1", "yes"), Answer("a-2", "yes"))}, "a-2", "不要求"),
        ({"answers": (Answer("a-1", "yes"), Answer("a-3", "hot"))}, "a-3", "数字"),
        ({"answers": (Answer("a-1", "yes", "", ("f-9",)),)}, "a-1", "f-9"),
        ({"answers": (Answer("a-1", "yes", "长" * 5000),)}, "a-1", "超过"),
        ({"answers": (Answer("z-1", "yes"),)}, "z-1", "没有这一检查项"),
        ({"tests": (replace(TEST, calibrated_on="2025-01-01"),)}, "test-1", "超过365日"),
        ({"tests": (replace(TEST, calibrated_on="2027-01-01"),)}, "test-1", "晚于检测"),
        ({"tests": (replace(TEST, calibrated_on="never"),)}, "test-1", "校准"),
        ({"tests": (replace(TEST, value=float("nan")),)}, "test-1", "数字"),
        ({"tests": (replace(TEST, instrument_id=""),)}, "test-1", "仪器编号"),
        ({"samples": (Sample("S", "", "x", NOW),)}, "sample-1", "项目"),
        ({"samples": (Sample("S", "w", "x", NOW),) * 2}, "sample-2", "重复"),
        ({"signatures": SIGNED[:1] + SIGNED[2:]}, "signatures", "两名"),
        ({"signatures": SIGNED[:2]}, "signatures", "当事人"),
        (
            {"signatures": (*SIGNED[:2], Signature("party", "", refused=True))},
            "signatures",
            "见证人",
        ),
        ({"signatures": (Signature("officer", "丁", "o-9"),)}, "signature-1", "不是本次"),
        ({"signatures": (Signature("dog", "x"),)}, "signature-1", "身份"),
        ({"signatures": (Signature("party", "x"),)}, "signature-1", "缺少签名图像"),
        (
            {"signatures": (Signature("party", "x", media_type="image/png", image=b"<svg>"),)},
            "signature-1",
            "PNG",
        ),
        (
            {
                "signatures": (
                    Signature("party", "x", media_type="image/svg+xml", image=b"<svg><script/>"),
                )
            },
            "signature-1",
            "笔画以外",
        ),
        ({"ended_at": NOW - dt.timedelta(hours=3)}, "ended_at", "早于"),
        ({"started_at": None}, "ended_at", "缺少"),
        ({"situation": " "}, "situation", "缺少"),
        ({"replaces": frozenset({7})}, "replaces", "7"),
        ({"films": ("f-1",)}, "video_ids", "不是本次检查的录像"),
        ({"track": (Point(NOW, 200.0, 1.0),)}, "track", "范围"),
        (
            {"track": (Point(NOW, 1.0, 1.0), Point(NOW - dt.timedelta(1), 1.0, 1.0))},
            "track",
            "倒退",
        ),
    ],
)
def test_each_fault_is_named_where_it_is(change, name, wrong):
    """The officer reads the item and what is wrong with it."""
    found = problems(replace(VISIT, **change), KNOWN)

    assert wrong in found[name]


def test_a_refusal_is_proved_by_a_witness_or_a_film():
    """Who does not sign cannot stop the record."""
    refused = (*SIGNED[:2], Signature("party", "厂", refused=True, refusal="不签"))

    assert problems(replace(VISIT, signatures=refused, films=("f-2",)), KNOWN) == {}
    witness = Signature("witness", "邻居", file="f-1")
    assert problems(replace(VISIT, signatures=(*refused, witness)), KNOWN) == {}


def test_faults_and_gaps_are_counted():
    """What tells of a problem, and what nobody answered."""
    assert faults(replace(VISIT, answers=(Answer("a-1", "no"),)), KNOWN) == ["a-1"]
    assert missing(replace(VISIT, answers=()), KNOWN.lists) == ["a-1"]


def test_versions_stand_until_one_replaces_them():
    """Two devices contradict each other; the version made from both settles it."""
    one, two = replace(VISIT, version=1), replace(VISIT, version=2, answers=(Answer("a-1", "no"),))
    merged = replace(VISIT, version=3, replaces=frozenset({1, 2}))

    (conflict,) = conflicts([one, two])

    assert (conflict.name, conflict.said) == ("a-1", ((1, "yes"), (2, "no")))
    assert [visit.version for visit in standing([one, two, merged])] == [3]
    assert conflicts([one, two, merged]) == []
    assert conflicts([one, replace(VISIT, version=2, answers=())]) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(1, 8))), max_size=8))
def test_nothing_is_lost_and_replaced_versions_never_contradict(said):
    """Whatever devices say they replace: each version stands or somebody stands for it."""
    visits = [
        replace(
            VISIT,
            version=number,
            answers=(Answer("a-1", value),),
            replaces=frozenset(one for one in replaced if one < number),
        )
        for number, (value, replaced) in enumerate(said, start=1)
    ]
    stand = {visit.version for visit in standing(visits)}

    named = {number for visit in visits for number in visit.replaces}
    assert stand | named >= {visit.version for visit in visits}
    assert all(version in stand for one in conflicts(visits) for version, _ in one.said)
    assert not visits or visits[-1].version in stand


@given(
    *(st.floats(-180, 180), st.floats(-90, 90)) * 2,
)
def test_distance_is_a_distance(lon_1: float, lat_1: float, lon_2: float, lat_2: float):
    """Symmetric, never negative, at most half round the Earth, nothing for the same place."""
    there = distance_m((lon_1, lat_1), (lon_2, lat_2))

    assert 0 <= there <= 20_015_115
    assert there == pytest.approx(distance_m((lon_2, lat_2), (lon_1, lat_1)), abs=0.01)
    assert distance_m((lon_1, lat_1), (lon_1, lat_1)) == 0


def test_distance_agrees_with_known_places():
    """A hundredth of a degree of latitude is 1,112 m; Handan to Beijing about 400 km."""
    assert distance_m((114.48, 36.61), (114.48, 36.62)) == pytest.approx(1112, abs=1)
    assert distance_m((114.49, 36.61), (116.40, 39.90)) == pytest.approx(403_000, rel=0.01)
