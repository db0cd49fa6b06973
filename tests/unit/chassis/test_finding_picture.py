"""The picture of a finding's message: its own values, window, marks and sentences."""

import xml.etree.ElementTree as ET

import numpy as np

from services.chassis.pb.detect.v1.detect_pb2 import Finding, Picture
from services.chassis.picture.drawing import Span
from services.chassis.picture.finding import drawing_of_finding
from services.chassis.picture.svg import svg

START = 1_704_038_400


def finding(**picture):
    hours = [START + 3600 * at for at in range(48) if at != 7]
    value = [10.0 + at for at in range(47)]
    return Finding(
        rule_id="constant_value",
        outlet_id="O1",
        factors=["w01018"],
        seen="看到了什么",
        silenced_by="怎样就不会提示",
        picture=Picture(
            time_s=hours, value=value, flags="-" * 47, unit="mg/L",
            tested_start_s=START + 10 * 3600, tested_end_s=START + 20 * 3600, **picture,
        ),
    )  # fmt: skip


def test_values_stand_at_their_times_and_a_hole_stays_a_hole():
    """The hour that is not there is NaN; the window is the tested one."""
    curve = drawing_of_finding(finding(limit=50), "题", ["化学需氧量"]).curves[0]

    assert curve.value.size == 48
    assert np.isnan(curve.value[7])
    assert (curve.value[6], curve.value[8]) == (16.0, 17.0)
    assert curve.tested[0].begin_s == START + 10 * 3600
    assert (curve.name, curve.unit, curve.limit) == ("化学需氧量", "mg/L", 50)


def test_marks_and_flags_that_take_values_out_are_shown():
    """A counting mark and a flag other than N, T or none."""
    one = finding(marked_start_s=[START + 3600], marked_end_s=[START + 3 * 3600])
    one.picture.flags = "-" * 30 + "D" + "N" * 16

    curve = drawing_of_finding(one, "", [""]).curves[0]

    assert curve.marked.nonzero()[0].tolist() == [1, 2, 31]


def test_a_second_curve_stands_below():
    """Treatment beside production power: both are drawn."""
    one = finding(second=[1.0] * 47, second_name="治污用电", value_name="生产用电")

    curves = drawing_of_finding(one, "", [""]).curves

    assert [curve.name for curve in curves] == ["生产用电", "治污用电"]


def test_a_copy_shows_its_source_and_the_stretch_over_it():
    """Source in the picture is shaded; the overlay pairs the copied hours with their source."""
    one = finding(
        copy_start_s=START + 30 * 3600, source_start_s=START + 20 * 3600,
        source_value=[20.0, 21.0, 22.0],
    )  # fmt: skip

    drawing = drawing_of_finding(one, "", ["化学需氧量"])

    assert drawing.overlay is not None
    assert drawing.overlay.tested.tolist() == [39.0, 40.0, 41.0]
    assert drawing.overlay.source.tolist() == [20.0, 21.0, 22.0]
    assert drawing.curves[0].source == Span(START + 20 * 3600, START + 23 * 3600)
    assert "来源段" in svg(drawing).decode()


def test_sister_factors_of_a_finding_stand_below_it():
    """What a joint collapse rests on is in its picture, at the same times."""
    one = finding()
    one.picture.others.add(factor="w21003", name="氨氮", unit="mg/L", value=[1.0] * 47)

    curves = drawing_of_finding(one, "", ["化学需氧量"]).curves

    assert [curve.name for curve in curves] == ["化学需氧量", "氨氮"]
    assert curves[1].tested == curves[0].tested


def test_a_finding_without_values_still_has_its_sentences():
    """A silent logger has no curve; the picture says what was seen."""
    drawn = svg(drawing_of_finding(Finding(seen="看到了什么"), "题", [])).decode()

    ET.fromstring(drawn)
    assert "看到了什么" in drawn
    assert "nan" not in drawn
