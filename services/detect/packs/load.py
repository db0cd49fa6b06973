"""读入规则包: files to a `Pack`, with every error naming file, row, field, fault and remedy."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.detect.domain.rule import Factor, RuleBook
from services.detect.packs.pack import Pack, digest
from services.detect.packs.rule_files import read_clue_rule, read_rule

BASE = Path(__file__).parent / "base"


def read_folder(path: Path) -> dict[str, bytes]:
    """Files of a pack in a folder, by their path in it. Raises InputRejected where none is."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.suffix in {".csv", ".yaml"}
    }


def load_pack(files: Mapping[str, bytes]) -> Pack:
    """A pack from its files. Raises InputRejected naming file, row, field and what to do."""
    rules = [
        read_rule(body.decode(), name) for name, body in files.items() if name.startswith("rules/")
    ]
    clue = "clues/sister_factors.yaml"
    table = csv.DictReader(files["factors.csv"].decode().splitlines())
    factors = {row["code"]: Factor(row["name_zh"], row["unit"]) for row in table}
    book = RuleBook(rules, read_clue_rule(files[clue].decode(), clue), factors)
    return Pack(
        id="base", version="2026-11-22", title="基本规则包", sha256=digest(files),
        files=dict(files), book=book, validity=(), marks=(), pools=(), furnaces=(), warnings=(),
        amounts=(), rates=(), power=(), standards=(), legal=(), triggers="",
    )  # fmt: skip


@cache
def shipped_pack() -> Pack:
    """基本规则包 `base`, as this version of Farsight ships it."""
    return load_pack(read_folder(BASE))
