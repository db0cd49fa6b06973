"""指纹表: partitions that tell fingerprints only find the copies between them."""

import numpy as np

from services.detect.screening.prints import PartitionPrints, Prints
from tests.unit.detect.screening.panels import panel, wandering


def _two_partitions(lag):
    values = wandering(4, 1000)
    values[3, 700:800] = values[0, 700 - lag : 800 - lag]
    return panel(values[:2]), panel(values[2:], outlets=["outlet 2", "outlet 3"])


def test_a_copy_in_another_partition_is_met_at_its_lag():
    """Whatever the order in which tables are merged."""
    first, second = _two_partitions(30)
    tables = [Prints.of(first, [0, 1], 8), Prints.of(second, [2, 3], 8)]

    for order in (tables, tables[::-1]):
        (met,) = Prints.merged(order).meetings()
        assert (met.first, met.second, met.lag_min) == (0, 3, 30 * 60)
        assert met.times > 10


def test_a_merged_table_is_the_table_of_all():
    """Sorted by hash, 16 bytes a fingerprint."""
    first, second = _two_partitions(0)
    both = panel(np.vstack([first.value, second.value]))

    merged = Prints.merged([Prints.of(first, [0, 1], 8), Prints.of(second, [2, 3], 8)])
    whole = Prints.of(both, range(4), 8)

    assert all((a == b).all() for a, b in zip(merged, whole, strict=True))
    assert sum(part.itemsize for part in merged) == 16


def test_other_factors_and_older_days_do_not_meet():
    """The hash holds the factor; what is history is not told again."""
    first, second = _two_partitions(30)
    other = panel(second.value, factor="SO2")
    late = panel(second.value, since=900)

    assert (
        Prints.merged([Prints.of(first, [0, 1], 8), Prints.of(other, [2, 3], 8)]).meetings() == []
    )
    assert Prints.merged([Prints.of(first, [0, 1], 8), Prints.of(late, [2, 3], 8)]).meetings() == []
    assert Prints.merged([Prints.of(panel(np.ones((1, 50))), [0], 8)]).meetings() == []


def test_outlets_that_are_taken_out_leave_the_others_as_if_they_had_never_been_there():
    """What a later sweep replaces; the numbers of the series close up."""
    first, second = _two_partitions(30)
    alone, other = (
        PartitionPrints(tuple(one.keys), Prints.of(one, range(2), 8)) for one in (first, second)
    )

    both = PartitionPrints.merged([alone, other])
    left = both.without({key.outlet_id for key in first.keys})

    assert left.keys == other.keys
    assert all((a == b).all() for a, b in zip(left.table, other.table, strict=True))
    assert not PartitionPrints.merged([]).keys
