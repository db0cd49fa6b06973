"""What the gate reads from a 2062: fields in any grouping, odd texts, other messages."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farsight.lab.device import device_of
from farsight.lab.province import demo_loggers
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.app.keep_checks import error_share
from services.ingest.gate.check_results import check_results
from services.ingest.hj212.session import Session

DEVICE = device_of(replace(demo_loggers(495_000, 7, honest=True)[0], st="32"), version=2025)
AT = datetime(2026, 7, 27, 2, 30, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def _read(area: str, cn: str = "2062") -> list[pb.CheckResult]:
    data = DEVICE.speech.upload(cn, "20260727103000000", f"DataTime=20260727103000;{area}").data
    (received,) = Session(0.0).receive(data, 0.0)
    return check_results(received, LATER)


@pytest.mark.parametrize("between", [",", ";"])
def test_fields_of_a_factor_belong_together_however_they_stand(between: str):
    """A comma or a semicolon between them; two factors give two results at one moment."""
    texts = [
        between.join(
            (f"{code}-SampleRd={read}", f"{code}-StandardValue=40.00", f"{code}-ResultType={word}")
        )
        for code, read, word in (("w01018", "39.21", 1), ("w21003", "31.0", 0))
    ]

    cod, ammonia = _read(";".join(texts))

    assert (cod.factor, cod.measured, cod.standard) == ("w01018", 39.21, 40.0)
    assert (cod.said, ammonia.said) == (pb.CHECK_WORD_PASSED, pb.CHECK_WORD_FAILED)
    assert {cod.time_s, ammonia.time_s} == {int(AT.timestamp())}
    assert round(error_share(ammonia.measured, ammonia.standard), 9) == 0.225


@pytest.mark.parametrize(
    ("area", "measured", "standard", "said"),
    [
        ("w01018-SampleRd=39.2", 39.2, math.nan, pb.CHECK_WORD_UNSPECIFIED),
        ("w01018-SampleRd=--,w01018-ResultType=0", math.nan, math.nan, pb.CHECK_WORD_FAILED),
        ("w01018-SampleRd=nan,w01018-StandardValue=40,w01018-ResultType=2", math.nan, 40.0,
         pb.CHECK_WORD_UNSPECIFIED),
        ("w01018-SampleRd=1_0,w01018-StandardValue=0,w01018-ResultType=1", math.nan, 0.0,
         pb.CHECK_WORD_PASSED),
    ],
)  # fmt: skip
def test_odd_texts_are_unknown_and_give_no_error_share(area, measured, standard, said):
    """What is no number is none; a standard of zero divides nothing."""
    (found,) = _read(area)

    assert [found.measured, found.standard] == pytest.approx([measured, standard], nan_ok=True)
    assert found.said == said
    assert math.isnan(error_share(found.measured, found.standard))


def test_other_messages_and_the_future_have_no_checks():
    """An hour upload is none; a check after the latest allowed moment is left out."""
    data = DEVICE.speech.upload(
        "2062", "20260727103000000", "DataTime=20260727103000;w01018-SampleRd=39.21"
    ).data
    (received,) = Session(0.0).receive(data, 0.0)

    assert _read("w01018-Avg=30.0,w01018-Flag=N", "2061") == []
    assert len(check_results(received, AT)) == 1
    assert check_results(received, AT.replace(minute=29)) == []
