"""读入规则包: files to a `Pack`, with every error naming file, row, field, fault and remedy."""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from services.chassis.errors import InputRejected
from services.detect.domain.rule import Factor, RuleBook
from services.detect.judgement.parameters import (
    AmountRule,
    FurnaceRule,
    LegalRow,
    MarkKind,
    PoolRule,
    PowerRule,
    RateRule,
    StandardLimit,
    ValidityRule,
    WarningRule,
)
from services.detect.packs.checks import check_pack
from services.detect.packs.pack import Pack, digest
from services.detect.packs.rule_files import read_clue_rule, read_family_clue, read_rule
from services.detect.packs.schema import PackHead, build, refusal
from services.detect.packs.tables import csv_rows, from_cells, read_yaml, text_of, yaml_rows
from services.detect.screening.budget import Dial
from services.detect.screening.evidence import Family, Share
from services.detect.screening.rates import RatePoint

T = TypeVar("T")

BASE = Path(__file__).parent / "base"
#: Field of `Pack` -> its file and what a row of it is.
PARTS: Mapping[str, tuple[str, type]] = {
    "validity": ("validity.yaml", ValidityRule),
    "marks": ("marks.csv", MarkKind),
    "pools": ("pools.yaml", PoolRule),
    "furnaces": ("furnace.yaml", FurnaceRule),
    "warnings": ("warnings.yaml", WarningRule),
    "amounts": ("amounts.yaml", AmountRule),
    "rates": ("rates.yaml", RateRule),
    "power": ("power.yaml", PowerRule),
    "standards": ("limits.csv", StandardLimit),
    "legal": ("legal_basis.csv", LegalRow),
}
#: The same for tables that hold for all time and everywhere.
TABLES: Mapping[str, tuple[str, type]] = {
    "test_rates": ("screening/rates.csv", RatePoint),
    "test_families": ("screening/families.csv", Family),
    "test_shares": ("screening/shares.csv", Share),
    "dials": ("screening/dial.yaml", Dial),
}
_HEAD, _FACTORS, _TRIGGERS = "pack.yaml", "factors.csv", "triggers.yaml"
_CLUE, _FAMILY_CLUE = "clues/sister_factors.yaml", "clues/two_families.yaml"
_TABLES = tuple(name for name, _ in (*PARTS.values(), *TABLES.values()))
_NEEDED = (_HEAD, _FACTORS, _CLUE, _FAMILY_CLUE, *_TABLES)
#: Rules that judge as data come, and tests that look for falsified data (`screening`).
RULE_FOLDERS = ("rules/", "screens/")
_NOTES = {"note"}  # a column for people in any table


def read_folder(path: Path) -> dict[str, bytes]:
    """Files of a pack in a folder, by their path in it. Raises InputRejected where none is."""
    found = {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.suffix in {".csv", ".yaml", ".yml"} and file.is_file()
    }
    if not found:
        raise InputRejected(f"{path}: no rule pack; name a folder with pack.yaml and its parts")
    return found


def load_pack(files: Mapping[str, bytes]) -> Pack:
    """A pack from its files. Raises InputRejected naming file, row, field and what to do."""
    _check_names(files)
    head = build(PackHead, read_yaml(files[_HEAD], _HEAD), _HEAD)
    parts, faults = {}, []
    for part, (name, shape) in {**PARTS, **TABLES}.items():
        try:
            parts[part] = _part(files[name], name, shape)
        except InputRejected as fault:
            faults.append(fault.message)
    if faults:
        raise InputRejected("\n".join(faults))
    pack = Pack(
        id=head.id,
        version=head.version,
        title=head.title,
        sha256=digest(files),
        files=dict(files),
        book=_book(files),
        triggers=_triggers(files),
        **parts,
    )
    check_pack(pack, {part: name for part, (name, _) in PARTS.items()})
    return pack


@cache
def shipped_pack() -> Pack:
    """基本规则包 `base`, as this version of Farsight ships it."""
    return load_pack(read_folder(BASE))


