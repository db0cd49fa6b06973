"""外部线索研判: all signs of a city's records, and the places they make."""

from collections.abc import Iterator
from dataclasses import replace

from services.detect.outside.complaints import complaint_signs
from services.detect.outside.control_signs import gate_signs, video_signs
from services.detect.outside.fingerprints import fingerprint_signs
from services.detect.outside.high_value import high_value_signs
from services.detect.outside.hot_grid import hot_cells, hot_grid_signs
from services.detect.outside.places import PlaceClue, find_places
from services.detect.outside.records import Records, Series
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import OutsideSign
from services.detect.outside.spots import spot_signs
from services.detect.outside.tracks import track_signs
from services.detect.outside.winds import Winds


def look(records: Records, rule: OutsideRule) -> list[PlaceClue]:
    """外部线索 of a city in a window: the same records give the same clues."""
    inside = [one for one in all_signs(records, rule) if one.end_s > records.begin_s]
    return find_places(inside, records.plants, rule)


def all_signs(records: Records, rule: OutsideRule) -> Iterator[OutsideSign]:
    """外部迹象 of each kind; records before the window serve as history."""
    winds = Winds(records.series, rule)
    in_window = tuple(since(one, records.begin_s) for one in records.series)
    yield from hot_grid_signs(hot_cells(in_window, winds, rule))
    yield from high_value_signs(records.series, winds, rule)
    yield from spot_signs(records.spots, records.begin_s, rule)
    yield from track_signs(records.events, winds, rule)
    yield from video_signs(records.events, records.orders)
    yield from gate_signs(records.events, records.orders, rule)
    yield from fingerprint_signs(records.fingerprints, records.plants, rule)
    yield from complaint_signs(records.complaints, records.plants, rule)


def since(one: Series, begin_s: int) -> Series:
    """Cut a series to what begins at a moment or later."""
    late = one.start_s >= begin_s
    return replace(one, start_s=one.start_s[late], value=one.value[late])
