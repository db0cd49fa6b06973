"""证据树: the Merkle tree of one sealed hour of the ledger, RFC 9162 section 2.1, over SM3.

A leaf is SM3(00 ‖ digest of the raw frame), an inner node SM3(01 ‖ left ‖ right). The RFC splits at
the largest power of two; pairing bottom-up and carrying an odd last node upwards gives the same
tree and keeps every level, so that any number of inclusion proofs costs one build.
"""

from collections.abc import Iterator, Sequence

from gmssl_pyx import sm3_hash

EMPTY_ROOT: bytes = sm3_hash(b"")


def leaf_hash(digest: bytes) -> bytes:
    """The leaf of a frame whose raw bytes have this SM3 digest."""
    return bytes(sm3_hash(b"\x00" + digest))


def node_hash(left: bytes, right: bytes) -> bytes:
    """The inner node over two children."""
    return bytes(sm3_hash(b"\x01" + left + right))


class Tree:
    """The tree over leaves in ledger order."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(list(_parents(self._levels[-1])))

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The root; of no leaves SM3 of nothing, as the RFC says."""
        top = self._levels[-1]
        return top[0] if top else EMPTY_ROOT

    def proof(self, index: int) -> list[bytes]:
        """Siblings from leaf `index` up to the root (RFC 9162, 2.1.3.1). Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} of {self.size}")
        siblings = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                siblings.append(level[sibling])
            index >>= 1
        return siblings


def _parents(level: list[bytes]) -> Iterator[bytes]:
    for left in range(0, len(level) - 1, 2):
        yield node_hash(level[left], level[left + 1])
    if len(level) % 2:
        yield level[-1]
