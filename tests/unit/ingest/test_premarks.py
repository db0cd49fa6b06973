"""预标记: what is suggested to the plant from flags and from hours that look stopped."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.premarks import HourSeen, suggest_marks


def hours(letters, value=80.0, first=0):
    """An hour a letter: "." nothing received, "-" no flag."""
    return [
        HourSeen(first + at, "" if letter == "-" else letter, value)
        for at, letter in enumerate(letters)
        if letter != "."
    ]


def told(seen, count, **more):
    """(why, first hour, end hour, factors) of the suggestions."""
    return [
        (one.why, one.start_s // 3600, one.end_s // 3600, one.factors)
        for one in suggest_marks(seen, 0, count, **more)
    ]


def test_runs_of_instrument_flags_suggest_maintenance_of_their_factors():
    """Equal runs of some factors become one suggestion; of all factors, one without names."""
    seen = {"a21026": hours("NMMN.CDN"), "a21002": hours("NMMN.CNN"), "a34013": hours("NNNN.CNN")}

    assert told(seen, 8) == [
        ("flag_M", 1, 3, ("a21002", "a21026")),
        ("missing", 4, 5, ()),
        ("flag_C", 5, 6, ()),
        ("flag_D", 6, 7, ("a21026",)),
    ]


def test_breaks_need_every_factor():
    """B on all that came is a break; one factor's B is not the line's."""
    seen = {"a": hours("BBN"), "b": hours("BNN")}

    assert told(seen, 3) == [("flag_B", 0, 1, ())]


def test_stops_by_flag_and_by_oxygen_are_told_apart():
    """F is the machine's word, ambient oxygen only a sign; a fan does not outweigh the oxygen."""
    seen = {
        "a21026": hours("FFNNNN"),
        "a19001": hours("FF", 20.9) + hours("NN", 20.5, 2) + hours("NN", 8.0, 4),
        "a00000": hours("FFNNNN", 0.0),
    }

    assert told(seen, 6, stopped_condition="mswi_ty") == [
        ("flag_F", 0, 2, ()), ("stopped", 2, 4, ())
    ]  # fmt: skip
    assert told(seen, 6) == []


def test_an_outlet_that_never_sent_is_no_break():
    """Nothing at all: nothing to suggest."""
    assert told({"a": []}, 48) == []
    assert told({}, 48) == []


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a21026", "a19001", "w00000"]),
        st.lists(
            st.builds(
                HourSeen, st.integers(-3, 20), st.sampled_from(["", *"NMCDFBTSX"]),
                st.sampled_from([0.0, 20.9, 80.0, -1.0, math.nan, math.inf]),
            ),
            max_size=30, unique_by=lambda one: one.hour,
        ),
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_suggestions_lie_in_the_span_and_do_not_depend_on_order(seen, random):
    """Whole hours inside the span, no run twice, the same in any order of arrival."""
    found = suggest_marks(seen, 0, 18, stopped_condition="tp_ty")
    shuffled = {factor: random.sample(own, len(own)) for factor, own in seen.items()}

    assert suggest_marks(shuffled, 0, 18, stopped_condition="tp_ty") == found
    assert all(0 <= one.start_s < one.end_s <= 18 * 3600 for one in found)
    assert len(set(found)) == len(found)
