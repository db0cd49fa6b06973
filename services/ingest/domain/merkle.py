"""证据树: one growing tree a partition, RFC 9162 section 2.1 over SM3, kept as tiles.

A tile holds up to 256 consecutive digests of every eighth level, as transparency logs publish them
(C2SP tlog-tiles): level 0 has the leaves, a digest of level n + 1 is the root of a full tile of
level n. Appending touches the last tile of each level, which is the tree's frontier; a proof reads
a handful of tiles, however large the log is.
"""

from collections.abc import Callable, Sequence

from services.chassis.merkle import EMPTY_ROOT, leaf_hash, node_hash

__all__ = [
    "EMPTY_ROOT",
    "Frontier",
    "consistency",
    "grow",
    "inclusion",
    "leaf_hash",
    "node_hash",
    "root",
]

HEIGHT = 8
WIDTH = 1 << HEIGHT
DIGEST = 32  # bytes

#: (level, number) -> the digests of that tile, end to end; it may hold more than asked for.
ReadTile = Callable[[int, int], bytes]


def grow(size: int, leaves: Sequence[bytes], read: ReadTile) -> dict[tuple[int, int], bytes]:
    """Append leaves to a tree of `size`; gives the tiles that changed, by (level, number)."""
    changed: dict[tuple[int, int], bytearray] = {}

    def push(level: int, index: int, digest: bytes) -> None:
        number, place = divmod(index, WIDTH)
        tile = changed.get((level, number))
        if tile is None:
            kept = read(level, number)[: place * DIGEST] if place else b""
            tile = changed[level, number] = bytearray(kept)
        tile += digest
        if place == WIDTH - 1:
            push(level + 1, number, _fold(bytes(tile)))

    for number, leaf in enumerate(leaves, size):
        push(0, number, leaf)
    return {place: bytes(tile) for place, tile in changed.items()}


def root(read: ReadTile, size: int) -> bytes:
    """The root over the first `size` leaves; of none SM3 of nothing, as the RFC says."""
    return _range(read, 0, size) if size else EMPTY_ROOT


def inclusion(read: ReadTile, index: int, size: int) -> list[bytes]:
    """Siblings from leaf `index` up to the root over `size` (RFC 9162, 2.1.3.1).

    Raises IndexError for a leaf that is not among them.
    """
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(read, middle, high))
            high = middle
        else:
            path.append(_range(read, low, middle))
            low = middle
    return path[::-1]


def consistency(read: ReadTile, old: int, new: int) -> list[bytes]:
    """Proof that the first `old` of `new` leaves are the tree of `old` (RFC 9162, 2.1.4.1).

    Raises IndexError when `old` is larger than `new`. Empty for an empty or equal tree.
    """
    if not 0 <= old <= new:
        raise IndexError(f"{old} leaves of {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    low, high, whole = 0, new, True  # whole: the old tree's root is known to the verifier
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(read, middle, high))
            high = middle
        else:
            path.append(_range(read, low, middle))
            low, whole = middle, False
    return path[::-1] if whole else [_range(read, low, high), *path[::-1]]


class Frontier:
    """A tree that only grows and keeps nothing but the roots of its full subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[bytes] = []  # of falling size, as the bits of `size` say

    def append(self, leaf: bytes) -> None:
        """Take a leaf in."""
        self._full.append(leaf)
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            right, left = self._full.pop(), self._full.pop()
            self._full.append(node_hash(left, right))

    def root(self) -> bytes:
        """The root over what came so far."""
        if not self._full:
            return EMPTY_ROOT
        *left, digest = self._full
        for one in reversed(left):
            digest = node_hash(one, digest)
        return digest


def _range(read: ReadTile, low: int, high: int) -> bytes:
    """The tree hash over leaves [low, high), which begins where a subtree of its size may begin."""
    count = high - low
    split = _split(count) if count > 1 else 1
    if count == 1 or split * 2 == count:
        return _subtree(read, low, count.bit_length() - 1)
    return node_hash(_subtree(read, low, split.bit_length() - 1), _range(read, low + split, high))


def _subtree(read: ReadTile, low: int, height: int) -> bytes:
    """The root of the full subtree of 2^height leaves that begins at leaf `low`."""
    level, within = divmod(height, HEIGHT)
    number, place = divmod(low >> (HEIGHT * level), WIDTH)
    tile = read(level, number)
    return _fold(tile[place * DIGEST : (place + (1 << within)) * DIGEST])


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _fold(digests: bytes) -> bytes:
    """The root over digests end to end, as many as a power of two."""
    level = [digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)]
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]
