"""证据树 Leaves, nodes and proofs of the evidence log: RFC 9162 section 2.1, over SM3.

A leaf is SM3(00 ‖ data), an inner node SM3(01 ‖ left ‖ right). With a signed root and some dozen
sibling digests anyone can check that one entry is in the log, or that a log only grew, without the
other entries.
"""

from collections.abc import Sequence

from gmssl_pyx import sm3_hash

#: Root of a log without entries: SM3 of nothing (RFC 9162, 2.1.1).
EMPTY_ROOT: bytes = sm3_hash(b"")


def leaf_hash(data: bytes) -> bytes:
    """叶子 The digest of one leaf's data, 32 bytes."""
    digest: bytes = sm3_hash(b"\x00" + data)
    return digest


def node_hash(left: bytes, right: bytes) -> bytes:
    """The inner node over two children, 32 bytes."""
    digest: bytes = sm3_hash(b"\x01" + left + right)
    return digest


def inclusion_holds(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether digest `leaf` is number `index` of `size` under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, digest = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == root


def consistency_holds(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the log of `old_size` entries is the beginning of the newer one (RFC 9162, 2.1.4.2).

    A log of no entries is the beginning of every log; its proof is empty.
    """
    if not 0 <= old_size <= new_size:
        return False
    if old_size in (0, new_size):
        expected = EMPTY_ROOT if old_size == 0 else new_root
        return not proof and old_root == expected
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first, second = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
