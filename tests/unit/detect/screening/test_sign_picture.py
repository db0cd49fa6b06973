"""The picture of a live finding shows what its sign rests on: sisters, and the source of a copy."""

import numpy as np

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.detect.v1.detect_pb2 import Picture
from services.chassis.pb.detect.v1.screening_pb2 import ScreenSign
from services.detect.domain.block import Block
from services.detect.domain.series_key import SeriesKey
from services.detect.packs.load import shipped_pack
from services.detect.screening_wire import show_what_it_rests_on

FIRST, WIDTH = 473_000, 400
SLOT = np.arange(FIRST + 300, FIRST + 350)


def block_of(*factors):
    rows = len(factors)
    value = np.arange(rows * WIDTH, dtype=float).reshape(rows, WIDTH)
    whole = np.full(rows, FIRST, dtype=np.int64)
    return Block(
        keys=[SeriesKey("O1", factor) for factor in factors],
        start=whole, value=value, converted=np.full(value.shape, np.nan),
        flag=np.zeros(value.shape, dtype=np.uint8), present=np.ones(value.shape, dtype=bool),
        until=whole + WIDTH, since=whole, minutes=np.full((rows, 288), np.nan), limits={},
    )  # fmt: skip


def shown(block, **more):
    picture = Picture(time_s=(SLOT * 3600).tolist())
    sign = ScreenSign(
        outlet_id="O1", factor="w01018",
        start=to_timestamp(from_unix((FIRST + 320) * 3600)),
        end=to_timestamp(from_unix((FIRST + 330) * 3600)), **more,
    )  # fmt: skip
    show_what_it_rests_on(picture, sign, block, shipped_pack().book)
    return picture


def test_a_sign_of_one_series_adds_nothing():
    """No sister, no copy: the picture stays as it is."""
    picture = shown(block_of("w01018"))

    assert not picture.others
    assert picture.copy_start_s == 0


def test_a_sister_is_shown_at_the_times_of_the_picture():
    """Name and unit are the pack's; one of another outlet is not in this block and stays out."""
    picture = shown(block_of("w01018", "w21003"), others=["w21003", "O2/w21003"])

    assert [one.name for one in picture.others] == ["氨氮"]
    assert picture.others[0].value[:2] == [WIDTH + 300.0, WIDTH + 301.0]
    assert len(picture.others[0].value) == len(picture.time_s)


def test_a_replay_has_the_values_of_its_source_even_before_the_picture():
    """Ten hours of the own past, from where the sign says."""
    picture = shown(block_of("w01018"), source_s=(FIRST + 40) * 3600)

    assert picture.copy_start_s == (FIRST + 320) * 3600
    assert list(picture.source_value) == [40.0 + at for at in range(10)]


def test_a_copy_of_a_sister_has_its_source_in_the_sister():
    """The first other row is the one copied; hours that the block has not are missing."""
    picture = shown(
        block_of("w01018", "w21003"), others=["w21003"], source_s=(FIRST + WIDTH - 5) * 3600
    )

    assert list(picture.source_value[:5]) == [2 * WIDTH - 5.0 + at for at in range(5)]
    assert np.isnan(picture.source_value[5:]).all()
