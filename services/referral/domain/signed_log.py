"""签名账本 Ledger proofs of a bundle: the signed head of the log, and every frame's way up to it.

The head is text that ingest signed with the installation's ledger key: size and root of each
partition's tree, and what the server knew of its clock. A frame's entry is text too; it names the
raw bytes by both digests and says when they came, from where and what was made of them.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from services.chassis import merkle, sm
from services.referral.domain import zipform
from services.referral.domain.bundle import PROOFS
from services.referral.domain.problem import Problem

#: A head's text begins like this; another one would be another agreement (ADR 0017).
HEAD_FORMAT = "farsight-ledger-head/1"
_Roots = dict[int, tuple[int, bytes]]  # partition -> size and root of its tree

_DIGEST_ONLY = 1  # entries before version 2 cover the SM3 digest of the raw bytes alone


def check(
    proofs: dict[str, Any], entries: dict[str, zipform.Entry]
) -> tuple[int, int, list[Problem]]:
    """(frames proven, 0, problems): what no head covers is not put into a bundle."""
    problems = [problem for head in proofs["heads"] for problem in _head_problems(head)]
    if problems:
        return 0, 0, problems
    roots = {json.loads(head["text"])["number"]: _roots(head) for head in proofs["heads"]}
    for row in proofs["frames"]:
        entry = entries.get(row["path"])
        reason = "missing" if entry is None else _fault(row, roots, entry.data)
        if reason:
            problems.append(Problem(row["path"], reason))
    return len(proofs["frames"]) - len(problems), 0, problems


def signers_of(proofs: dict[str, Any]) -> list[str]:
    """Fingerprints (SM3 hex) of the keys that signed the heads."""
    keys = {bytes.fromhex(head["public_key"])[1:] for head in proofs.get("heads", ())}
    return sorted(sm.fingerprint(key) for key in keys)


def _head_problems(head: dict[str, Any]) -> Iterator[Problem]:
    point = bytes.fromhex(head["public_key"])
    signature = bytes.fromhex(head["signature"])
    if len(point) != 65 or point[0] != 4 or len(signature) != 64:
        yield Problem(PROOFS, "the ledger head's key or signature has another form")
        return
    if not _holds(head["text"].encode(), signature, point[1:]):
        yield Problem(PROOFS, "the signature over the ledger's head does not hold")
    elif json.loads(head["text"])["format"] != HEAD_FORMAT:
        yield Problem(PROOFS, "unknown format of the ledger's head")


@lru_cache(maxsize=16)  # a millisecond each, and every bundle of a day carries the same few heads
def _holds(text: bytes, signature: bytes, key: bytes) -> bool:
    return sm.signature_holds(sm.message_digest(text, key), signature, key)


def _roots(head: dict[str, Any]) -> _Roots:
    return {
        one["partition"]: (one["size"], bytes.fromhex(one["root_sm3"]))
        for one in json.loads(head["text"])["partitions"]
    }


def _fault(row: dict[str, Any], roots: dict[int, _Roots], raw: bytes) -> str:
    """Why a frame is not proven; empty where it is."""
    if row["partition"] not in roots.get(row["head"], {}):
        return "no head of the ledger covers the frame"
    size, root = roots[row["head"]][row["partition"]]
    if row["entry_version"] == _DIGEST_ONLY:
        leaf = merkle.leaf_hash(sm.sm3(raw))
    else:
        entry = json.loads(row["entry"])
        said = (entry[1], entry[2], entry[-2], entry[-1])
        if said != (row["partition"], row["leaf"], sm.sm3(raw).hex(), sm.sha256(raw).hex()):
            return "the ledger's entry speaks of other bytes"
        leaf = merkle.leaf_hash(row["entry"].encode())
    proof = [bytes.fromhex(sibling) for sibling in row["proof"]]
    if not merkle.inclusion_holds(leaf, row["leaf"], size, proof, root):
        return "ledger proof does not lead to the signed root"
    return ""
