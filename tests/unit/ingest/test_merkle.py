"""The log's tree: roots and proofs against the RFC's own recursive definitions."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.merkle import (
    EMPTY_ROOT,
    consistency_holds,
    inclusion_holds,
    leaf_hash,
    node_hash,
)
from services.ingest.domain import merkle

LEAVES = [leaf_hash(b"%d" % number) for number in range(700)]


def rfc_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word by word: split at the largest power of two below n."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = split_of(len(leaves))
    return node_hash(rfc_root(leaves[:split]), rfc_root(leaves[split:]))


def rfc_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = split_of(len(leaves))
    if index < split:
        return [*rfc_path(index, leaves[:split]), rfc_root(leaves[split:])]
    return [*rfc_path(index - split, leaves[split:]), rfc_root(leaves[:split])]


def rfc_subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of section 2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [rfc_root(leaves)]
    split = split_of(len(leaves))
    if old <= split:
        return [*rfc_subproof(old, leaves[:split], whole=whole), rfc_root(leaves[split:])]
    return [*rfc_subproof(old - split, leaves[split:], whole=False), rfc_root(leaves[:split])]


def split_of(count: int) -> int:
    """The largest power of two smaller than `count`."""
    split = 1
    while split * 2 < count:
        split *= 2
    return split


class Log:
    """Tiles in a dictionary, grown in the given steps."""

    def __init__(self, steps: Sequence[int] = ()) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.size = 0
        for step in steps:
            self.add(LEAVES[self.size : self.size + step])

    def add(self, leaves: Sequence[bytes]) -> None:
        """Grow as the service does."""
        self.tiles |= merkle.grow(self.size, leaves, self.read)
        self.size += len(leaves)

    def read(self, level: int, number: int) -> bytes:
        """One tile."""
        return self.tiles[level, number]


WHOLE = Log([len(LEAVES)])


@pytest.mark.parametrize("size", [*range(34), 100, 255, 256, 257, 511, 512, 513, 700])
def test_roots_are_those_of_the_rfc_at_every_size(size: int):
    """The root over the first leaves of a larger log equals the recursive definition."""
    assert merkle.root(WHOLE.read, size) == rfc_root(LEAVES[:size])


def test_frontier_has_the_same_root_at_every_size():
    """The check that keeps nothing agrees with the log that keeps tiles."""
    frontier = merkle.Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root() == merkle.root(WHOLE.read, size)
        frontier.append(leaf)


@given(st.lists(st.integers(0, 300), max_size=8))
@settings(max_examples=30, deadline=None)
def test_a_log_is_the_same_however_it_grew(steps: list[int]):
    """One leaf or three hundred at a time: the same tiles, across tile borders too."""
    log = Log(steps)

    assert log.tiles == Log([log.size]).tiles
    assert merkle.root(log.read, log.size) == rfc_root(LEAVES[: log.size])


@given(st.data(), st.integers(1, len(LEAVES)))
@settings(max_examples=60, deadline=None)
def test_inclusion_proofs_are_those_of_the_rfc_and_hold_for_their_place_only(
    data: st.DataObject, size: int
):
    """PATH of the RFC; verified by its algorithm; wrong for another leaf, size or sibling."""
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion(WHOLE.read, index, size)
    root = merkle.root(WHOLE.read, size)

    assert proof == rfc_path(index, LEAVES[:size])
    assert inclusion_holds(LEAVES[index], index, size, proof, root)
    assert size == 1 or not inclusion_holds(LEAVES[index], (index + 1) % size, size, proof, root)
    assert not inclusion_holds(node_hash(root, root), index, size, proof, root)
    if proof:
        broken = data.draw(st.integers(0, len(proof) - 1))
        forged = [node_hash(p, p) if n == broken else p for n, p in enumerate(proof)]
        assert not inclusion_holds(LEAVES[index], index, size, forged, root)
        assert not inclusion_holds(LEAVES[index], index, size, proof[:-1], root)


@given(st.data(), st.integers(0, len(LEAVES)))
@settings(max_examples=60, deadline=None)
def test_consistency_proofs_are_those_of_the_rfc_and_refuse_another_past(
    data: st.DataObject, new: int
):
    """SUBPROOF of the RFC; verified by its algorithm; wrong for a log that was changed."""
    old = data.draw(st.integers(0, new))
    proof = merkle.consistency(WHOLE.read, old, new)
    first, second = merkle.root(WHOLE.read, old), merkle.root(WHOLE.read, new)

    assert proof == ([] if old == 0 else rfc_subproof(old, LEAVES[:new], whole=True))
    assert consistency_holds(old, first, new, second, proof)
    if old > 0:
        at = data.draw(st.integers(0, old - 1))
        changed = [*LEAVES[:at], leaf_hash(b"forged"), *LEAVES[at + 1 : old]]
        assert not consistency_holds(old, rfc_root(changed), new, second, proof)
    if proof:
        assert not consistency_holds(old, first, new, second, proof[:-1])
        assert not consistency_holds(old, first, new, node_hash(second, second), proof)


def test_published_values_of_the_tree():
    """Roots over SM3 of the RFC 6962 test leaves, computed once by the openssl command line.

    The leaves are those of certificate-transparency's own test vectors: "", 00, 10, 2021, ...
    """
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    leaves = [leaf_hash(bytes.fromhex(one)) for one in inputs]
    log = Log()
    log.add(leaves)

    assert EMPTY_ROOT.hex() == ROOTS[0]
    assert [merkle.root(log.read, size).hex() for size in (1, 2, 7)] == ROOTS[1:]


ROOTS = [
    "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
    "2daef60e7a0b8f5e024c81cd2ab3109f2b4f155cf83adeb2ae5532f74a157fdf",
    "0b990fe0c7ad70f1bf1a1262f2c7908ea48146b14253a6db99f2917ab1f5cc4d",
    "bd36c22a1ac6ff4308e0c3cc1a85bf0ffa30538ec60a55c70413ab15d45db4d2",
]


def test_empty_tree_and_a_leaf_outside():
    """No leaves: SM3 of nothing; no proof for a leaf or a size that is not there."""
    assert merkle.root(Log().read, 0) == EMPTY_ROOT
    with pytest.raises(IndexError):
        merkle.inclusion(WHOLE.read, 5, 5)
    with pytest.raises(IndexError):
        merkle.consistency(WHOLE.read, 6, 5)


def test_leaf_and_node_are_told_apart():
    """A node's children must not pass as a leaf's data (second preimage)."""
    assert leaf_hash(b"a" * 32 + b"b" * 32) != node_hash(b"a" * 32, b"b" * 32)
