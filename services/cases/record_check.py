"""Check a record 卷宗包 offline: every chain, every digest, and every byte between the files.

Nothing is looked up. What the package says of itself is computed again; whoever wants to know that
it is also the platform's own record compares the digests of the last lines with the platform's.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from services.cases.domain import record
from services.cases.record_zip import PIECE, RecordZip, digests, entries, stored


@dataclass
class Report:
    """What was found; `faults` in the order of the package, empty = intact."""

    faults: list[str] = field(default_factory=list)
    timelines: list[tuple[str, int, str]] = field(default_factory=list)  # number, lines, last SM3
    files: int = 0
    papers: int = 0
    attachments: int = 0


def check_record(file: IO[bytes]) -> Report:
    """The report of a package; one that is no zip at all has one fault."""
    report = Report()
    try:
        infos = entries(file)
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, OSError) as fault:
        report.faults.append(f"压缩包目录不能读取：{fault}")
        return report
    found = {info.filename: digests(stored(file, info)) for info in infos}
    documents = {info.filename: _json(file, info) for info in infos if info.filename in _READ}
    manifest, whole = documents.get(record.MANIFEST), documents.get(record.RECORD)
    report.files = len(infos)
    if not isinstance(manifest, dict) or not isinstance(whole, dict):
        names = [name for name in _READ if not isinstance(documents.get(name), dict)]
        report.faults.append(f"{'、'.join(names)} 缺失或者不能读取")
    else:
        try:
            _check_content(report, manifest, whole, found)
        except (KeyError, TypeError, AttributeError, ValueError) as fault:
            report.faults.append(f"record.json 或者 manifest.json 的内容不完整：{fault!r}")
    if (fault_at := _first_difference(file, infos)) is not None:
        report.faults.append(fault_at)
    return report


_READ = (record.RECORD, record.MANIFEST)


def _json(file: IO[bytes], info: zipfile.ZipInfo) -> Any:
    try:
        return json.loads(b"".join(stored(file, info)))
    except ValueError:
        return None


def _check_content(
    report: Report,
    manifest: Mapping[str, Any],
    whole: Mapping[str, Any],
    found: Mapping[str, tuple[int, str, str]],
) -> None:
    listed = {one["path"]: one for one in manifest["files"]}
    for path in sorted(set(listed) | set(found) - {record.MANIFEST}):
        if path not in found or path not in listed:
            report.faults.append(f"{path} {'缺失' if path in listed else '不在清单中'}")
            continue
        one = listed[path]
        if found[path] != (one["size_bytes"], one["sha256"], one["sm3"]):
            report.faults.append(f"{path} 与清单的摘要不符")
    report.faults += record.chain_faults(whole["matters"])
    files = {path: (sha256, sm3) for path, (_, sha256, sm3) in found.items()}
    report.faults += record.reference_faults(whole, files)
    said = record.manifest_document([], whole["matters"])["timelines"]
    if said != manifest["timelines"]:
        report.faults.append("manifest.json 的过程记录末行摘要与 record.json 不符")
    report.timelines = [(one["number"], one["lines"], one["digest_sm3"]) for one in said]
    report.papers, report.attachments = len(whole["papers"]), len(whole["attachments"])


def _first_difference(file: IO[bytes], infos: list[zipfile.ZipInfo]) -> str | None:
    """Write the package again from its files and name the first byte that is another."""
    with tempfile.TemporaryFile() as again:
        target = RecordZip(again)
        for info in infos:
            try:
                target.add(info.filename, stored(file, info), info.file_size)
            except (ValueError, OverflowError):
                target.close()
                return f"{info.filename} 的长度与压缩包目录不符"
        target.close()
        place = _place_of_difference(file, again)
    if place is None:
        return None
    before = [info for info in infos if info.header_offset <= place]
    last = infos[-1] if infos else None
    end = last.header_offset + last.file_size if last else 0
    inside = before[-1].filename if before and place <= end + PIECE else ""
    return f"第 {place} 字节不是打包时的字节（{inside or '压缩包目录'}）"


def _place_of_difference(one: IO[bytes], other: IO[bytes]) -> int | None:
    one.seek(0)
    other.seek(0)
    at = 0
    while True:
        left, right = one.read(PIECE), other.read(PIECE)
        if left != right:
            shared = min(len(left), len(right))
            return at + next((n for n in range(shared) if left[n] != right[n]), shared)
        if not left:
            return None
        at += len(left)
