"""规则包差异: which rows of two packs differ, field by field. Files and order do not matter."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from services.detect.packs.load import PARTS
from services.detect.packs.pack import Pack

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclasses.dataclass(frozen=True)
class FieldChange:
    """One field before and after; empty = not there."""

    field: str
    before: str
    after: str


@dataclasses.dataclass(frozen=True)
class RowChange:
    """One row that differs. Of an added or removed row `fields` holds what is filled in."""

    part: str
    key: str
    change: str
    fields: tuple[FieldChange, ...]


def differences(old: Pack, new: Pack) -> tuple[RowChange, ...]:
    """规则包差异 from one pack to another, by part and key."""
    before, after = _parts(old), _parts(new)
    return tuple(
        change
        for part in before
        for key in sorted({*before[part], *after[part]})
        if (change := _change(part, key, before[part].get(key), after[part].get(key)))
    )


def _change(
    part: str, key: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> RowChange | None:
    names = list(dict.fromkeys([*(before or {}), *(after or {})]))
    texts = [(name, (before or {}).get(name, ""), (after or {}).get(name, "")) for name in names]
    fields = tuple(FieldChange(*text) for text in texts if text[1] != text[2])
    if before is not None and after is not None:
        return RowChange(part, key, CHANGED, fields) if fields else None
    return RowChange(part, key, ADDED if before is None else REMOVED, fields)


def _parts(pack: Pack) -> dict[str, dict[str, dict[str, str]]]:
    """Part -> key -> field -> text."""
    parts = {name: _by_key(getattr(pack, part)) for part, (name, _) in PARTS.items()}
    parts["screening/rates.csv"] = {
        f"{point.test} {point.interval_class} {point.score:g}": flat(point)
        for point in pack.test_rates
    }
    parts["screening/families.csv"] = {family.id: flat(family) for family in pack.test_families}
    parts["screening/shares.csv"] = {share.test: flat(share) for share in pack.test_shares}
    parts["screening/dial.yaml"] = {"dial": flat(pack.dial)}
    parts["pack.yaml"] = {pack.id: {"version": pack.version, "title": pack.title}}
    rules = {f"{rule.id} {rule.version}": flat(rule) for rule in pack.book.all_versions}
    parts["rules"] = rules
    clue = pack.book.clue_rule
    parts["clues"] = {f"{clue.id} {clue.version}": flat(clue)}
    if (family := pack.book.family_clue) is not None:
        parts["clues"][f"{family.id} {family.version}"] = flat(family)
    parts["factors.csv"] = {code: flat(factor) for code, factor in pack.book.factors.items()}
    table = yaml.safe_load(pack.triggers) if pack.triggers else {}
    parts["triggers.yaml"] = {str(name): flat(value) for name, value in table.items()}
    return parts


def _by_key(rows: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Rows by key; where a key stands for several periods, by key and first day."""
    rows = list(rows)
    keys = [row.key for row in rows]
    return {
        row.key if keys.count(row.key) == 1 else f"{row.key} since {row.since}": flat(row)
        for row in rows
    }


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """A value as field -> text, nested names joined by a point.

    >>> flat({"a": {"b": (1, 2)}, "c": float("nan")})
    {'a.b': '1;2', 'c': ''}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for name, inner in value.items():
            found |= flat(inner, f"{prefix}.{name}" if prefix else str(name))
        return found
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        return flat({_name(one, at): one for at, one in enumerate(value)}, prefix)
    return {prefix: _text(value)}


def _name(one: Any, at: int) -> str:
    """What an entry of a list is called: by its own id, so that order does not matter."""
    own = one.get("id") or one.get("key") if isinstance(one, Mapping) else None
    return str(own or at)


def _text(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN: no bound
        return ""
    if isinstance(value, list | tuple):
        return ";".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
