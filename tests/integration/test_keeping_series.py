"""History as columns gives what history value by value gives, in every shape that rows have."""

from collections.abc import Callable
from datetime import timedelta
from math import nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest import wire
from services.ingest.app.get_readings import get_readings
from services.ingest.app.read_series import read_series
from services.ingest.hj212.messages import FactorValues
from services.ingest.packed_wire import varints
from tests.integration.settling_bench import HOUR, NOW, Bench, so2

END = HOUR + timedelta(hours=9)


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


def fill(bench: Bench) -> None:
    """Full rows, rows without some columns, odd texts, factors added later, codes of 2005."""
    odd = [FactorValues("a21026", flag="D", odd={"value": "---"})]
    bare = [FactorValues("a21026", value=3.25, flag="")]
    old = FactorValues("a21003", value=0.5, flag="N")
    old.reported_code, old.reported_scale, old.reported_unit = "03", 1000.0, "ug/m3"
    more = [FactorValues("a21002", value=1.5, min=nan, max=nan, cou=2.5, converted=9.0, flag="N")]
    shapes = (so2(1.0), so2(2.0) + so2(7.0, code="a34013"), odd, bare, [old], more, so2(8.0, "D"))
    for number, values in enumerate(shapes):
        time_s = int((HOUR + timedelta(hours=number)).timestamp())
        bench.run((bench.frame(data_time_s=time_s, origin=number % 4), values))
    later = bench.frame(origin=2, received_at_us=int(NOW.timestamp() * 1e6) - 5_000_000)
    bench.run((later, so2(4.0, code="a05024")))


def plain(message: pb.GetReadingsResponse) -> dict[str, str]:
    """A message by factor, as text: NaN equals NaN."""
    return {one.factor: str(one) for one in message.factors}


@pytest.mark.parametrize("factors", [(), ("a21026",), ("nothing",)])
def test_columns_are_what_single_values_are(bench: Bench, factors: tuple[str, ...]):
    """Every field of every factor."""
    fill(bench)
    with bench.database.transaction() as session:
        slow = get_readings(session, bench.outlet, 3, HOUR, END, factors=factors)
        fast = read_series(session, bench.outlet, 3, HOUR, END, factors=factors)

    assert plain(fast) == plain(wire.series_message(bench.outlet, 3, slow))
    assert len(fast.factors) == {(): 5, ("a21026",): 1, ("nothing",): 0}[factors]


def test_too_long_a_span_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """The bound holds whichever way the values go."""
    fill(bench)
    monkeypatch.setattr("services.ingest.app.read_series.ROWS", 3)

    with bench.database.transaction() as session, pytest.raises(InputRejected):
        read_series(session, bench.outlet, 3, HOUR, END)
    with bench.database.transaction() as session, pytest.raises(InputRejected):
        read_series(session, bench.outlet, 3, END, HOUR)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_packed_integers_are_those_of_protobuf(numbers: list[int]):
    """Any int64, read back by the library."""
    expected = pb.FactorSeries(time_s=numbers).SerializeToString()

    content = varints(np.array(numbers, np.int64))

    assert expected.endswith(content)
    assert pb.FactorSeries.FromString(expected).time_s == numbers
