"""The hour's tree."""

import pytest
from gmssl_pyx import sm3_hash

from services.ingest.domain.merkle import EMPTY_ROOT, Tree, leaf_hash, node_hash


def rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word by word: split at the largest power of two below n."""
    if not leaves:
        return bytes(sm3_hash(b""))
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(rfc_root(leaves[:split]), rfc_root(leaves[split:]))


def rfc_verify(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2."""
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


@pytest.mark.parametrize("size", [*range(1, 34), 100, 257])
def test_root_and_every_proof_follow_the_rfc(size: int):
    """Roots equal the recursive definition; each proof verifies for its own place only."""
    leaves = [leaf_hash(bytes(sm3_hash(b"%d" % number))) for number in range(size)]
    tree = Tree(leaves)

    assert tree.root == rfc_root(leaves)
    for index, leaf in enumerate(leaves):
        proof = tree.proof(index)
        assert rfc_verify(leaf, index, size, proof, tree.root)
        assert size == 1 or not rfc_verify(leaf, (index + 1) % size, size, proof, tree.root)


def test_empty_tree_and_a_leaf_outside():
    """No leaves: SM3 of nothing; no proof for a leaf that is not there."""
    assert Tree([]).root == EMPTY_ROOT
    with pytest.raises(IndexError):
        Tree([b"x"]).proof(1)


def test_leaf_and_node_are_told_apart():
    """A node's children must not pass as a leaf's data (second preimage)."""
    assert leaf_hash(b"a" * 32 + b"b" * 32) != node_hash(b"a" * 32, b"b" * 32)
