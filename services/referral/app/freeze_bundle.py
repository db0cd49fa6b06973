"""固定证据包 Freeze a referral's evidence: gather, write the papers, sign, check, keep.

The file's name carries its digest and it is never written again. Checking one's own bundle before
anybody relies on it costs little and finds a broken ledger or timeline while something can be done
about it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from sqlalchemy.orm import Session

from services.chassis import sm
from services.chassis.errors import RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2
from services.referral import evidence_wire, rules, store
from services.referral.app.gather_evidence import Caller, Evidence, gather_evidence
from services.referral.app.record_step import SYSTEM, Step, record_step
from services.referral.app.write_papers import transfer_items
from services.referral.domain import items
from services.referral.domain.bundle import Head, Item, build
from services.referral.domain.verify import verify
from services.referral.store import ReferralRow


@dataclass(frozen=True)
class Desk:
    """Where evidence comes from, who signs it and where it is kept."""

    ingest: Caller
    cases: Caller
    signer: sm.Signer
    signer_name: str
    folder: Path


def freeze_bundle(session: Session, referral_id: str, desk: Desk, now: datetime) -> None:
    """Freeze once; a referral that has its bundle stays as it is.

    Raises Unavailable while a service is away, RuleViolated where what it gave does not hold
    together.
    """
    row = store.load(session, referral_id, lock=True)
    if row.bundle_name:
        return
    request = cases_pb2.ReferralRequested.FromString(row.request)
    evidence = gather_evidence(request, ingest=desk.ingest, cases=desk.cases)
    content = _contents(request, evidence)
    content += transfer_items(session, row, request, evidence=evidence, content=content, now=now)
    content.append(items.item_list(content))
    archive = build(_head(row, desk, now), content, desk.signer)
    report = verify(archive, sm.fingerprint(desk.signer.public_key))
    if not report.intact:
        first = report.problems[0]
        raise RuleViolated(f"the bundle would not verify: {first.place}: {first.reason}")
    _keep(row, archive, desk)
    fields = {"bundle": row.bundle_name, "sm3": row.bundle_sm3.hex(), "items": str(len(content))}
    record_step(session, row, Step(rules.lifecycle().acts["freeze"], SYSTEM, now, fields))


def _contents(request: cases_pb2.ReferralRequested, evidence: Evidence) -> list[Item]:
    content = items.frame_items(evidence.frames, evidence.heads)
    content.append(items.papers_item(evidence.papers))
    content += items.finding_items(
        [evidence_wire.finding(one) for one in request.findings],
        [evidence_wire.picture(one) for one in request.findings],
    )
    content += [
        items.readings_item(name, evidence_wire.TITLES[name], rows)
        for name, rows in evidence.readings.items()
        if rows
    ]
    readme = rules.template("readme.txt").encode()
    return [*content, Item("README.txt", "about", "说明和核验方法", readme)]


def _head(row: ReferralRow, desk: Desk, now: datetime) -> Head:
    return Head(
        referral_id=row.referral_id,
        number=row.number,
        matter_id=row.matter_id,
        matter_number=row.matter_number,
        outlet_id=row.outlet_id,
        signer_name=desk.signer_name,
        created_at=now,
        software_version=metadata.version("farsight"),
        correlation_id=row.correlation_id,
    )


def _keep(row: ReferralRow, archive: bytes, desk: Desk) -> None:
    """Write the file whole before the row names it; a crash in between leaves a file, no row."""
    digest = sm.sm3(archive)
    name = f"referral-{row.referral_id[:8]}-{digest.hex()[:16]}.zip"
    desk.folder.mkdir(parents=True, exist_ok=True)
    draft = desk.folder / f".{name}.{os.getpid()}"
    with draft.open("wb") as file:
        file.write(archive)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o444)
    draft.replace(desk.folder / name)
    row.bundle_name, row.bundle_size = name, len(archive)
    row.bundle_sm3, row.bundle_sha256 = digest, sm.sha256(archive)
    row.key_fingerprint = sm.fingerprint(desk.signer.public_key)


def bundle_parts(row: ReferralRow, folder: Path, size: int) -> Sequence[bytes]:
    """The bundle in pieces of `size` bytes.

    Raises RuleViolated where there is none yet, or where the kept file is not what was frozen.
    """
    if not row.bundle_name:
        raise RuleViolated("the bundle is not frozen yet", missing="bundle")
    try:
        archive = (folder / row.bundle_name).read_bytes()
    except FileNotFoundError:
        raise RuleViolated("the bundle's file is missing", missing=row.bundle_name) from None
    if sm.sm3(archive) != row.bundle_sm3:
        raise RuleViolated("the bundle's file is not what was frozen", missing=row.bundle_name)
    return [archive[at : at + size] for at in range(0, len(archive), size)]
