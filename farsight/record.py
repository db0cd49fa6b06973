"""`farsight record`: take the whole record 全案卷宗 of a matter out, or check one offline.

    farsight record MATTER -o FILE       everything that belongs to a matter, as a zip
    farsight record verify FILE          chains, digests, bytes; nothing is looked up

Exit 0: written, or intact. Exit 1: refused, away, or something differs. Exit 2: bad usage.
"""

import argparse
import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import grpc

from farsight.account import add_account_arguments, signed_in
from farsight.lab.door_client import SignedInClient
from services.cases.record_check import Report, check_record
from services.chassis import grpc_host
from services.chassis.errors import FarsightError, InputRejected
from services.chassis.pb.cases.v1 import cases_pb2, cases_pb2_grpc, work_pb2, work_pb2_grpc

_EPILOG = """\
examples:
  farsight record 案〔2026〕130402-0001 -o 卷宗.zip
  farsight record 3c0a6f5e-... -o record.zip
  farsight record verify record.zip --json
"""
_EXPORT_S = 3600.0
_ID = 36


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("what", metavar="MATTER|verify", help="a matter's id or number; or verify")
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="package to verify")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where the zip goes")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    add_account_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Export or verify; gives the exit code."""
    if args.what == "verify" and args.file is not None:
        return _verify(args.file, as_json=args.json)
    if args.output is None or args.file is not None:
        print("farsight record: MATTER -o FILE, or verify FILE", file=sys.stderr)
        return 2
    try:
        with signed_in(args) as client:
            _export(client, args.what, args.output)
    except (FarsightError, OSError) as error:
        print(f"farsight record: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputRejected) else 1
    return 0


def _export(client: SignedInClient, what: str, target: Path) -> None:
    """Write beside the target first and compare the digest before the file gets its name."""
    request = work_pb2.ExportRecordRequest(matter_id=_matter_id(client, what))
    method = work_pb2_grpc.WorkServiceStub(client.channel).ExportRecord
    part, digest, wanted = target.with_name(target.name + ".part"), hashlib.sha256(), b""
    try:
        with part.open("wb") as file:
            for answer in method(request, metadata=tuple(client.metadata()), timeout=_EXPORT_S):
                wanted = answer.sha256 or wanted
                file.write(answer.chunk)
                digest.update(answer.chunk)
        if digest.digest() != wanted:
            raise OSError("the stream ended early or was changed on its way")
        part.replace(target)
    except grpc.RpcError as error:
        raise grpc_host.error_from(error) from error
    finally:
        part.unlink(missing_ok=True)
    print(f"{target}: {target.stat().st_size} bytes, sha256 {wanted.hex()}")


def _matter_id(client: SignedInClient, what: str) -> str:
    if len(what) == _ID and what.count("-") == 4:
        return what
    query = cases_pb2.ListMattersRequest(search=what, page_size=10)
    page = client.call(cases_pb2_grpc.CaseServiceStub(client.channel).ListMatters, query)
    exact = [one.matter_id for one in page.matters if one.number == what]
    if len(exact) != 1:
        raise InputRejected(f"no matter has the number {what}", matter=what)
    return exact[0]


def _verify(path: Path, *, as_json: bool) -> int:
    try:
        with path.open("rb") as file:
            report = check_record(file)
    except OSError as error:
        print(f"farsight record: {error}", file=sys.stderr)
        return 2
    print(_json(report) if as_json else _text(report, path))
    return 1 if report.faults else 0


def _json(report: Report) -> str:
    return json.dumps({"intact": not report.faults, **asdict(report)}, ensure_ascii=False, indent=1)


def _text(report: Report, path: Path) -> str:
    if report.faults:
        return "\n".join([f"{path}: 不完整 not intact", *(f"  {one}" for one in report.faults)])
    holds = f"{report.files} files, {report.papers} papers, {report.attachments} attachments"
    lines = [f"{path}: 完整 intact: {holds}"]
    lines += [f"  {number}: {count} lines, SM3 {last}" for number, count, last in report.timelines]
    return "\n".join(lines)
