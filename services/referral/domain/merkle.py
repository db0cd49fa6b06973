"""证据树 Inclusion proofs of the evidence ledger: RFC 9162 section 2.1, over SM3.

A leaf is SM3(00 ‖ data), an inner node SM3(01 ‖ left ‖ right). With the hour's root and a dozen
sibling digests anyone can check that one frame was in the ledger of that hour, without the other
frames.
"""

from collections.abc import Sequence

from services.referral.domain.sm import sm3


def leaf_digest(data: bytes) -> bytes:
    """叶子 The digest of one leaf's data."""
    return sm3(b"\x00" + data)


def proof_holds(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether digest `leaf` is number `index` of `size` under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, digest = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            digest = sm3(b"\x01" + sibling + digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = sm3(b"\x01" + digest + sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == root
