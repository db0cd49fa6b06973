"""What `farsight rate` prints."""

import json
from math import nan

from farsight.rate import as_json, as_text
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb


def rate(**fields: object) -> pb.Rate:
    """A county's day."""
    values: dict[str, object] = {
        "key": "130481", "period": "2026-11-22", "due": 48, "stopped": 4, "came": 40,
        "filled": 3, "realtime": 40 / 44, "after_fill": 43 / 44, "outlets": 2,
    }  # fmt: skip
    return pb.Rate(**{**values, **fields})  # type: ignore[arg-type]


def test_the_table_shows_numerator_and_denominator() -> None:
    """Counts and both shares stand in one line; a share is cut, never rounded up."""
    answer = pb.ListRatesResponse(rates=[rate(after_fill=0.99999)], total=rate(key=""))

    line = as_text(answer, {"130481": "武安市"}, "2026-11-22").splitlines()[2]

    assert line.split() == ["130481", "武安市", "2", "48", "4", "40", "0", "3", "90.90", "%",
                            "99.99", "%"]  # fmt: skip


def test_provisional_numbers_are_marked_and_nothing_due_is_no_number() -> None:
    """Before 13:00 of the next day a star stands behind; without a denominator a dash."""
    nothing = rate(due=4, realtime=nan, after_fill=nan, provisional=True)
    answer = pb.ListRatesResponse(rates=[nothing], total=nothing)

    text = as_text(answer, {}, "2026-11-22")

    assert "-*" in text.splitlines()[2]
    assert "provisional" in text.splitlines()[-1]
    assert json.loads(as_json(answer))["total"]["realtime"] is None


def test_an_empty_period_says_so() -> None:
    """No table without rows."""
    assert "nothing was due" in as_text(pb.ListRatesResponse(), {}, "2026-12")
