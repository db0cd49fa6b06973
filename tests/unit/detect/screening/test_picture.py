"""The picture of an alarm: same input, same bytes; it shows what the sentence is about."""

import doctest
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.chassis.picture import parts
from services.chassis.picture.png import png
from services.chassis.picture.svg import svg
from services.detect.screening import sentences as sentences_module
from services.detect.screening.drawing import drawing_of
from services.detect.screening.sign import Sign
from tests.unit.detect.screening.panels import panel

SPACE = "{http://www.w3.org/2000/svg}"


def panel_of(value, step_min=60, limit=np.nan, **fields):
    rows = len(np.atleast_2d(value))
    made = panel(
        value, step_min, outlets=["S1"] * rows, factors=[f"F{r}" for r in range(rows)], **fields
    )
    return replace(made, limit=np.full(rows, limit))


def day_curve(days=40, rows=1):
    hours = np.arange(days * 24)
    noise = np.random.default_rng(1).normal(size=(rows, hours.size))
    return 50 + 10 * np.sin(hours / 24 * 2 * np.pi) + 2 * noise


def sign_of(row=0, begin=600, end=650, **more):
    return Sign(row, end, begin, "exact_replay", 9.0, 40.0, **more)


def drawn(panel, *signs, **more):
    names = [key.factor for key in panel.keys]
    return svg(drawing_of(panel, signs, names, title="测试", **more))


def elements(picture, name):
    return list(ET.fromstring(picture).iter(SPACE + name))


def test_examples_in_docstrings_are_true():
    """The examples of ticks, wrapped lines and moments run as printed."""
    for module in (parts, sentences_module):
        result = doctest.testmod(module)

        assert result.attempted > 0
        assert result.failed == 0


def test_same_input_gives_the_same_bytes_as_svg_and_png():
    """Two drawings of equal panels are equal to the byte, also as PNG."""
    one, two = (drawn(panel_of(day_curve(), limit=80), sign_of()) for _ in range(2))

    assert one == two
    assert png(one) == png(two)
    assert png(one).startswith(b"\x89PNG")


def test_a_changed_value_in_the_picture_changes_its_bytes():
    """The bytes stand for the data: one other value is another picture."""
    value = day_curve()
    before = drawn(panel_of(value), sign_of())
    value[0, 610] += 5

    assert drawn(panel_of(value), sign_of()) != before


def test_nothing_after_the_window_enters_the_usual_range():
    """The band is what was known when the window began."""
    value = day_curve()
    band = drawing_of(panel_of(value), [sign_of()], ["F0"], title="").curves[0]
    value[0, 600:] *= 100
    later = drawing_of(panel_of(value), [sign_of()], ["F0"], title="").curves[0]

    assert band.low.size > 0
    assert np.array_equal(band.low, later.low)
    assert np.array_equal(band.high, later.high)


def test_a_short_history_has_no_usual_range():
    """Nineteen days are no history of an hour of the day; nothing is made up."""
    early = drawing_of(panel_of(day_curve()), [sign_of(begin=430, end=450)], ["F0"], title="")

    assert early.curves[0].low.size == 0


def test_a_copy_is_laid_over_its_source():
    """An exact copy and its source coincide in the overlay, value by value."""
    value = day_curve()
    value[0, 600:650] = value[0, 400:450]
    drawing = drawing_of(panel_of(value), [sign_of(source=400)], ["F0"], title="")

    assert drawing.overlay is not None
    assert np.array_equal(drawing.overlay.tested, drawing.overlay.source)
    assert drawing.curves[0].source is not None
    assert drawing.curves[0].start_s <= drawing.curves[0].source.begin_s


def test_sister_factors_stand_below_on_the_same_axis():
    """A sign that rests on other rows shows them, from the same moment on."""
    block = panel_of(day_curve(rows=3))
    drawing = drawing_of(block, [sign_of(others=(1, 2))], ["F0", "F1", "F2"], title="")

    assert [curve.name for curve in drawing.curves] == ["F0", "F1", "F2"]
    assert len({(c.start_s, c.value.size) for c in drawing.curves}) == 1


def test_limit_marks_and_gaps_are_shown_only_where_there_are_some():
    """The legend names what is in the picture and nothing else."""
    value = day_curve()
    plain = drawn(panel_of(value), sign_of()).decode()
    marked = np.zeros(value.shape, dtype=bool)
    marked[0, 605:609] = True
    value[0, 620:625] = np.nan
    full = drawn(panel_of(value, limit=70, marked=marked), sign_of()).decode()

    for words in ("限值", "标记", "缺失"):
        assert words not in plain
        assert words in full


def test_sentences_are_wrapped_inside_the_picture():
    """A long sentence takes several lines, none wider than the picture, and loses no letter."""
    sentence = "波动远低于本排放口同一时段历史" * 9
    picture = drawn(panel_of(day_curve()), sign_of(), captions=[sentence])
    rows = [t.text for t in elements(picture, "text") if t.get("font-size") == "13"]

    assert "".join(rows) == sentence
    assert len(rows) > 1
    assert max(len(row) for row in rows) * 13 <= 920


def test_names_are_escaped():
    """A factor named like mark-up is text."""
    block = panel_of(day_curve())

    picture = svg(drawing_of(block, [sign_of()], ["<script>&"], title="<b>"))

    assert b"<script>" not in picture
    assert "<script>&" in [t.text for t in elements(picture, "text")]


@pytest.mark.parametrize("step_min", [1, 15, 60, 1440])
def test_a_picture_stays_small_at_any_interval(step_min):
    """Points are thinned to the width: a picture of 100,000 cells is no larger than 100 kB."""
    cells = 100_000 // (1440 // step_min) * (1440 // step_min)
    value = np.random.default_rng(2).normal(50, 3, cells)

    picture = drawn(panel_of(value, step_min), sign_of(begin=40_000, end=80_000))

    assert len(picture) < 100_000


def test_thinning_loses_no_peak():
    """The one spike among 50,000 values is still the highest point."""
    value = np.zeros(50_000)
    value[31_234] = 7

    shown = parts.thinned(value, 800)[1]

    assert shown.max() == 7
    assert shown.size <= 1600


@settings(max_examples=60, deadline=None)
@given(
    value=arrays(
        float,
        (2, 96),
        elements=st.one_of(
            st.floats(-1e12, 1e12),
            st.sampled_from([np.nan, 0.0, 1e-300, 7.0]),
        ),
    ),
    begin=st.integers(0, 90),
    length=st.integers(0, 6),
    source=st.integers(-1, 90),
)
def test_any_data_gives_a_well_formed_picture(value, begin, length, source):
    """Missing, constant, tiny and huge values draw as XML without a NaN in it."""
    sign = sign_of(begin=begin, end=begin + length, source=source, others=(1,))

    picture = drawn(panel_of(value, limit=5), sign)

    ET.fromstring(picture)
    assert b"nan" not in picture
    assert b"inf" not in picture
