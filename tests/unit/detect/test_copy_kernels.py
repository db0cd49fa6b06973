"""Kernels that find copies, against slow obvious oracles."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.detect.kernels.change_bits import change_bits
from services.detect.kernels.copied_stretch import copied_stretch
from services.detect.kernels.equal_hash_pairs import equal_hash_pairs
from services.detect.kernels.fresh_values import fresh_values
from services.detect.kernels.series import Series
from services.detect.kernels.window_hash import window_hash
from tests.unit.detect import hostile


@given(hostile.series())
def test_fresh_values_are_those_a_walk_finds(block):
    """Oracle walks each row and remembers the last valid value."""
    got = fresh_values(block)

    want = []
    for row, (values, valid) in enumerate(zip(block.values, block.valid, strict=True)):
        last = None
        for cell, (value, usable) in enumerate(zip(values, valid, strict=True)):
            if usable and (last is None or np.float32(value) != np.float32(last)):
                want.append((row, cell))
            last = value if usable else last
    assert list(zip(got.row.tolist(), got.cell.tolist(), strict=True)) == want


@given(hostile.series(max_columns=40), st.integers(1, 5))
def test_stretches_have_equal_hashes_just_when_group_and_values_are_equal(block, length):
    """Oracle compares the values of every two stretches."""
    fresh = fresh_values(block)
    group = np.arange(len(block.values)) % 2

    place, found = window_hash(fresh, length, group)

    said = {}
    for end, code in zip(place.tolist(), found.tolist(), strict=True):
        rows = set(fresh.row[end - length + 1 : end + 1].tolist())
        assert len(rows) == 1
        text = (int(group[rows.pop()]), *fresh.value[end - length + 1 : end + 1].tolist())
        assert said.setdefault(text, code) == code
    assert len(set(said.values())) == len(said)
    rows = fresh.row.tolist()
    assert len(place) == sum(max(0, rows.count(r) - length + 1) for r in set(rows))


@given(st.lists(st.integers(0, 5), max_size=40))
def test_pairs_are_each_stretch_with_its_last_equal(codes):
    """Oracle remembers where it saw each hash last."""
    found = np.array([c << 50 for c in codes], dtype=np.uint64)

    first, second = equal_hash_pairs(np.arange(len(codes)) * 3, found)

    last, want = {}, []
    for at, code in enumerate(codes):
        if code in last:
            want.append((last[code] * 3, at * 3))
        last[code] = at
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == sorted(want)


@given(st.lists(st.integers(0, 6), max_size=30), st.lists(st.integers(0, 6), max_size=60))
def test_bits_are_those_of_counting_equal_changes_by_hand(values, own):
    """Oracle counts in a loop."""
    got = change_bits(np.array(values, float), np.array(own, float))

    want = [0.0] * len(values)
    edges = np.quantile(own, [0.25, 0.5, 0.75]) if len(own) > 1 else []

    def classes(of):
        rising = [False, *(b > a for a, b in pairwise(of))]
        return [(sum(x > e for e in edges), up) for x, up in zip(of, rising, strict=False)]

    own_class, asked = classes(own), classes(values)
    for i, (a, b) in enumerate(pairwise(values), 1):
        known = [d - c for (c, d), of in zip(pairwise(own), own_class, strict=False)
                 if of == asked[i - 1]]  # fmt: skip
        share = (known.count(b - a) + 0.5) / (len(known) + 1)
        want[i] = -math.log2(share) if len(own) > 1 else 1.0
    assert np.allclose(got, want)


@given(st.lists(st.tuples(st.sampled_from("=x."), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_best_stretch_is_the_best_of_all_that_end_there(cells):
    """Oracle sums every stretch that ends at each cell."""
    equal = np.array([kind == "=" for kind, _ in cells])
    apart = np.array([kind == "x" for kind, _ in cells])
    bits = np.array([float(b) for _, b in cells])

    got = copied_stretch(equal, apart, bits, edit_bits=7.0)

    weight = np.where(equal, bits, 0) - np.where(apart, 7.0, 0)
    for end in range(len(cells)):
        sums = [weight[b : end + 1].sum() for b in range(end + 1)]
        assert got.bits[end] == max(0.0, *sums)
        assert weight[got.begin[end] : end + 1].sum() == got.bits[end]


def test_values_beyond_float32_do_not_trouble():
    """An absurd number is infinite for a ring, and equal to itself."""
    assert fresh_values(Series.of([1e300, 1e300, 2.0])).cell.tolist() == [0, 2]