def _check_names(files: Mapping[str, bytes]) -> None:
    """Refuse what is missing and what nobody would read: a misspelt file is no default."""
    for name in _NEEDED:
        if name not in files:
            raise refusal(name, "", "is missing", "a pack is complete: copy it from base")
    for name in files:
        is_rule = name.startswith(RULE_FOLDERS) and name.endswith(".yaml") and name.count("/") == 1
        if name not in {*_NEEDED, _TRIGGERS} and not is_rule:
            known = ", ".join((*_NEEDED, _TRIGGERS, "rules/<rule>.yaml", "screens/<rule>.yaml"))
            raise refusal(name, "", "is no part of a pack", f"take it out or rename it: {known}")


@lru_cache(maxsize=128)
def _part(body: bytes, name: str, shape: type[T]) -> tuple[T, ...]:
    """Rows of a file; versions of a pack share most of their files."""
    return tuple(_rows(body, name, shape))


def _rows(body: bytes, name: str, shape: type[T]) -> Iterator[T]:
    """Rows of a file. Raises InputRejected with a line for each row that is at fault."""
    faults = []
    for place, raw in csv_rows(body, name) if name.endswith(".csv") else yaml_rows(body, name):
        try:
            yield build(shape, _fields(raw, name, shape), place)
        except InputRejected as fault:
            faults.append(fault.message)
    if faults:
        raise InputRejected("\n".join(faults))


def _fields(raw: Mapping[str, Any], name: str, shape: type) -> dict[str, Any]:
    """A row as its dataclass wants it: scope gathered, columns for people left out."""
    if shape is LegalRow:
        return _legal(raw)
    row = from_cells(raw, shape) if name.endswith(".csv") else dict(raw)
    if "decimals" not in row and shape is StandardLimit:
        row["decimals"] = _digits(raw)
    known = {field.name for field in dataclasses.fields(shape)}
    return {key: value for key, value in row.items() if key in known or key not in _NOTES}


def _legal(cells: Mapping[str, str]) -> dict[str, Any]:
    own = {field.name for field in dataclasses.fields(LegalRow)} - {"texts"}
    texts = {column: cell for column, cell in cells.items() if column not in own}
    return {name: cells.get(name, "") for name in own} | {"texts": texts}


def _digits(cells: Mapping[str, Any]) -> int:
    """Digits after the point of the limit as printed: 0.50 has two."""
    return max(
        len(str(cells.get(name, "")).strip().partition(".")[2]) for name in ("upper", "lower")
    )


def _book(files: Mapping[str, bytes]) -> RuleBook:
    names = sorted(name for name in files if name.startswith(RULE_FOLDERS))
    if not any(name.startswith("rules/") for name in names):
        raise refusal("rules/", "", "holds no rule", "copy the rules from base")
    rules = [read_rule(files[name], name) for name in names]
    clue_rule = read_clue_rule(files[_CLUE], _CLUE)
    family_clue = read_family_clue(files[_FAMILY_CLUE], _FAMILY_CLUE)
    return RuleBook(rules, clue_rule, _factors(files[_FACTORS]), family_clue)


def _factors(body: bytes) -> dict[str, Factor]:
    found: dict[str, Factor] = {}
    for place, cells in csv_rows(body, _FACTORS):
        code, name_zh = cells.get("code", ""), cells.get("name_zh", "")
        if not code or not name_zh:
            raise refusal(place, "code", "has no code or no name", "write code,name_zh,unit")
        # Annex B prints a few codes twice (e701xx); the later one has always counted.
        found[code] = Factor(name_zh, cells.get("unit", ""))
    return found


def _triggers(files: Mapping[str, bytes]) -> str:
    """The triggers for cases, who check them by their own schema when they take them over."""
    if _TRIGGERS not in files:
        return ""
    if not isinstance(read_yaml(files[_TRIGGERS], _TRIGGERS), dict):
        raise refusal(_TRIGGERS, "", "is not a mapping", "copy services/cases/data/triggers.yaml")
    return text_of(files[_TRIGGERS], _TRIGGERS)
