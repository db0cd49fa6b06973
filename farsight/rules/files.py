"""`farsight rules lint | diff | export`: packs as files."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from farsight.account import signed_in
from farsight.rules.source import pack_of
from services.cases.rules import trigger_table
from services.chassis.errors import InputRejected
from services.detect.packs.diff import ADDED, REMOVED, RowChange, differences
from services.detect.packs.load import PARTS, load_pack, read_folder
from services.detect.packs.pack import Pack

_SIGNS = {ADDED: "+", REMOVED: "-"}


def lint(args: argparse.Namespace) -> int:
    """规则包检查: exit 1 with one line a fault."""
    try:
        pack = own_pack(args.folder)
    except InputRejected as refused:
        faults = refused.message.splitlines()
        if args.json:
            print(json.dumps({"ok": False, "faults": faults}, ensure_ascii=False))
        else:
            print("\n".join(faults), file=sys.stderr)
        return 1
    told = describe(pack)
    if args.json:
        print(json.dumps({"ok": True} | told, ensure_ascii=False))
        return 0
    parts = ", ".join(f"{name} {count}" for name, count in told["rows"].items())
    print(f"{pack.name} {pack.title}\nsha256 {told['sha256']}\n{parts}\nno fault")
    return 0


def own_pack(folder: Path) -> Pack:
    """A pack in a folder, with its triggers read as cases will read them. Raises InputRejected."""
    pack = load_pack(read_folder(folder))
    if pack.triggers:
        try:
            trigger_table(pack.triggers)
        except ValueError as fault:
            raise InputRejected(f"triggers.yaml: {fault}; see docs/triggers.md") from fault
    return pack


def describe(pack: Pack) -> dict[str, Any]:
    """What a pack holds, counted."""
    rows = {name: len(getattr(pack, part)) for part, (name, _) in PARTS.items()}
    unsure = sum(
        row.confidence == "unsure" for part in PARTS for row in getattr(pack, part)
    )  # fmt: skip
    return {
        "pack": pack.name,
        "title": pack.title,
        "sha256": pack.sha256.hex(),
        "rows": rows | {"rules": len(pack.book.all_versions)},
        "unsure": unsure,
    }


def diff(args: argparse.Namespace) -> int:
    """规则包差异 of two packs."""
    client = lambda: signed_in(args)  # noqa: E731 - asked for only where a pack is the platform's
    changes = differences(pack_of(args.old, client), pack_of(args.new, client))
    if args.json:
        print(json.dumps([asdict(one) for one in changes], ensure_ascii=False, indent=1))
        return 0
    print("\n".join(difference_lines(changes)) or "no difference")
    return 0


def difference_lines(changes: tuple[RowChange, ...]) -> list[str]:
    """Each row with what changed in it."""
    lines, part = [], ""
    for one in changes:
        if one.part != part:
            part = one.part
            lines.append(part)
        lines.append(f"  {_SIGNS.get(one.change, '~')} {one.key}")
        if one.change in _SIGNS:
            continue
        lines += [f"      {f.field}: {f.before or '(none)'} -> {f.after or '(none)'}"
                  for f in one.fields]  # fmt: skip
    return lines


def export(args: argparse.Namespace) -> int:
    """Write a pack's files; never over a folder that is there."""
    pack = pack_of(args.pack, lambda: signed_in(args))
    if args.folder.exists():
        raise InputRejected(f"{args.folder} is there already; name a new folder")
    for name, body in pack.files.items():
        place = args.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
    told = describe(pack) | {"folder": str(args.folder), "files": len(pack.files)}
    print(json.dumps(told, ensure_ascii=False) if args.json else
          f"{pack.name}: {len(pack.files)} files in {args.folder}")  # fmt: skip
    return 0
