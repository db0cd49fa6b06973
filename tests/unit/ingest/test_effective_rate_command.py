"""What `farsight rate --effective` prints: both rates joined, in both versions."""

import json
from math import nan

import pytest

from farsight.rate_effective import OWN, as_json, as_text, by_operator, join
from services.chassis.pb.detect.v1 import judgement_pb2 as detect
from services.chassis.pb.ingest.v1 import transmission_pb2 as ingest


def rate(key: str, came: int, filled: int = 0, *, stopped: int = 0) -> ingest.Rate:
    """A day of an outlet."""
    base = 24 - stopped
    return ingest.Rate(
        key=key, period="2026-11-21", due=24, stopped=stopped, came=came, filled=filled, outlets=1,
        realtime=came / base, after_fill=(came + filled) / base,
    )  # fmt: skip


def judged(key: str, valid: int, received: int = 24) -> detect.DaySum:
    """Validity of a key."""
    return detect.DaySum(
        key=key, received=received, valid=valid, validity=valid / received, outlets=1
    )


def test_effective_is_transmission_times_validity_in_both_versions() -> None:
    """Twelve of 24 in time, 18 after fill, nine tenths valid."""
    (row,) = join([rate("130402", 12, 6)], [judged("130402", 18, 20)])

    assert row.effective == pytest.approx((0.45, 0.675))


def test_what_is_not_judged_yet_has_no_effective_rate() -> None:
    """A dash, and a line that says why; JSON says null; a key of one side only stays."""
    rows = join([rate("130402", 24)], [])
    (total,) = join([rate("", 24)], [detect.DaySum(validity=nan)])

    text = as_text(rows, total, {"130402": "丛台区"}, "2026-11-22")

    assert text.splitlines()[2].split() == [
        "130402", "丛台区", "1", "100.00", "%", "100.00", "%", "-", "-", "-",
    ]  # fmt: skip
    assert "not" not in text.splitlines()[1]
    assert "judged yet" in text.splitlines()[-1]
    assert json.loads(as_json(rows, total))["rates"][0]["effective"] is None
    assert [row.key for row in join([], [judged("130404", 24)])] == ["130404"]


def test_operators_are_summed_from_their_outlets() -> None:
    """Numerators and denominators are added, never rates; no operator is the plant itself."""
    names = {"A": "运维甲", "B": "运维甲", "C": ""}
    rates = [rate("A-DA001", 24), rate("A-DA002", 0, 12), rate("B-DA001", 6, stopped=12),
             rate("C-DA001", 24)]  # fmt: skip

    found = {one.key: one for one in by_operator(rates, names)}

    assert (found["运维甲"].outlets, found["运维甲"].due, found["运维甲"].stopped) == (3, 72, 12)
    assert found["运维甲"].realtime == pytest.approx(30 / 60)
    assert found["运维甲"].after_fill == pytest.approx(42 / 60)
    assert [row.key for row in join([found[""]], [judged("", 12)])] == [OWN]


def test_nothing_due_says_so() -> None:
    """No table without a total."""
    assert "nothing was due" in as_text([], None, {}, "2026-12")
