"""`farsight verify FILE`: check a referral bundle offline, as police and procuratorate do.

Exit 0: intact. Exit 1: something differs, and the report names it. Exit 2: the file or the key
given cannot be read. Nothing is looked up: no database, no network, no other file than the ones
named.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from services.chassis import sm
from services.referral.domain.verify import Report, verify

_HEX_FINGERPRINT = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the bundle (.zip)")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument(
        "--key", type=Path, metavar="PUBKEY", help="file with the sender's public key, hex, 04 x y"
    )
    trust.add_argument(
        "--fingerprint", metavar="HEX", help="SM3 fingerprint of the sender's public key"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Verify and print; returns the exit code."""
    try:
        archive = args.file.read_bytes()
        expected = _expected_fingerprint(args.key, args.fingerprint)
    except (OSError, ValueError) as error:
        print(f"farsight verify: {error}", file=sys.stderr)
        return 2
    with _silent_stderr():
        report = verify(archive, expected)
    print(_as_json(report) if args.json else _as_text(report, args.file))
    return 0 if report.intact else 1


def _expected_fingerprint(key: Path | None, fingerprint: str | None) -> str:
    if key is not None:
        point = bytes.fromhex(key.read_text(encoding="ascii").strip())
        if len(point) != 65 or point[0] != 4:
            raise ValueError(f"{key} holds no uncompressed SM2 public key (04 x y in hex)")
        return sm.fingerprint(point[1:])
    if fingerprint is None:
        return ""
    wanted = fingerprint.replace(":", "").replace(" ", "").lower()
    if len(wanted) != _HEX_FINGERPRINT or set(wanted) - set("0123456789abcdef"):
        raise ValueError("--fingerprint takes 64 hex digits")
    return wanted


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep gmssl's C code from printing its source lines when a signature does not hold."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _as_json(report: Report) -> str:
    manifest = report.manifest or {}
    value = {
        "intact": report.intact,
        "problems": [{"place": p.place, "reason": p.reason} for p in report.problems],
        "referral": manifest.get("referral"),
        "created_at": manifest.get("created_at"),
        "signer": manifest.get("signer"),
        "fingerprint_sm3": report.fingerprint,
        "key_expected": report.key_expected,
        "items": len(manifest.get("items", [])),
        "frames_proven": report.frames_proven,
        "frames_open": report.frames_open,
        "timeline_lines": report.timeline_lines,
        "ledger_keys_sm3": list(report.ledger_keys),
    }
    return json.dumps(value, ensure_ascii=False, indent=2)


def _as_text(report: Report, file: Path) -> str:
    if not report.intact:
        lines = [f"{file}: DIFFERS from what was signed 与签名内容不一致"]
        return "\n".join(lines + [f"  {p.place}: {p.reason}" for p in report.problems])
    manifest = report.manifest or {}
    referral = manifest["referral"]
    still_open = f", {report.frames_open} in hours open at freezing" if report.frames_open else ""
    keys = ", ".join(report.ledger_keys) or "sealed by hour, without a signature of its own"
    trust = (
        "the expected key 与指定公钥一致"
        if report.key_expected
        else "NOT compared with a known key: give --fingerprint or --key 未核对签名人"
    )
    return "\n".join(
        (
            f"{file}: intact 完整",
            f"  referral 移送    {referral['number']} (matter 案件 {referral['matter_number']})",
            f"  frozen 固定时间  {manifest['created_at']} by {manifest['signer']['name']}",
            f"  items 清单项     {len(manifest['items'])}, SM3 and SHA-256 agree",
            f"  frames 原始报文  {report.frames_proven} proven in the ledger{still_open}",
            f"  ledger 账本密钥  {keys}",
            f"  timeline 过程    {report.timeline_lines} lines, chain unbroken",
            f"  signature 签名   SM2 holds; key {report.fingerprint}",
            f"  signer 签名人    {trust}",
        )
    )
