"""小时封存 Ledger proofs of bundles frozen before the log had signed heads (until ADR 0017).

Each frame stands under the root of its sealed arrival hour; the leaf covers the SM3 digest of the
raw bytes. Nothing makes such bundles any more; those that exist must go on verifying.
"""

from typing import Any

from services.chassis import merkle, sm
from services.referral.domain import zipform
from services.referral.domain.problem import Problem


def check(
    proofs: dict[str, Any], entries: dict[str, zipform.Entry]
) -> tuple[int, int, list[Problem]]:
    """(frames proven, frames in hours still open, problems)."""
    seals = {seal["seal_id"]: seal for seal in proofs["seals"]}
    proven = still_open = 0
    problems: list[Problem] = []
    for row in proofs["frames"]:
        if not row["seal_id"]:
            still_open += 1
        elif _proven(row, seals.get(row["seal_id"]), entries.get(row["path"])):
            proven += 1
        else:
            problems.append(Problem(row["path"], "ledger proof does not lead to the hour's root"))
    return proven, still_open, problems


def _proven(row: dict[str, Any], seal: dict[str, Any] | None, entry: zipform.Entry | None) -> bool:
    if seal is None or entry is None or seal["size"] != row["size"]:
        return False
    proof = [bytes.fromhex(sibling) for sibling in row["proof"]]
    leaf = merkle.leaf_hash(sm.sm3(entry.data))
    root = bytes.fromhex(seal["root_sm3"])
    return merkle.inclusion_holds(leaf, row["index"], row["size"], proof, root)
