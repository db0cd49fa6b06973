"""移送证据包 What a referral hands over, in one signed file that verifies offline.

Order inside the archive: manifest.json, signature.json, then the items by path. The manifest lists
every item with both digests; the signature covers the manifest; the zip form is the only one that
these entries can have (`zipform`). So each byte of the file is fixed by the signature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis import sm
from services.referral.domain import canonical, zipform

FORMAT = "farsight-referral-bundle/1"
MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
PROOFS = "ledger/proofs.json"
PAPERS = "case/papers.json"
TREE = "RFC 9162 over SM3"


@dataclass(frozen=True, slots=True)
class Item:
    """清单项 One file of the bundle; `kind` groups, `title` is what a reader sees (Chinese)."""

    path: str
    kind: str
    title: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What the bundle is about: ids, the maker and the moment of freezing (aware UTC)."""

    referral_id: str
    number: str
    matter_id: str
    matter_number: str
    outlet_id: str
    signer_name: str
    created_at: datetime
    software_version: str
    correlation_id: str = ""


def build(head: Head, items: Sequence[Item], signer: sm.Signer) -> bytes:
    """The bundle's bytes. The same head, items and signature give the same bytes.

    Raises ValueError where two items share a path or one takes a reserved name.
    """
    ordered = sorted(items, key=lambda item: item.path)
    paths = [MANIFEST, SIGNATURE, *(item.path for item in ordered)]
    if len(set(paths)) != len(paths):
        raise ValueError("two items of the bundle share a path")
    manifest = canonical.encode(_manifest(head, ordered))
    signature = canonical.encode(_signature(manifest, signer))
    entries = [(MANIFEST, manifest), (SIGNATURE, signature)]
    return zipform.write(entries + [(item.path, item.data) for item in ordered])


def _manifest(head: Head, items: Sequence[Item]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created_at": head.created_at.isoformat(),
        "software": {"name": "farsight", "version": head.software_version},
        "referral": {
            "referral_id": head.referral_id,
            "number": head.number,
            "matter_id": head.matter_id,
            "matter_number": head.matter_number,
            "outlet_id": head.outlet_id,
            "correlation_id": head.correlation_id,
        },
        "signer": {"name": head.signer_name},
        "algorithms": {
            "digests": [sm.SM3, sm.SHA256],
            "signature": sm.SM2_WITH_SM3,
            "tree": TREE,
        },
        "items": [_item_row(item) for item in items],
    }


def _item_row(item: Item) -> dict[str, Any]:
    return {
        "path": item.path,
        "kind": item.kind,
        "title": item.title,
        "size": len(item.data),
        "sm3": sm.sm3(item.data).hex(),
        "sha256": sm.sha256(item.data).hex(),
    }


def _signature(manifest: bytes, signer: sm.Signer) -> dict[str, Any]:
    key = signer.public_key
    return {
        "algorithm": sm.SM2_WITH_SM3,
        "signer_id": sm.DEFAULT_SIGNER_ID.decode(),
        "public_key": "04" + key.hex(),
        "fingerprint_sm3": sm.fingerprint(key),
        "manifest_sm3": sm.sm3(manifest).hex(),
        "signature": signer.sign_digest(sm.message_digest(manifest, key)).hex(),
    }
