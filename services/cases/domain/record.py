"""全案卷宗: a family of matters as one document, and the rules by which a reader checks it.

`record.json` holds each timeline line under exactly the names that its digest covers, so that the
chain can be computed again from the file alone. Papers and files are named with both digests; the
line that issued or took one names the digest too, so no file can be exchanged without a break.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from services.cases.domain import history
from services.cases.domain.matter import Event, Matter, Row, Running
from services.cases.domain.papers import Attachment, Paper
from services.cases.domain.timing import iso

FORMAT = "farsight-record/1"
RECORD, PAGE, MANIFEST = "record.json", "index.html", "manifest.json"
_HEAD = (
    "matter_id", "number", "state", "title", "item", "outlet_id", "credit_code", "division",
    "in_charge", "enterprise_name", "outlet_name", "confidential", "assignee_id", "assignee_name",
    "team_id", "parent_matter_id", "root_id", "referral_id", "risk", "version",
)  # fmt: skip


def spelled(document: object) -> bytes:
    """The one spelling of a document: UTF-8 JSON, sorted keys, one blank a level."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def matter_document(matter: Matter, state_zh: str, kind_zh: str) -> dict[str, Any]:
    """A matter with timeline, clocks with their derivation, and rows."""
    return {
        **{name: getattr(matter, name) for name in _HEAD},
        "kind": matter.kind.value,
        "kind_name": kind_zh,
        "state_name": state_zh,
        "level": int(matter.level),
        "factors": list(matter.factors),
        "opened_at": iso(matter.opened_at),
        "closed_at": iso(matter.closed_at) if matter.closed_at else "",
        "timeline": [line_document(matter.matter_id, event) for event in matter.events],
        "clocks": [_clock(clock) for clock in matter.clocks],
        "rows": [_row(row) for row in matter.rows],
    }


def line_document(matter_id: str, event: Event) -> dict[str, Any]:
    """A line as its digest covers it, with the digest."""
    line = json.loads(history.canonical(matter_id, event))
    return {**line, "digest_sm3": event.digest.hex()}


def _clock(clock: Running) -> dict[str, Any]:
    return {
        "clock_id": clock.clock_id,
        "key": clock.key,
        "statutory": clock.statutory,
        "action": clock.action_zh,
        "source": clock.source_zh,
        "bound": clock.bound,
        "lapses": clock.lapses,
        "started_at": iso(clock.started_at),
        "due_at": iso(clock.due_at),
        "provisional": clock.provisional,
        "state": clock.state.value,
        "ended_at": iso(clock.ended_at) if clock.ended_at else "",
        "derivation": [line.zh for line in clock.derivation],
        "pauses": [
            {"start": iso(one.start), "end": iso(one.end) if one.end else "", "cause": one.cause}
            for one in clock.pauses
        ],
        "grants": [
            {name: "" if value is None else str(value) for name, value in asdict(one).items()}
            for one in clock.grants
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "finding_id": row.finding_id,
        "revision": row.revision,
        "rule_id": row.rule_id,
        "factors": list(row.factors),
        "start": iso(row.start),
        "end": iso(row.end),
        "seen": row.seen,
        "statistic": row.statistic,
        "threshold": row.threshold,
        "unit": row.unit,
        "count": row.count,
        "withdrawn": row.withdrawn,
    }


def paper_document(paper: Paper, file: str) -> dict[str, Any]:
    """A document that was issued, and where its bytes lie."""
    return {
        **{
            name: getattr(paper, name)
            for name in (
                "paper_id", "matter_id", "seq", "template", "template_version", "title", "number",
                "revision", "size_bytes", "replaces",
            )
        },
        "facts": json.loads(json.dumps(dict(paper.facts), ensure_ascii=False, default=str)),
        "made_at": iso(paper.made_at),
        "sha256": paper.sha256.hex(),
        "sm3": paper.sm3.hex(),
        "file": file,
    }  # fmt: skip


def attachment_document(one: Attachment, file: str) -> dict[str, Any]:
    """A file that was handed in, and where its bytes lie."""
    return {
        **{
            name: getattr(one, name)
            for name in (
                "attachment_id", "matter_id", "seq", "name", "purpose", "media_type", "size_bytes",
                "uploaded_by", "longitude", "latitude", "device", "note",
            )
        },
        "uploaded_at": iso(one.uploaded_at),
        "taken_at": iso(one.taken_at) if one.taken_at else "",
        "sha256": one.sha256.hex(),
        "sm3": one.sm3.hex(),
        "file": file,
    }  # fmt: skip


def manifest_document(
    files: Sequence[tuple[str, int, str, str]], matters: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Every file with SHA-256 and SM3, every timeline with the digest of its last line."""
    return {
        "format": FORMAT,
        "files": [
            {"path": path, "size_bytes": size, "sha256": sha256, "sm3": sm3}
            for path, size, sha256, sm3 in files
        ],
        "timelines": [
            {
                "matter_id": one["matter_id"],
                "number": one["number"],
                "lines": len(one["timeline"]),
                "digest_sm3": one["timeline"][-1]["digest_sm3"] if one["timeline"] else "",
            }
            for one in matters
        ],
    }


def chain_faults(matters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The first line of each timeline that is missing or does not follow from the one before."""
    for matter in matters:
        previous = history.START
        for number, line in enumerate(matter["timeline"], start=1):
            said = {name: value for name, value in line.items() if name != "digest_sm3"}
            text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            previous = hashlib.new("sm3", previous + text.encode()).digest()
            same = line.get("digest_sm3") == previous.hex()
            if (
                line.get("seq") != number
                or line.get("matter_id") != matter["matter_id"]
                or not same
            ):
                yield f"{matter['number']} 第{number}行（{line.get('act_name', '')}）不接续上一行"
                break
        if matter["version"] != len(matter["timeline"]):
            yield f"{matter['number']} 应有{matter['version']}行，实有{len(matter['timeline'])}行"


def reference_faults(
    record: Mapping[str, Any], files: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    """Papers and files whose bytes or whose line of the timeline say another digest."""
    lines = {
        (line["matter_id"], line["seq"]): line["fields"]
        for matter in record["matters"]
        for line in matter["timeline"]
    }
    for paper in record["papers"]:
        if files.get(paper["file"]) != (paper["sha256"], paper["sm3"]):
            yield f"{paper['file']} 与文书“{paper['title']}”的摘要不符"
        said = lines.get((paper["matter_id"], paper["seq"]), {})
        if f"sm3:{paper['sm3']}" not in said.get("papers", ""):
            yield f"文书“{paper['title']}”在过程记录中没有同样的摘要"
    for one in record["attachments"]:
        if files.get(one["file"]) != (one["sha256"], one["sm3"]):
            yield f"{one['file']} 与附件“{one['name']}”的摘要不符"
        said = lines.get((one["matter_id"], one["seq"]), {})
        if one["sha256"] not in said.values():
            yield f"附件“{one['name']}”在过程记录中没有同样的摘要"
